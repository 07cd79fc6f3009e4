"""Getting a professional of the test world a card that is in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509

from sotepki.card import InsertedCard
from sotepki.errors import Fault
from sotepki.journey.card_holder import activation_code, card_in_hand
from sotepki.journey.cast import Cast
from sotepki.registers import Organisation, Professional
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

_REGISTRAR = "registrar-county-1"


@dataclass(frozen=True)
class CardInHand:
    """A card that its holder has taken into use."""

    number: str
    professional: Professional
    activation_code: Pin
    workspace: Workspace

    @cached_property
    def certificates(self) -> Mapping[str, x509.Certificate]:
        """The certificates by their use, read from the chip once: each insertion starts a process."""
        with self.inserted() as card:
            return {use: card.certificate(use) for use in ("authentication", "signature")}

    @contextmanager
    def inserted(self) -> Iterator[InsertedCard]:
        """The card in a reader of this process."""
        with self.workspace.cards.insert(self.number) as card:
            yield card


def professional_card(workspace: Workspace, cast: Cast, part: str) -> CardInHand:
    """Order, make, hand over and activate the professional card of whoever plays ``part``."""
    hetu = cast.person(part)
    professional = workspace.valvira.professional_of(hetu)
    if professional is None:
        raise Fault(f"The part {part} of the test world has no entry in Valvira's registers.")
    number = card_in_hand(workspace, registrar=cast.person(_REGISTRAR), applicant=hetu).card_number
    return CardInHand(number, professional, activation_code(workspace, number), workspace)


def organisation_of(workspace: Workspace, cast: Cast, key: str) -> Organisation:
    """An organisation of the test world, as THL's register has it."""
    organisation = workspace.thl.organisation(cast.organisation(key))
    if organisation is None:
        raise Fault(f"The organisation {key} of the test world is not in THL's register.")
    return organisation
