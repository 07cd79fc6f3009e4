"""``sotepki card``: Vartti's desk and the card in the reader. PINs are typed without echo or read from a file."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli import card_client, card_reader, card_special
from sotepki.cli.context import emit, pass_workspace, write_output
from sotepki.cli.pin_entry import pin_file_option, read_pins
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.card import InsertedCard
    from sotepki.dvv import CardOrder, IdentityProof
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace

_DAY = click.DateTime(["%Y-%m-%d"])
_WHICH = click.option(
    "--which", type=click.Choice(["pin1", "pin2"]), required=True, help="PIN1 (perustunnusluku) or PIN2 (signature)."
)
_REGISTRAR = click.option("--registrar", required=True, help="The registrar's personal identity code.")


@click.group("card")
def command() -> None:
    """Cards: order, personalise, list, show, hand over, activate, PINs, close; cards in PC/SC readers; card client.

    NUMBER is a card number, ORDER the id of an order (C and digits).
    """


for _member in (*card_reader.COMMANDS, card_client.client, card_special.spare, card_special.test_order):
    command.add_command(_member)


def _identity_options(function: Any) -> Any:
    for option in reversed(
        [
            click.option(
                "--identity",
                required=True,
                help="Identity document: passport, identity-card, police-identification.",
            ),
            click.option("--identity-country", default="FI", show_default=True, help="Who issued it (ISO 3166)."),
            click.option("--identity-valid-to", type=_DAY, help="Its last day, YYYY-MM-DD."),
            click.option("--identity-hetu", help="The personal identity code on it, if it shows one."),
        ]
    ):
        function = option(function)
    return function


@command.command("order")
@_REGISTRAR
@click.option("--applicant", required=True, help="The applicant's personal identity code.")
@_identity_options
@click.option("--not-in-person", is_flag=True, help="The applicant did not come to the registration point.")
@click.option("--right", "right_code", default="", help="Code of the right on the card; default the oldest in force.")
@click.option("--employer", help="OID of the applicant's organisation, at a point that is not public.")
@click.option("--letter-address", default="", help="Where the code letter goes; default the home address.")
@click.option("--point", default="", help="The registration point, if the registrar works at several.")
@pass_workspace
def order(
    workspace: Workspace,
    registrar: str,
    applicant: str,
    identity: str,
    identity_country: str,
    identity_valid_to: datetime | None,
    identity_hetu: str | None,
    not_in_person: bool,
    right_code: str,
    employer: str | None,
    letter_address: str,
    point: str,
) -> None:
    """Order a professional card at a registration point, after checking identity."""
    from sotepki.identifiers import Hetu, Oid

    made = workspace.vartti.order_professional_card(
        registrar=Hetu.parse(registrar),
        applicant=Hetu.parse(applicant),
        identity=_proof(identity, identity_country, identity_valid_to, identity_hetu, not not_in_person),
        right_code=right_code,
        employer=Oid.parse(employer) if employer else None,
        letter_address=letter_address,
        point=point,
    )
    _emit(made)


@command.command("personalise")
@click.argument("order", metavar="ORDER")
@pass_workspace
def personalise(workspace: Workspace, order: str) -> None:
    """Make the card of an order: keys, certificates, card, code letter. Goes on after an interruption."""
    _emit(workspace.vartti.personalise(order))


@command.command("cancel")
@click.argument("order", metavar="ORDER")
@click.option("--actor", required=True, help="The registrar's personal identity code, or dvv.")
@pass_workspace
def cancel(workspace: Workspace, order: str, actor: str) -> None:
    """Withdraw an order before the card is made."""
    _emit(workspace.vartti.cancel_order(order, actor=_actor(actor)))


@command.command("list")
@click.option("--state", default="", help="Only orders in this state.")
@click.option("--registration-number", help="Only orders of this professional.")
@pass_workspace
def list_orders(workspace: Workspace, state: str, registration_number: str | None) -> None:
    """List orders and cards."""
    from sotepki.identifiers import RegistrationNumber

    number = RegistrationNumber.parse(registration_number) if registration_number else None
    orders = workspace.vartti.orders(state=state, registration_number=number)
    lines = [
        f"{one.id}  {one.state:<14} {one.registration_number}  {one.right_code:<4} {one.card_number}"
        for one in orders
    ]
    emit([one.as_dict() for one in orders], "\n".join(lines) or "There are no orders.")


@command.command("show")
@click.argument("number", metavar="NUMBER|ORDER")
@click.option("--svg", metavar="FILE", help="Write the card's two faces as SVG; '-' is standard output.")
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
        data, lines, card_number = found.as_dict(), _lines(found), found.card_number
    if card_number in on_shelf:
        content = workspace.cards.read(card_number)
        data["card"] = {
            "holder": content.holder,
            "condition": content.state.condition,
            "tries": {str(credential): count for credential, count in content.state.tries.items()},
            "certificates": {str(use): readable(one.subject) for use, one in content.certificates.items()},
        }
        whose = f"{content.holder}'s card" if content.holder else f"the card {card_number}"
        lines.append(f"The chip of {whose} is {content.state.condition}.")
        lines += [f"  {use}: {readable(one.subject)}" for use, one in content.certificates.items()]
    if svg is not None:
        if card_number not in on_shelf:
            raise Misuse(f"The card of the order {number} is not made yet.", advice="Personalise it first.")
        write_output(svg, face_of(workspace.cards.read(card_number)).svg())
        if svg == "-":
            return
    emit(data, "\n".join(lines))


@command.command("hand-over")
@click.argument("number")
@_REGISTRAR
@_identity_options
@pass_workspace
def hand_over(
    workspace: Workspace,
    number: str,
    registrar: str,
    identity: str,
    identity_country: str,
    identity_valid_to: datetime | None,
    identity_hetu: str | None,
) -> None:
    """Hand the card to its holder, who comes in person and shows an identity document."""
    from sotepki.identifiers import Hetu

    proof = _proof(identity, identity_country, identity_valid_to, identity_hetu, True)
    _emit(workspace.vartti.hand_over(number, registrar=Hetu.parse(registrar), identity=proof))


@command.command("activate")
@click.argument("number")
@pin_file_option("activation code, PIN1, PIN2")
@pass_workspace
def activate(workspace: Workspace, number: str, pin_file: str | None) -> None:
    """Take a card into use: the activation code from the letter, then PIN1 and PIN2 of one's own choice."""
    from sotepki.card import Phase

    found = workspace.vartti.card(number)
    if found.state == "handed-out" and workspace.cards.read(number).state.phase is Phase.ACTIVE:
        # An earlier run was interrupted between the chip and Vartti's books.
        _emit(workspace.vartti.note_activation(number, actor=found.hetu))
        return
    code, pin1, pin2 = read_pins(pin_file, ["Activation code", "New PIN1", "New PIN2"])
    with workspace.cards.insert(number) as card:
        card.activate(code, pin1, pin2)
        data = _card_state(card)
    if found.state == "handed-out":
        data["state"] = workspace.vartti.note_activation(number, actor=found.hetu).state
    else:
        data["state"] = found.state
    emit(data, f"The card {number} is in use; both PINs are set.")


