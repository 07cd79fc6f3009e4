"""Where the exercises of the card holder begin (notebook 04)."""

from __future__ import annotations

from sotepki.errors import Refused
from sotepki.journey import Cast
from sotepki.tokens import Pin
from sotepki.training.cards import card_of, received_card_of
from sotepki.workspace import Workspace

WRONG = Pin("9999")
_PRINTED_DIGITS = 9


def card_and_letter(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A card was handed over and the letter has come; nobody has used the code yet."""
    return {"card": received_card_of(workspace, cast, "physician-restored")}


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


def numbered_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The pharmacist's card, in use, and the part of its number that is printed on it."""
    card = card_of(workspace, cast, "pharmacist").card_number
    return {"card": card, "printed": card[-_PRINTED_DIGITS:]}


def students_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of a student, which ends with the right."""
    return {"card": card_of(workspace, cast, "pharmacy-student").card_number}


def stolen_card(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The card of the physician whose right is restricted, in use."""
    return {"card": card_of(workspace, cast, "restricted-physician").card_number}
