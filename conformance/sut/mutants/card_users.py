"""Software that handles the card badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.sut.facets import Card, Facet, PinPad
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference import CardUser
from sotepki.errors import Refused


@dataclass(frozen=True)
class RemembersPin2(CardUser):
    """Asks for PIN2 once and presents it by itself for every further document."""

    def sign_all(self, card: Card, pin_pad: PinPad, documents: Sequence[bytes]) -> Sequence[bytes]:
        pin = pin_pad.pin2()
        signed = []
        for document in documents:
            try:
                card.verify_pin2(pin)
            except Refused:
                pin = pin_pad.pin2()
                card.verify_pin2(pin)
            signed.append(card.sign(document))
        return signed


@dataclass(frozen=True)
class RepeatsWrongPin(CardUser):
    """Takes a refused PIN for a bad connection and presents it again, until the card is locked."""

    def unlock(self, card: Card, pin_pad: PinPad) -> bool:
        pin = pin_pad.pin2()
        for _ in range(10):
            try:
                card.verify_pin2(pin)
            except Refused:
                continue
            return True
        return False


@dataclass(frozen=True)
class GivesNoSecondChance(CardUser):
    """Gives up at the first wrong PIN2 and leaves the card with a try less."""

    def unlock(self, card: Card, pin_pad: PinPad) -> bool:
        try:
            card.verify_pin2(pin_pad.pin2())
        except Refused:
            return False
        return True


MUTANTS = (
    Mutant("card-user-remembers-pin2", "Remembers PIN2 and presents it by itself", Facet.CARD,
           lambda reference: {"card_user": RemembersPin2()}),
    Mutant("card-user-repeats-wrong-pin", "Presents a wrong PIN2 until the card is locked", Facet.CARD,
           lambda reference: {"card_user": RepeatsWrongPin()}),
    Mutant("card-user-gives-no-second-chance", "Gives up at the first wrong PIN2", Facet.CARD,
           lambda reference: {"card_user": GivesNoSecondChance()}),
)  # fmt: skip
