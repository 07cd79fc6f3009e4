"""``sotepki card``: orders and cards at Vartti's desk; the rest of the group is in modules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sotepki.cli import card_client, card_holder, card_reader, card_special, card_vartti
from sotepki.cli.card_orders import (
    REGISTRAR,
    emit_order,
    holder_registrar_or_dvv,
    identity_options,
    order_line,
    order_lines,
    read_actor,
)
from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.writing import write_output, writes
from sotepki.clock import finnish_day
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import CardOrder, IdentityProof
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace


@click.group("card")
def command() -> None:
    """Cards: order, personalise, list, show, hand over, activate, PINs, close; cards in PC/SC readers; card client.

    NUMBER is a card number, ORDER the id of an order (C and digits).
    """


for _member in (
    *card_vartti.COMMANDS,
    *card_holder.COMMANDS,
    *card_reader.COMMANDS,
    card_client.client,
    card_special.spare,
    card_special.test_order,
):
    command.add_command(_member)


@command.command("personalise")
@click.argument("order", metavar="ORDER")
@pass_workspace
def personalise(workspace: Workspace, order: str) -> None:
    """Make the card of an order: keys, certificates, card, code letter. Goes on after an interruption."""
    emit_order(workspace.vartti.personalise(order))


@command.command("cancel")
@click.argument("order", metavar="ORDER")
@click.option("--actor", required=True, callback=read_actor, help="The registrar's personal identity code, or dvv.")
@pass_workspace
def cancel(workspace: Workspace, order: str, actor: Hetu | str) -> None:
    """Withdraw an order before the card is made."""
    emit_order(workspace.vartti.cancel_order(order, actor=actor))


@command.command("list")
@click.option("--state", default="", help="Only orders in this state.")
@click.option("--kind", default="", help="Only professional, personnel or actor cards.")
@click.option("--registration-number", help="Only orders of this professional.")
@pass_workspace
def list_orders(workspace: Workspace, state: str, kind: str, registration_number: str | None) -> None:
    """List orders and, unless some orders are asked for, the cards that no order of Vartti's made."""
    from sotepki.identifiers import RegistrationNumber

    number = RegistrationNumber.parse(registration_number) if registration_number else None
    orders = workspace.vartti.orders(state=state, kind=kind, registration_number=number)
    lines = [order_line(one) for one in orders]
    rows = [one.as_dict() for one in orders]
    chosen = bool(state or kind or number)
    if not chosen:
        for card_number in sorted(set(workspace.cards.numbers()) - {one.card_number for one in orders}):
            card = workspace.cards.read(card_number).state
            lines.append(f"{card.number}  {card.condition:<14} {card.kind}  {card.holder}")
            rows.append(
                {"card_number": card.number, "state": card.condition, "kind": card.kind, "holder": card.holder}
            )
    emit(rows, "\n".join(lines) or ("Nothing was found." if chosen else "There are no orders and no cards."))


@command.command("show")
@click.argument("number", metavar="NUMBER|ORDER")
@click.option("--svg", metavar="FILE", help="Write the card's two faces as SVG; '-' is standard output.")
@writes("svg")
@pass_workspace
def show(workspace: Workspace, number: str, svg: str | None) -> None:
    """Show an order and, once it is made, its card."""
    from sotepki.card.face import face_of
    from sotepki.x509.names import readable

    data: dict[str, Any] = {}
    lines: list[str] = []
    card_number = number
    on_shelf = workspace.cards.numbers()
    if number not in on_shelf or number in {one.card_number for one in workspace.vartti.orders()}:
        found = workspace.vartti.order(number) if number.startswith("C") else workspace.vartti.card(number)
        steps = workspace.vartti.history(found.id)
        data, lines, card_number = found.as_dict(), order_lines(found), found.card_number
        data["steps"] = [{"step": one.step, "state": one.state, "actor": one.actor, "at": one.at} for one in steps]
        lines += [f"  {one.at:%Y-%m-%d %H:%MZ}  {one.step:<18} {one.state:<16} {one.actor}" for one in steps]
        data["revoked"] = revoked = _revoked(workspace, found)
        lines += [f"The {use} certificate was revoked on {day}." for use, day in revoked.items()]
    if card_number in on_shelf:
        content = workspace.cards.read(card_number)
        data["card"] = {
            "holder": content.holder,
            "condition": content.state.condition,
            "tries": {str(credential): count for credential, count in content.state.tries.items()},
            "certificates": {str(use): readable(one.contents.subject) for use, one in content.leaves.items()},
        }
        whose = f"{content.holder}'s card" if content.holder else f"the card {card_number}"
        left = ", ".join(f"{credential} {count}" for credential, count in content.state.tries.items())
        lines.append(f"The chip of {whose} is {content.state.condition}; tries left: {left}.")
        lines += [f"  {use}: {readable(one.contents.subject)}" for use, one in content.leaves.items()]
    if svg is not None:
        if card_number not in on_shelf:
            raise Misuse(f"The card of the order {number} is not made yet.", advice="Personalise it first.")
        write_output(svg, face_of(workspace.cards.read(card_number)).svg())
        if svg == "-":
            return
    emit(data, "\n".join(lines))


def _revoked(workspace: Workspace, order: CardOrder) -> dict[str, str]:
    """Certificates of a card that was not closed and which are revoked all the same: their use, and the day."""
    if order.closing_reason:
        return {}
    serials = {"authentication": order.authentication_serial, "signature": order.signature_serial}
    days: dict[str, str] = {}
    for use, serial in serials.items():
        for one in workspace.authorities.issued(serial_number=int(serial, 16)) if serial else ():
            if one.status.revoked_at:
                days[use] = f"{finnish_day(one.status.revoked_at)}"
    return days


@command.command("hand-over")
@click.argument("number")
@REGISTRAR
@identity_options
@pass_workspace
def hand_over(
    workspace: Workspace,
    number: str,
    registrar: str,
    proof: IdentityProof,
) -> None:
    """Hand the card to its holder, who comes in person and shows an identity document."""
    from sotepki.identifiers import Hetu

    emit_order(workspace.vartti.hand_over(number, registrar=Hetu.parse(registrar), identity=proof))


@command.command("close")
@click.argument("number")
@click.option(
    "--reason",
    required=True,
    help="lost, stolen, broken, returned, name-changed, right-changed, organisation-changed, email-changed, "
    "employment-ended, right-removed, not-needed.",
)
@holder_registrar_or_dvv
@pass_workspace
def close(workspace: Workspace, number: str, reason: str, actor: Hetu | str) -> None:
    """Close a card: both certificates are revoked for good, and the revocation list is published."""
    closed = workspace.vartti.close_card(number, reason, actor)
    workspace.authorities.publish_if_due(workspace.published)
    emit_order(closed)


@command.command("resume")
@pass_workspace
def resume(workspace: Workspace) -> None:
    """Finish what an interruption left half made or half closed, and follow the time."""
    done = [*workspace.vartti.resume(), *workspace.vartti.follow_time()]
    workspace.authorities.publish_if_due(workspace.published)
    emit([one.as_dict() for one in done], "\n".join(f"{one.id}: {one.state}" for one in done) or "Nothing waits.")
