"""``sotepki card activate`` and ``card pin``: what a card's holder does. PINs are typed, or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.card import InsertedCard
    from sotepki.dvv import CardOrder
    from sotepki.workspace import Workspace

_WHICH = click.option(
    "--which", type=click.Choice(["pin1", "pin2"]), required=True, help="PIN1 (perustunnusluku) or PIN2 (signature)."
)

_TO_BE_ACTIVATED = frozenset({("handed-out", "point"), ("handed-out", "post"), ("delivered", "post")})


@click.command("activate")
@click.argument("number")
@pin_file_option("activation code, PIN1, PIN2")
@pass_workspace
def activate(workspace: Workspace, number: str, pin_file: str | None) -> None:
    """Take a card into use: the activation code from the letter, then PIN1 and PIN2 of one's own choice."""
    from sotepki.card import Phase

    phase = workspace.cards.read(number).state.phase
    ordered = _order_of(workspace, number)
    # A card that came by post was handed out by nobody.
    waits = ordered is not None and (ordered.state, ordered.delivery) in _TO_BE_ACTIVATED
    # If the chip is active already, an earlier run was interrupted between the chip and Vartti's books.
    if not waits or phase is not Phase.ACTIVE:
        code, pin1, pin2 = read_pins(pin_file, ["Activation code", "New PIN1", "New PIN2"])
        with workspace.cards.insert(number) as card:
            card.activate(code, pin1, pin2)
    if ordered is not None and waits:
        ordered = workspace.vartti.note_activation(number, actor=ordered.hetu)
        if ordered.renews:
            workspace.authorities.publish_if_due(workspace.published)  # the card before it is closed
    state = workspace.cards.read(number).state
    data = {"card_number": number, "condition": state.condition, "tries": dict(state.tries)}
    emit({**data, "state": ordered.state if ordered else ""}, f"The card {number} is in use; both PINs are set.")


@click.group("pin")
def pin() -> None:
    """PIN1 and PIN2 of a card: verify, change, unblock."""


@pin.command("verify")
@click.argument("number")
@_WHICH
@pin_file_option("the PIN")
@pass_workspace
def verify(workspace: Workspace, number: str, which: str, pin_file: str | None) -> None:
    """Try a PIN; a wrong one costs a try."""
    (typed,) = read_pins(pin_file, [which.upper()])
    with workspace.cards.insert(number) as card:
        (card.verify_pin1 if which == "pin1" else card.verify_pin2)(typed)
        emit(_card_state(card), f"{which.upper()} of the card {number} is right.")


@pin.command("change")
@click.argument("number")
@_WHICH
@pin_file_option("the present PIN, the new PIN")
@pass_workspace
def change(workspace: Workspace, number: str, which: str, pin_file: str | None) -> None:
    """Change a PIN by the present one."""
    present, new = read_pins(pin_file, [f"Present {which.upper()}", f"New {which.upper()}"])
    with workspace.cards.insert(number) as card:
        card.change_pin(which, present, new)
        emit(_card_state(card), f"{which.upper()} of the card {number} is changed.")


@pin.command("unblock")
@click.argument("number")
@_WHICH
@pin_file_option("activation code, the new PIN")
@pass_workspace
def unblock(workspace: Workspace, number: str, which: str, pin_file: str | None) -> None:
    """Set a locked or forgotten PIN by the activation code."""
    code, new = read_pins(pin_file, ["Activation code", f"New {which.upper()}"])
    with workspace.cards.insert(number) as card:
        card.unblock(code, which, new)
        emit(_card_state(card), f"{which.upper()} of the card {number} is set anew.")


def _order_of(workspace: Workspace, number: str) -> CardOrder | None:
    """Vartti's order of a card; test cards and spare cards have none."""
    try:
        return workspace.vartti.card(number)
    except Misuse:
        return None


def _card_state(card: InsertedCard) -> dict[str, Any]:
    return {"card_number": card.number, "condition": card.condition(), "tries": card.tries()}


COMMANDS = (activate, pin)
