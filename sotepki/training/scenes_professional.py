"""Where the exercises of the card holder begin (notebook 04)."""

from __future__ import annotations

from sotepki.dvv import CardOrder
from sotepki.errors import Refused
from sotepki.journey import Cast
from sotepki.journey.card_holder import PIN1, card_in_hand, passport
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

REGISTRAR = "registrar-county-1"
WRONG = Pin("9999")


def card_and_letter(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A card was handed over and the letter has come; nobody has used the code yet."""
    applicant, registrar = cast.person("physician-restored"), cast.person(REGISTRAR)
    order = workspace.vartti.order_professional_card(
        registrar=registrar, applicant=applicant, identity=passport(workspace)
    )
    card = workspace.vartti.personalise(order.id).card_number
    workspace.vartti.hand_over(card, registrar=registrar, identity=passport(workspace))
    return {"card": card}


def locked_pin(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A card whose PIN1 was tried too often."""
    card = card_of(workspace, cast, "farmaseutti").card_number
    with workspace.cards.insert(card) as inserted:
        while inserted.tries()["pin1"]:
            try:
                inserted.verify_pin1(WRONG)
            except Refused:
                continue
    return {"card": card}


def pharmacists_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The pharmacist's card, in use."""
    return {"card": card_of(workspace, cast, "pharmacist").card_number}


def students_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of a student, which ends with the right."""
    return {"card": card_of(workspace, cast, "pharmacy-student").card_number}


def stolen_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of the physician whose right is restricted, in use."""
    return {"card": card_of(workspace, cast, "restricted-physician").card_number}


def card_of(workspace: Workspace, cast: Cast, part: str) -> CardOrder:
    """A card in use with the test PINs: the one that an earlier exercise made, or a new one."""
    holder = cast.person(part)
    orders = workspace.vartti.orders(hetu=holder, state="activated")
    there = [order for order in orders if _has_test_pins(workspace, order)]
    return there[-1] if there else card_in_hand(workspace, registrar=cast.person(REGISTRAR), applicant=holder)


def _has_test_pins(workspace: Workspace, order: CardOrder) -> bool:
    with workspace.cards.insert(order.card_number) as card:
        try:
            card.verify_pin1(PIN1)
        except Refused:
            return False
    return True
