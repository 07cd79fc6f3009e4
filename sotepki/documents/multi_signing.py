"""Signing several documents in one go (moniallekirjoitus): one action of the user, one signature for each document.

The card wants PIN2 before every signature. Whether the user types it each time or once is a matter of the client,
which may keep the PIN and verify it again (``middlewares.yaml``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sotepki.errors import Misuse, SotepkiError
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml
from sotepki.resources import package_file
from sotepki.tokens import Pin


class PinPolicy(StrEnum):
    """When the user types PIN2: for each document, or once for the batch."""

    EACH = "each"
    BATCH = "batch"


@dataclass(frozen=True)
class Middleware:
    """A signing client. ``uses``: signatures that one entry of PIN2 may make, 0 for no limit."""

    id: str
    title: str
    uses: int
    source: str
    grade: Grade


@dataclass(frozen=True)
class SeveralSigned:
    """What became of the documents: which are signed, where it stopped and why, and which were not reached."""

    done: tuple[str, ...]
    stopped_at: str = ""
    reason: SotepkiError | None = None
    left: tuple[str, ...] = ()


def sign_several(
    names: Sequence[str],
    sign: Callable[[str], None],
    *,
    tell: Callable[[str], None] = lambda _name: None,
) -> SeveralSigned:
    """Sign documents one after the other until one fails; what was signed before stays signed.

    Args:
        sign: signs the document of a name and stores it; raises ``SotepkiError`` if it cannot.
        tell: called with each name when it is done.
    """
    done: list[str] = []
    for position, name in enumerate(names):
        try:
            sign(name)
        except SotepkiError as error:
            return SeveralSigned(tuple(done), name, error, tuple(names[position + 1 :]))
        done.append(name)
        tell(name)
    return SeveralSigned(tuple(done))


def pin_supply(policy: PinPolicy, middleware: Middleware, ask: Callable[[], Pin]) -> Callable[[], Pin]:
    """A source of PIN2 for one signature after the other, which asks the user as the policy and the client say.

    Raises:
        Misuse: the client asks for the PIN each time, whatever the user wishes (``doc.pin-policy``).
    """
    if policy is PinPolicy.EACH:
        return ask
    if middleware.uses == 1:
        raise Misuse(
            f"{middleware.title} asks for PIN2 at each signature.",
            rule="doc.pin-policy",
            advice="Use the policy 'each', or another client.",
        )
    held: list[Pin] = []
    count = 0

    def supply() -> Pin:
        nonlocal count
        if not held or (middleware.uses and count >= middleware.uses):
            held[:] = [ask()]
            count = 0
        count += 1
        return held[0]

    return supply


@cache
def middlewares() -> Mapping[str, Middleware]:
    """The signing clients by id."""
    path = package_file("documents", "middlewares.yaml")
    found: dict[str, Middleware] = {}
    for name, row in load_yaml(path).items():
        keys = set(Middleware.__dataclass_fields__) - {"id"}
        where = f"{name} in {path.name}"
        expect_keys(row, keys, where)
        found[name] = Middleware(name, row["title"], int(row["uses"]), row["source"], grade_of(row, where))
    return found
