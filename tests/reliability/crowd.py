"""``python -m tests.reliability.crowd``: several processes at once on one workspace, as a class works on one server.

Prints what happened, and a sentence for everything that must not: two cards, a number used twice, a change that was
lost, an error of the database in the face of a user.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from sqlalchemy import func, select

from sotepki.clock import SetClock
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.records import JournalEntry
from sotepki.workspace import Workspace

from .. import postgresql_server
from .invariants import violations
from .work import NOW, PARTS, apply, cast, opened, order_card, publish, registrars, request

Work = Callable[[Workspace], str]

PROCESSES = 4
ROUNDS = 25

_fork: Any = multiprocessing.get_context("fork")


def together(directory: Path, works: Sequence[Work]) -> Counter[str]:
    """Let every work begin at the same moment in a process of its own; how they ended."""
    gate, answers = _fork.Barrier(len(works)), _fork.SimpleQueue()
    children = [_fork.Process(target=_child, args=(directory, work, gate, answers)) for work in works]
    for child in children:
        child.start()
    ended = Counter(answers.get() for _ in children)
    for child in children:
        child.join()
    return ended


def alone(directory: Path, work: Callable[[Workspace], Any]) -> Any:
    """Do one thing in a process of its own and give its answer; this process never opens a token, so it may fork."""
    answers = _fork.SimpleQueue()

    def child() -> None:
        with opened(directory) as workspace:
            answers.put(work(workspace))

    process = _fork.Process(target=child)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("A process failed; its error stands above.")
    return answers.get()


def _child(directory: Path, work: Work, gate: Any, answers: Any) -> None:
    try:
        with opened(directory) as workspace:
            gate.wait(60)
            ended = work(workspace)
    except Refused as refused:
        ended = f"refused: {refused.rule}"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is an answer, and one too many
        traceback.print_exc()
        ended = f"failed: {error}"
    answers.put(ended)


def orders(directory: Path, part: str) -> Counter[str]:
    """Two registrars, each twice, order a card for one person."""

    def press(number: int) -> Work:
        return lambda workspace: "ordered" if order_card(workspace, cast(part), registrars()[number % 2]) else ""

    return together(directory, [press(number) for number in range(PROCESSES)])


def cards(directory: Path) -> Counter[str]:
    """Several runs make the cards that were ordered."""

    def make(workspace: Workspace) -> str:
        for order in workspace.vartti.orders(state="ordered"):
            with contextlib.suppress(Refused):  # another run has it in hand, or has made it
                workspace.vartti.personalise(order.id)
        return "done"

    return together(directory, [make] * 3)


def applications(directory: Path, application: str) -> Counter[str]:
    """Several officers process one application."""
    return together(
        directory,
        [lambda workspace: workspace.service_certificates.process(application, "officer").state] * PROCESSES,
    )


def revocations(directory: Path) -> Counter[str]:
    """Certificates are issued, revoked and listed by all at the same time, and one card is closed by two."""
    number = alone(directory, lambda workspace: workspace.vartti.orders(state="delivered")[0].card_number)

    def close(workspace: Workspace) -> str:
        return f"card {workspace.vartti.close_card(number, 'lost', 'dvv').state}"

    def revoke(workspace: Workspace) -> str:
        for _ in range(3):
            publish(workspace, lambda _kind, _subject: None, "")
        return "published"

    return together(directory, [close, close, *[revoke] * (PROCESSES - 1)])


def same_certificate(directory: Path) -> Counter[str]:
    """All revoke one certificate: once it is done, and nobody overwrites its time and reason."""

    def issue(workspace: Workspace) -> tuple[str, int]:
        application = apply(workspace, request())
        return application, int(workspace.service_certificates.process(application, "officer").serial, 16)

    application, serial = alone(directory, issue)

    def shown(workspace: Workspace) -> str:
        """The e-service had no part in it; it asks the authority's books."""
        return workspace.service_certificates.application(application).state

    def revoke(workspace: Workspace) -> str:
        workspace.authorities.revoke(("sote-services", serial), reason=x509.ReasonFlags.key_compromise, actor="test")
        return "revoked"

    ended = together(directory, [revoke] * PROCESSES)
    ended[f"shown as {alone(directory, shown)}"] += 1
    return ended


