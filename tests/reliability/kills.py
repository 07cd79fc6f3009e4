"""``python -m tests.reliability.kills --kills 200``: kill a working process again and again, and look what is left.

Each kill ends a child with SIGKILL, alone or with the processes that it started: before a named step (``dying``), or
at any moment. Then another process opens the workspace and everything that must hold is looked at (``invariants``).
On PostgreSQL every tenth kill is one of the server itself. All kills hit one workspace, one after the other, so what
one leaves behind the next one meets.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sotepki.errors import Refused
from sotepki.tokens import KeyKind, KeyPool
from sotepki.workspace import Workspace

from .. import postgresql_server
from .dying import Steps, arm, note
from .invariants import leftovers, usable, violations
from .work import NOW, PARTS, WORK, opened, witness

SERVER_KILLS = 10
"""On PostgreSQL one kill in so many is of the server."""


@dataclass
class Field:
    """A workspace under fire: its directory, what was acknowledged and signed, and the steps of each work."""

    directory: Path
    chance: random.Random
    server: postgresql_server.Server | None
    steps: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    hit: Counter[str] = field(default_factory=Counter)

    @property
    def workspace(self) -> Path:
        return self.directory / "workspace"

    @property
    def acknowledged(self) -> Path:
        return self.directory / "acknowledged"

    @property
    def signed(self) -> Path:
        return self.directory / "signed"


def prepare(directory: Path, server: postgresql_server.Server | None, seed: int) -> Field:
    """A new workspace, with the steps of every work counted once without a kill."""
    under_fire = Field(directory, random.Random(seed), server)
    _in_a_child(lambda: _found(under_fire))
    for name in WORK:
        _lay_out_keys(under_fire)
        started = time.monotonic()
        _in_a_child(lambda name=name: _count(under_fire, name))  # type: ignore[misc]
        under_fire.seconds[name] = time.monotonic() - started
        under_fire.steps[name] = json.loads((directory / "steps").read_text())
        _look(under_fire)
    return under_fire


def kill_once(under_fire: Field, number: int) -> list[str]:
    """Start a work, kill it, open the workspace again; what does not hold."""
    name = list(WORK)[number % len(WORK)]
    part = PARTS[number // len(WORK) % len(PARTS)]
    _lay_out_keys(under_fire)
    all_of_us = under_fire.chance.random() < 0.5
    if under_fire.server is not None and number % SERVER_KILLS == SERVER_KILLS - 1:
        _kill_the_server(under_fire, name, part)
    elif under_fire.chance.random() < 0.75:
        at = _next_step(under_fire, name)
        child = _fork(lambda: _work(under_fire, name, part, Steps(at, all_of_us=all_of_us)))
        under_fire.hit[f"{name}: {under_fire.steps[name][at]}"] += 1
        _await(child)
    else:
        child = _fork(lambda: _work(under_fire, name, part, Steps()))
        time.sleep(under_fire.chance.uniform(0.02, under_fire.seconds[name]))
        under_fire.hit[f"{name}: any moment"] += 1
        (os.killpg if all_of_us else os.kill)(child, signal.SIGKILL)
        _await(child)
    return [f"after kill {number} ({name}): {one}" for one in _look(under_fire)]


# ---------------------------------------------------------------------------------------------- in the children


def _found(under_fire: Field) -> None:
    from sotepki.clock import SetClock

    with Workspace.create(under_fire.workspace, card_keys=4, clock=SetClock(NOW)) as workspace:
        # The letter in one transaction with the card it belongs to: what a kill could tear apart.
        workspace.vartti.policies.set("code-letter-working-days", "0", actor="trainer")
    keys = under_fire.workspace / "key-pool" / KeyKind.RSA_3072
    shutil.copytree(keys, under_fire.directory / "keys")


def _count(under_fire: Field, name: str) -> None:
    steps = Steps()
    _work(under_fire, name, PARTS[0], steps)
    (under_fire.directory / "steps").write_text(json.dumps(steps.names))


def _work(under_fire: Field, name: str, part: str, steps: Steps) -> None:
    def tell(kind: str, subject: str) -> None:
        note(under_fire.acknowledged, json.dumps([kind, subject]))

    with opened(under_fire.workspace) as workspace:
        arm(steps, under_fire.signed)
        WORK[name](workspace, tell, part)


def _recover(under_fire: Field) -> None:
    """Open the workspace, which finishes what was interrupted; check it; clear the desk for the next kill."""
    found: list[str] = []
    with opened(under_fire.workspace) as workspace:
        for order in workspace.vartti.orders(state="delivered"):
            found += usable(workspace, order.card_number)
        signed = under_fire.signed.read_text().split() if under_fire.signed.exists() else []
        found += violations(workspace, witness(under_fire.acknowledged), signed)
        found += leftovers(workspace.directory / "cards")
        for order in workspace.vartti.orders():
            with contextlib.suppress(Refused):
                if order.state == "ordered":
                    workspace.vartti.cancel_order(order.id, actor="dvv")
                elif order.card_number and not order.closed_at:
                    workspace.vartti.close_card(order.card_number, "lost", "dvv")
    (under_fire.directory / "found").write_text(json.dumps(found))


# ------------------------------------------------------------------------------------------------ in the parent


def _lay_out_keys(under_fire: Field) -> None:
    """Fill the key pool with keys made once: making them is slow, and no invariant is about them."""
    pool = KeyPool(under_fire.workspace / "key-pool")
    stock = sorted((under_fire.directory / "keys").glob("*.key"))
    for number in range(6 - pool.waiting(KeyKind.RSA_3072)):
        target = pool.directory / KeyKind.RSA_3072 / f"{secrets.token_hex(8)}.key"
        shutil.copyfile(stock[number % len(stock)], target)


def _next_step(under_fire: Field, name: str) -> int:
    """A step that was hit least so far."""
    names = under_fire.steps[name]
    least = min(under_fire.hit[f"{name}: {step}"] for step in names)
    fewest = [at for at, step in enumerate(names) if under_fire.hit[f"{name}: {step}"] == least]
    return under_fire.chance.choice(fewest)


def _kill_the_server(under_fire: Field, name: str, part: str) -> None:
    assert under_fire.server is not None
    child = _fork(lambda: _work(under_fire, name, part, Steps()))
    time.sleep(under_fire.chance.uniform(0.02, under_fire.seconds[name]))
    under_fire.hit[f"{name}: the server"] += 1
    under_fire.server.crash()
    _await(child)
    under_fire.server.start()


def _look(under_fire: Field) -> list[str]:
    (under_fire.directory / "found").unlink(missing_ok=True)
    _in_a_child(lambda: _recover(under_fire))
    found: list[str] = json.loads((under_fire.directory / "found").read_text())
    return found


def _in_a_child(work: Callable[[], None]) -> None:
    if _await(_fork(work)):
        raise RuntimeError("A process that was not to be killed failed; its error stands above.")


def _fork(work: Callable[[], None]) -> int:
    """A child with a process group of its own; it inherits the imports, and no database or token is open yet."""
    child = os.fork()
    if child:
        with contextlib.suppress(PermissionError):
            os.setpgid(child, child)
        return child
    status = 1
    try:
        os.setpgid(0, 0)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - a forked child shows its error and never returns into its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _await(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return status


def run(kills: int, *, database: str, seed: int, tell: Callable[[str], None]) -> dict[str, object]:
    """All of it: the number of kills, where they hit, and what did not hold (an empty list is the aim)."""
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotepki-kills-")))
        server = stack.enter_context(postgresql_server.postgresql()) if database == "postgresql" else None
        os.environ.pop("SOTEPKI_DATABASE_URL", None)
        if server is not None:
            os.environ["SOTEPKI_DATABASE_URL"] = server.address
        under_fire = prepare(directory, server, seed)
        found: list[str] = []
        for number in range(kills):
            found += kill_once(under_fire, number)
            tell(f"{number + 1} kills, {len(found)} violations")
        os.environ.pop("SOTEPKI_DATABASE_URL", None)
        facts = witness(under_fire.acknowledged)
        return {
            "database": database, "seed": seed, "kills": kills, "seconds": round(time.monotonic() - started, 1),
            "steps": {name: len(steps) for name, steps in under_fire.steps.items()},
            "different steps hit": len(under_fire.hit), "signatures": len(under_fire.signed.read_text().split()),
            "acknowledged": dict(Counter(kind for kind, _ in facts)), "hit": dict(sorted(under_fire.hit.items())),
            "violations": found,
        }  # fmt: skip


def main() -> int:
    """Exit code 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=2026)
    chosen = parser.parse_args()
    progress = (lambda line: print(f"\r{line}", end="", file=sys.stderr)) if sys.stderr.isatty() else (lambda _: None)
    result = run(chosen.kills, database=chosen.database, seed=chosen.seed, tell=progress)
    print(json.dumps(result, indent=2))
    return 1 if result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
