"""What happens around one professional's card, from the order to the first PIN."""

from __future__ import annotations

import re
from datetime import timedelta

from sotepki.card import Phase
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


def card_in_hand(workspace: Workspace, *, registrar: Hetu, applicant: Hetu, right_code: str = "") -> CardOrder:
    """Order, make, hand over and activate a professional card with the test PINs; see ``CardRequest.right_code``.

    Raises:
        Refused: a rule of Vartti says no.
    """
    order = workspace.vartti.order_professional_card(
        registrar=registrar, applicant=applicant, identity=passport(workspace), right_code=right_code
    )
    return brought_into_use(workspace, order, registrar=registrar)


def made(workspace: Workspace, order: CardOrder) -> CardOrder:
    """An order with its card made, if it was not made already."""
    return workspace.vartti.personalise(order.id) if order.state in ("ordered", "in-production") else order


def handed_over(workspace: Workspace, order: CardOrder, *, registrar: Hetu) -> CardOrder:
    """An order with its card made and in its holder's hands, from wherever the order stands."""
    order = made(workspace, order)
    if order.state != "delivered":
        return order
    return workspace.vartti.hand_over(order.card_number, registrar=registrar, identity=passport(workspace))


def brought_into_use(workspace: Workspace, order: CardOrder, *, registrar: Hetu) -> CardOrder:
    """An order with its card made, handed over and activated with the test PINs, from wherever the order stands.

    The letter with the code comes at once, whatever day it is due.
    """
    order = handed_over(workspace, order, registrar=registrar)
    if order.state != "handed-out":
        return order
    workspace.vartti.post_letter(order.card_number)
    with workspace.cards.insert(order.card_number) as card:
        if card.phase() is Phase.PERSONALISED:
            card.activate(activation_code(workspace, order.card_number), PIN1, PIN2)
    return workspace.vartti.note_activation(order.card_number, actor=order.hetu)


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
