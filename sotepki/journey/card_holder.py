"""What happens around one professional's card, from the order to the first PIN."""

from __future__ import annotations

import re
from datetime import timedelta

from sotepki.clock import finnish_day
from sotepki.dvv import CardOrder, IdentityProof
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

PIN1 = Pin("1234")
PIN2 = Pin("123456")
"""Public test PINs; six digits in PIN2, so that every client accepts it (docs/field/card.md 4.3)."""

_CODE = re.compile(r"^ +([0-9]{8})$", re.MULTILINE)


def passport(workspace: Workspace) -> IdentityProof:
    """A Finnish passport that is valid for another two years."""
    return IdentityProof("passport", valid_to=finnish_day(workspace.clock.now() + timedelta(days=730)))


def card_in_hand(workspace: Workspace, *, registrar: Hetu, applicant: Hetu) -> CardOrder:
    """Order, make, hand over and activate a professional card with the test PINs.

    Raises:
        Refused: a rule of Vartti says no.
    """
    vartti = workspace.vartti
    order = vartti.order_professional_card(registrar=registrar, applicant=applicant, identity=passport(workspace))
    made = vartti.personalise(order.id)
    vartti.hand_over(made.card_number, registrar=registrar, identity=passport(workspace))
    with workspace.cards.insert(made.card_number) as card:
        card.activate(activation_code(workspace, made.card_number), PIN1, PIN2)
    return vartti.note_activation(made.card_number, actor=applicant)


def activation_code(workspace: Workspace, card_number: str) -> Pin:
    """The code from the letter that came for a card, read from the outbox as its holder would.

    Raises:
        Misuse: no letter for the card has come.
    """
    letters = sorted((workspace.directory / "outbox" / "letters").glob("*"), reverse=True)
    for letter in letters:
        text = letter.read_text(encoding="utf-8")
        code = _CODE.search(text)
        if code and card_number in text:
            return Pin(code[1])
    raise Misuse(f"No letter has come for the card {card_number}.")
