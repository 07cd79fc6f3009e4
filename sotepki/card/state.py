"""What a card remembers without power: its phase of life and its try counters (``card.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sotepki.card.kinds import CardKind, Credential, card_kind
from sotepki.errors import Fault, SotepkiError
from sotepki.tokens.storage import replace_one_byte, write_private

_FORMAT = 1
_LARGEST_FILE = 64 * 1024


class Phase(StrEnum):
    """Where a card is in its life (docs/field/card.md 6: a choice of this project)."""

    MANUFACTURED = "manufactured"
    PERSONALISED = "personalised"
    ACTIVE = "active"
    EMPTIED = "emptied"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class CardState:
    """One state of a card; every change gives a new one.

    Attributes:
        number: the card number.
        holder: the name printed on the card.
        kind: id of the kind of card.
        phase: see ``Phase``.
        tries: tries left for PIN1, PIN2 and PUK; zero is locked.
        chosen: PINs that the holder has set on a card that is not active yet; it is active when both are set.
    """

    number: str
    holder: str
    kind: str
    phase: Phase
    tries: Mapping[Credential, int]
    chosen: frozenset[Credential] = frozenset()

    @property
    def condition(self) -> str:
        """The phase in one word, or what is locked: ``puk-blocked``, ``pin1-blocked``, ``pin2-blocked``."""
        if self.phase in (Phase.PERSONALISED, Phase.ACTIVE):
            for credential in (Credential.PUK, Credential.PIN1, Credential.PIN2):
                if not self.tries[credential]:
                    return f"{credential}-blocked"
        return self.phase

    def spend(self, credential: Credential) -> CardState:
        """One try fewer. Written to the disk before the card looks at the PIN."""
        return replace(self, tries={**self.tries, credential: self.tries[credential] - 1})

    def lower(self, credential: Credential, count: int) -> CardState:
        """At most ``count`` tries."""
        return replace(self, tries={**self.tries, credential: min(count, self.tries[credential])})

    def is_set(self, credential: Credential) -> bool:
        """Whether the holder has chosen this PIN (the activation code is set from the beginning)."""
        return self.phase is Phase.ACTIVE or (self.phase is Phase.PERSONALISED and credential in self.chosen)

    def with_pin_set(self, credential: Credential) -> CardState:
        """The card after a PIN was set by the activation code; with the second one it becomes active."""
        chosen = self.chosen | {credential}
        if self.phase is Phase.PERSONALISED and chosen < {Credential.PIN1, Credential.PIN2}:
            return replace(self, chosen=chosen)
        return replace(self, phase=Phase.ACTIVE, chosen=frozenset())

    def restore(self, credential: Credential) -> CardState:
        """All tries back, after the right PIN."""
        return replace(self, tries={**self.tries, credential: card_kind(self.kind).tries[credential]})

    def in_phase(self, phase: Phase) -> CardState:
        """The same card in another phase."""
        return replace(self, phase=phase, chosen=frozenset())


def new_state(number: str, holder: str, kind: CardKind, phase: Phase = Phase.PERSONALISED) -> CardState:
    """The state of a card that comes from personalisation, with all its tries."""
    return CardState(number=number, holder=holder, kind=kind.id, phase=phase, tries=dict(kind.tries))


@dataclass(frozen=True)
class StateFile:
    """The file ``card.json`` of a card."""

    path: Path

    def load(self) -> CardState:
        """Read the state.

        Raises:
            Fault: rule ``card.state-file``: the file is missing or not a card's state; nothing is guessed.
        """
        try:
            with self.path.open("rb") as stream:
                content = stream.read(_LARGEST_FILE + 1)
            return _parse(content)
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError, SotepkiError) as error:
            raise self._unreadable("it is not the state of a card") from error

    def save(self, state: CardState, *, durable: bool = True) -> None:
        """Replace the state in one step; with ``durable`` it is on the disk when this returns.

        Raises:
            Fault: it cannot be written; the old state stands.
        """
        row = {
            "format": _FORMAT,
            "number": state.number,
            "holder": state.holder,
            "kind": state.kind,
            "phase": state.phase,
            "tries": {credential: state.tries[credential] for credential in Credential},
            "chosen": sorted(state.chosen),
        }
        content = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        # A counter is one digit, and the new one can be put in its place: a try costs a short write.
        if not replace_one_byte(self.path, content, durable=durable):
            write_private(self.path, content, durable=durable)

    def _unreadable(self, why: str) -> Fault:
        return Fault(
            f"The state of the card in {self.path.parent} cannot be read: {why}.",
            rule="card.state-file",
            advice="Order a new card; the counters of this one are not guessed.",
        )


def _parse(content: bytes) -> CardState:
    if len(content) > _LARGEST_FILE:
        raise ValueError("too long")
    row = json.loads(content)
    known = {"format", "number", "holder", "kind", "phase", "tries"}
    if set(row) - {"chosen"} != known or row["format"] != _FORMAT:
        raise ValueError("another format")
    kind = card_kind(row["kind"])
    tries = {Credential(name): count for name, count in dict(row["tries"]).items()}
    for credential in Credential:
        if type(tries[credential]) is not int or not 0 <= tries[credential] <= kind.tries[credential]:
            raise ValueError("a counter out of range")
    if not isinstance(row["number"], str) or not isinstance(row["holder"], str):
        raise TypeError("a number or a holder that is not text")
    chosen = frozenset(Credential(name) for name in row.get("chosen", []))
    return CardState(row["number"], row["holder"], kind.id, Phase(row["phase"]), tries, chosen)