@command.command("close")
@click.argument("number")
@click.option(
    "--reason",
    required=True,
    help="lost, stolen, broken, returned, name-changed, right-changed, employment-ended, right-removed, not-needed.",
)
@click.option("--actor", default="dvv", show_default=True, help="Holder or registrar (identity code), or dvv.")
@pass_workspace
def close(workspace: Workspace, number: str, reason: str, actor: str) -> None:
    """Close a card: both certificates are revoked for good, and the revocation list is published."""
    closed = workspace.vartti.close_card(number, reason, _actor(actor))
    workspace.authorities.publish_if_due(workspace.published)
    _emit(closed)


@command.command("resume")
@pass_workspace
def resume(workspace: Workspace) -> None:
    """Finish what an interruption left half made or half closed, and follow the time."""
    done = [*workspace.vartti.resume(), *workspace.vartti.follow_time()]
    workspace.authorities.publish_if_due(workspace.published)
    emit([one.as_dict() for one in done], "\n".join(f"{one.id}: {one.state}" for one in done) or "Nothing waits.")


@command.group("pin")
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


def _proof(kind: str, country: str, valid_to: datetime | None, hetu: str | None, in_person: bool) -> IdentityProof:
    from sotepki.dvv import IdentityProof
    from sotepki.identifiers import Hetu

    last_day: date | None = valid_to.date() if valid_to else None
    return IdentityProof(kind, last_day, country, Hetu.parse(hetu) if hetu else None, in_person)


def _actor(text: str) -> Hetu | str:
    from sotepki.dvv import DVV
    from sotepki.identifiers import Hetu

    return DVV if text == DVV else Hetu.parse(text)


def _card_state(card: InsertedCard) -> dict[str, Any]:
    return {"card_number": card.number, "condition": card.condition(), "tries": card.tries()}


def _emit(found: CardOrder) -> None:
    emit(found.as_dict(), "\n".join(_lines(found)))


def _lines(found: CardOrder) -> list[str]:
    lines = [f"{found.id}: {found.state}, {found.registration_number}, right {found.right_code}, point {found.point}"]
    if found.card_number:
        end = f", valid to {found.not_after:%Y-%m-%d}" if found.not_after else ""
        lines.append(f"Card {found.card_number}{end}")
    if found.closing_reason:
        lines.append(f"Closed: {found.closing_reason}")
    if found.rejected_by:
        lines.append(f"Rejected by [{found.rejected_by}]")
    return lines + [f"Warning: {one.message} [{one.rule}] {one.advice}" for one in found.warnings]