def rights(directory: Path) -> Counter[str]:
    """All grant and remove one right of one person; each answer must be true when it is given."""

    def look(workspace: Workspace) -> tuple[str, str]:
        professional = workspace.valvira.professional_of(cast("pharmacist"))
        assert professional is not None
        return professional.registration_number.value, professional.rights[0].code

    number, code = alone(directory, look)

    def remove(workspace: Workspace) -> str:
        workspace.valvira.remove_right(RegistrationNumber(number), code, actor="valvira", reason="crowd")
        return "removed"

    return together(directory, [remove] * PROCESSES)


def changes(directory: Path) -> Counter[str]:
    """All write into the journal as fast as they can."""

    def write(workspace: Workspace) -> str:
        for number in range(ROUNDS):
            with workspace.records.change("trainer", str(os.getpid())) as tx:
                tx.journal("wrote", str(number))
        return "wrote"

    return together(directory, [write] * PROCESSES)


def run(directory: Path) -> dict[str, Any]:
    """Every scene, what came of it, and what must not have."""
    started = time.monotonic()
    child = _fork.Process(target=_found, args=(directory,))
    child.start()
    child.join()
    application = alone(directory, lambda workspace: apply(workspace, request()))
    ended: dict[str, Counter[str]] = {}
    for part in PARTS[:3]:
        ended[f"order for the {part}"] = orders(directory, part)
    ended["cards"] = cards(directory)
    ended["one application"] = applications(directory, application)
    ended["revocations and lists"] = revocations(directory)
    ended["one certificate"] = same_certificate(directory)
    ended["one right"] = rights(directory)
    entries = alone(directory, _entries)
    ended["journal"] = changes(directory)
    expected = {
        **{f"order for the {part}": {"ordered": 1, "refused: order.one-card": PROCESSES - 1} for part in PARTS[:3]},
        "cards": {"done": 3},
        "one certificate": {"revoked": 1, "refused: revocation.final": PROCESSES - 1, "shown as revoked": 1},
        "one right": {"removed": 1, "refused: valvira.right.held": PROCESSES - 1},
        "journal": {"wrote": PROCESSES},
    }
    wrong = [f"{name}: {dict(ended[name])}" for name, wanted in expected.items() if ended[name] != wanted]
    wrong += [
        f"{name}: {answer}" for name, answers in ended.items() for answer in answers if answer.startswith("failed")
    ]
    if not ended["one application"]["issued"]:
        wrong.append("nobody could process the application")
    written = alone(directory, _entries) - entries
    if written != PROCESSES * ROUNDS:
        wrong.append(f"{PROCESSES * ROUNDS} entries were written, {written} are there")
    wrong += alone(directory, lambda workspace: violations(workspace, [], []))
    return {
        "processes": PROCESSES, "seconds": round(time.monotonic() - started, 1),
        "ended": {name: dict(answers) for name, answers in ended.items()}, "wrong": wrong,
    }  # fmt: skip


def _entries(workspace: Workspace) -> int:
    with workspace.records.look() as session:
        return session.scalar(select(func.count()).select_from(JournalEntry)) or 0


def _found(directory: Path) -> None:
    with Workspace.create(directory, card_keys=6, clock=SetClock(NOW)) as workspace:
        # The letter with the card, so that the letters of cards can be counted when all is done.
        workspace.vartti.policies.set("code-letter-working-days", "0", actor="trainer")


def main() -> int:
    """Exit code 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    database = parser.parse_args().database
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotepki-crowd-")))
        os.environ.pop("SOTEPKI_DATABASE_URL", None)
        if database == "postgresql":
            server = stack.enter_context(postgresql_server.postgresql())
            os.environ["SOTEPKI_DATABASE_URL"] = server.address
        result = run(directory / "workspace")
    print(json.dumps({"database": database, **result}, indent=2))
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
