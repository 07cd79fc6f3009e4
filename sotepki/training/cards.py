"""The cards of situations, as far as each needs them; after a kill, preparing goes on with the card it had begun."""

from __future__ import annotations

from sotepki.dvv import CardOrder, CardRequest
from sotepki.errors import Refused
from sotepki.journey import Cast
from sotepki.journey.card_holder import PIN1, brought_into_use, handed_over, made, passport
from sotepki.training.preparing import begun_before
from sotepki.workspace import Workspace

REGISTRAR = "registrar-county-1"

_ORDERED = ("ordered", "in-production", "delivered")


def delivered_card_of(workspace: Workspace, cast: Cast, part: str) -> str:
    """The number of a professional card that has come to the registration point."""
    return made(workspace, _order(workspace, cast, _request(workspace, cast, part), _ORDERED)).card_number


def received_card(workspace: Workspace, cast: Cast, request: CardRequest) -> str:
    """The number of a card of any kind that its holder has received, and the letter with its code."""
    order = _order(workspace, cast, request, (*_ORDERED, "handed-out"))
    number = handed_over(workspace, order, registrar=cast.person(REGISTRAR)).card_number
    workspace.vartti.post_letter(number)
    return number


def received_card_of(workspace: Workspace, cast: Cast, part: str) -> str:
    """The number of a professional card that its holder has received and not taken into use."""
    return received_card(workspace, cast, _request(workspace, cast, part))


def new_card_of(workspace: Workspace, cast: Cast, part: str, right_code: str = "") -> CardOrder:
    """A new professional card in use with the test PINs."""
    request = _request(workspace, cast, part, right_code)
    order = _order(workspace, cast, request, (*_ORDERED, "handed-out", "activated"))
    return brought_into_use(workspace, order, registrar=cast.person(REGISTRAR))


def card_of(workspace: Workspace, cast: Cast, part: str) -> CardOrder:
    """A card in use with the test PINs: the one that an earlier exercise made, or a new one."""
    orders = workspace.vartti.orders(hetu=cast.person(part), state="activated")
    there = [order for order in orders if _has_test_pins(workspace, order)]
    return there[-1] if there else new_card_of(workspace, cast, part)


def any_card_of(workspace: Workspace, cast: Cast, part: str) -> CardOrder:
    """A card in use whatever its PINs are, for what does not ask the chip: an earlier exercise may have locked it."""
    there = workspace.vartti.orders(hetu=cast.person(part), state="activated")
    return there[-1] if there else new_card_of(workspace, cast, part)


def _request(workspace: Workspace, cast: Cast, part: str, right_code: str = "") -> CardRequest:
    return CardRequest(cast.person(part), passport(workspace), right_code=right_code)


def _order(workspace: Workspace, cast: Cast, request: CardRequest, states: tuple[str, ...]) -> CardOrder:
    """A new order; after a kill the one that was placed, if it is in one of ``states``."""
    if begun_before(workspace):
        orders = workspace.vartti.orders(hetu=request.applicant, kind=request.kind)
        if there := [order for order in orders if order.state in states]:
            return there[-1]
    return workspace.vartti.place_order(request, registrar=cast.person(REGISTRAR))


def _has_test_pins(workspace: Workspace, order: CardOrder) -> bool:
    with workspace.cards.insert(order.card_number) as card:
        try:
            card.verify_pin1(PIN1)
        except Refused:
            return False
    return True
