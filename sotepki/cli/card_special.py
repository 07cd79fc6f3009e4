"""``sotepki card spare`` and ``sotepki card test-order``: spare cards at the desk, test cards for developers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY
from sotepki.cli.pin_entry import pin_file_option, read_pins

if TYPE_CHECKING:
    from sotepki.dvv import SpareCard, TestCard
    from sotepki.workspace import Workspace

_REGISTRAR = click.option("--registrar", required=True, help="The registrar's personal identity code.")
_POINT = click.option("--point", default="", help="The registration point, if the registrar works at several.")


@click.group("spare")
def spare() -> None:
    """Spare cards: blanks, issued on the spot, emptied on return and reused."""


@spare.command("list")
@click.option("--point", default="", help="Only those of this registration point.")
@pass_workspace
def list_spare(workspace: Workspace, point: str) -> None:
    """List spare cards."""
    found = workspace.spare_cards.cards(point=point)
    nothing = "Nothing was found." if point else "There are no spare cards."
    emit([_row(one) for one in found], "\n".join(_line(one) for one in found) or nothing)


@spare.command("receive")
@click.argument("count", type=int)
@_REGISTRAR
@_POINT
@pass_workspace
def receive(workspace: Workspace, count: int, registrar: str, point: str) -> None:
    """Receive a delivery of blanks."""
    from sotepki.identifiers import Hetu

    found = workspace.spare_cards.receive_blanks(count, registrar=Hetu.parse(registrar), point=point)
    emit([_row(one) for one in found], "\n".join(_line(one) for one in found))


@spare.command("issue")
@click.argument("number")
@_REGISTRAR
@click.option("--holder", required=True, help="The holder's personal identity code.")
@click.option("--identity", required=True, help="Identity document: passport, identity-card, police-identification.")
@click.option("--identity-country", default="FI", show_default=True, help="Who issued it (ISO 3166).")
@click.option("--identity-valid-to", type=DAY, help="Its last day, YYYY-MM-DD.")
@click.option("--days", type=int, default=14, show_default=True, help="For how many days.")
@click.option(
    "--right", "right_code", default="", help="Code of the right on the card, if there are several in force."
)
@_POINT
@pin_file_option("PIN1, PIN2")
@pass_workspace
def issue(
    workspace: Workspace,
    number: str,
    registrar: str,
    holder: str,
    identity: str,
    identity_country: str,
    identity_valid_to: date | None,
    days: int,
    right_code: str,
    point: str,
    pin_file: str | None,
) -> None:
    """Personalise a blank on the spot; the holder types both PINs."""
    from sotepki.dvv import IdentityProof
    from sotepki.identifiers import Hetu

    pin1, pin2 = read_pins(pin_file, ["New PIN1", "New PIN2"])
    proof = IdentityProof(identity, identity_valid_to, identity_country)
    made = workspace.spare_cards.issue(
        number, registrar=Hetu.parse(registrar), holder=Hetu.parse(holder), identity=proof, days=days,
        right_code=right_code, point=point,
    )  # fmt: skip
    assert made.activation_code is not None
    workspace.authorities.publish_if_due(workspace.published)
    with workspace.cards.insert(number) as card:
        card.activate(made.activation_code, pin1, pin2)
    emit(_row(made), f"{_line(made)}. Both PINs are set.")


@spare.command("return")
@click.argument("number")
@_REGISTRAR
@_POINT
@pass_workspace
def take_back(workspace: Workspace, number: str, registrar: str, point: str) -> None:
    """Take a spare card back: its certificates are revoked, it is emptied and a blank again."""
    from sotepki.identifiers import Hetu

    found = workspace.spare_cards.take_back(number, registrar=Hetu.parse(registrar), point=point)
    workspace.authorities.publish_if_due(workspace.published)
    emit(_row(found), _line(found))


@click.command("test-order")
@click.option(
    "--kind",
    type=click.Choice(["professional", "personnel", "actor", "organisation", "citizen"]),
    required=True,
    help="The kind of test cards.",
)
@click.option("--count", type=int, default=1, show_default=True, help="How many, at most 20.")
@click.option("--organisation", required=True, help="OID of the organisation that orders.")
@click.option("--ec", is_flag=True, help="With P-384 keys and certificates of the EC tree.")
@pass_workspace
def test_order(workspace: Workspace, kind: str, count: int, organisation: str, ec: bool) -> None:
    """Order a set of test cards from DVV; holders are fictional, code letters go to the organisation."""
    from sotepki.identifiers import Oid

    found = workspace.test_cards.order(kind, count, organisation=Oid.parse(organisation), ec=ec)
    workspace.authorities.publish_if_due(workspace.published)
    emit([_test_row(one) for one in found], "\n".join(f"{one.number}  {one.kind}  {one.holder}" for one in found))


def _row(one: SpareCard) -> dict[str, Any]:
    return {
        "card_number": one.number,
        "point": one.point,
        "state": one.state,
        "registration_number": one.registration_number,
        "not_after": one.not_after.isoformat() if one.not_after else "",
    }


def _line(one: SpareCard) -> str:
    until = f", valid to {one.not_after:%Y-%m-%d}" if one.not_after else ""
    return f"{one.number}  {one.state:<10} {one.point}  {one.registration_number}{until}"


def _test_row(one: TestCard) -> dict[str, Any]:
    return {
        "card_number": one.number, "order": one.order, "kind": one.kind, "holder": one.holder,
        "identifier": one.identifier, "state": one.state,
    }  # fmt: skip
