"""Card use that a person watches: what the person saw is done again with the card of the suite, which judges it.

No program looks into a vendor's own card reader. So the person says how often which PIN was asked for, what was
signed and how many tries the card lost, and the suite's card goes through the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from conformance.sut.facets import Card, PinPad, Skipped
from conformance.sut.facets_card import CardKey, CardTrouble, Desk, DeskCard, DeskOutcome, DeskTask, WayOut
from conformance.sut.operator import Hands
from sotepki.errors import Refused
from sotepki.tokens import Pin

_COUNTS = ("none", "1", "2", "3", "4", "5 or more")
_WRONG = Pin("998877")
_PINS = {CardKey.AUTHENTICATION: "PIN1", CardKey.SIGNATURE: "PIN2"}
_DONE = "it was done"
_TASKS = {
    DeskTask.LOGIN: "log in with the card",
    DeskTask.SIGN: "sign a record with the card",
    DeskTask.PRESCRIBE: "sign a prescription with the card",
}
_TROUBLES = {
    "the system found no card": CardTrouble.NO_CARD,
    "it was cancelled": CardTrouble.CANCELLED,
    "the system said that the PIN was wrong": CardTrouble.WRONG_PIN,
    "the system said that the PIN is locked": CardTrouble.BLOCKED,
    "the system said that the card was removed": CardTrouble.REMOVED,
    "the system said that the card has expired": CardTrouble.EXPIRED,
    "the system said that the card is revoked": CardTrouble.REVOKED,
    "the system said that the card cannot sign": CardTrouble.NO_SIGNATURE_CERTIFICATE,
    "the system said that the card has no prescriber's identifier": CardTrouble.NO_PRESCRIBER_ID,
    "the system said that it is somebody else's card": CardTrouble.OTHER_HOLDER,
    "something else": CardTrouble.OTHER,
}
_WAYS_OUT = {
    "nothing": WayOut.NONE,
    "to set a new PIN with the activation code": WayOut.ACTIVATION_CODE,
    "to get a new card": WayOut.NEW_CARD,
    "to take another card": WayOut.OTHER_CARD,
    "to try again": WayOut.AGAIN,
}


@dataclass(frozen=True)
class OperatorCardUser:
    """Asks a person to sign documents with a test card."""

    hands: Hands

    def sign_all(self, card: Card, pin_pad: PinPad, documents: Sequence[bytes]) -> Sequence[bytes]:
        first = "First type a wrong PIN2 once, then" if pin_pad.wrong_pins else "Each time that you are asked,"
        self.hands.operator.tell(
            f"Your turn: sign {len(documents)} documents one after another with a test card. {first} the right PIN2."
        )
        asked = self._count("How often were you asked for PIN2?")
        lost = self._count(
            "How many tries of PIN2 did the card lose, as card software shows it before the right PIN?"
        )
        signed = min(self._count("How many documents were signed?"), len(documents))
        typed = [pin_pad.pin2() for _ in range(asked)]
        for _ in range(lost):
            with suppress(Refused):
                card.verify_pin2(_WRONG)
        made = []
        for document in documents[:signed]:
            card.verify_pin2(typed[-1] if typed else pin_pad.pin2())
            made.append(card.sign(document))
        return made

    def _count(self, question: str) -> int:
        return _COUNTS.index(self.hands.operator.choose(question, _COUNTS, self.hands.timeout))


@dataclass(frozen=True)
class OperatorDesk:
    """Asks a person to lay cards and do tasks."""

    hands: Hands

    def work(self, task: DeskTask, desk: Desk, content: bytes) -> DeskOutcome:
        if not desk.scene:
            raise Skipped("A person cannot set this up in time; attach a command or an endpoint for it.")
        self.hands.operator.tell(f"Your turn. {desk.scene} Then {_TASKS[task]}.")
        came = self._chosen("What came of it?", (_DONE, *_TROUBLES))
        card = self._used(desk)
        key, pin = CardKey.AUTHENTICATION if task is DeskTask.LOGIN else CardKey.SIGNATURE, None
        for one, name in _PINS.items():
            for _ in range(self._count(f"How often were you asked for {name}?")):
                key, pin = one, desk.ask_pin(one)
            for _ in range(self._count(f"How many tries of {name} did the card lose by it?") if card else 0):
                with suppress(Refused):
                    card.verify(one, _WRONG)  # type: ignore[union-attr]
        if came == _DONE:
            return DeskOutcome(_signature(card, key, pin, content))
        way_out = self._chosen("What did the system tell you to do?", tuple(_WAYS_OUT))
        return DeskOutcome(b"", _TROUBLES[came], _WAYS_OUT[way_out])

    def _used(self, desk: Desk) -> DeskCard | None:
        filled = {reader.name: reader.card for reader in desk.readers if reader.card is not None}
        if len(filled) > 1:
            return filled[self._chosen("Which card did the system use, the one in", tuple(filled))]
        return next(iter(filled.values()), None)

    def _count(self, question: str) -> int:
        return _COUNTS.index(self._chosen(question, _COUNTS))

    def _chosen(self, question: str, answers: Sequence[str]) -> str:
        return self.hands.operator.choose(question, answers, self.hands.timeout)


def _signature(card: DeskCard | None, key: CardKey, pin: Pin | None, content: bytes) -> bytes:
    """What the card of the suite gives for the same key; nothing where it refuses."""
    if card is None:
        return b""
    try:
        if pin is not None:
            card.verify(key, pin)
        return card.sign(key, content)
    except Refused:
        return b""
