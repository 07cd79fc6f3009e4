"""``sotepki contract``: contracts of organisations with DVV, from drawing up to their end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.card_signing import card_option, contract_signature
from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.pin_entry import pin_file_option
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import Contract
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace

_USER = click.option("--user", required=True, help="Personal identity code of the account's user who acts.")
_LARGEST = 10 * 1024 * 1024


@click.group("contract")
def command() -> None:
    """Contracts with DVV: draw up, sign with a card, send, approve, end.

    CONTRACT is the id of a contract (K and digits). The organisation needs a customer account
    ('sotepki service-certificate account').
    """


@command.command("draw-up")
@click.option("--kind", required=True, help="registration-point or authorisation.")
@click.option("--organisation", required=True, help="OID of the organisation.")
@click.option("--signer", required=True, help="Personal identity code of the user who is to sign.")
@click.option("--delivery-address", required=True, help="Where cards are delivered.")
@click.option("--contact", required=True, help="Name of the contact person.")
@click.option("--point", default="", help="The point that an authorisation names.")
@click.option("--serves-all", is_flag=True, help="Undertake to serve all professionals (public providers).")
@click.option("--language", default="fi", show_default=True, help="fi, sv or en.")
@pass_workspace
def draw_up(
    workspace: Workspace,
    kind: str,
    organisation: str,
    signer: str,
    delivery_address: str,
    contact: str,
    point: str,
    serves_all: bool,
    language: str,
) -> None:
    """Draw up a contract; 'show --document' gives the text that is signed."""
    from sotepki.identifiers import Oid

    _emit(
        workspace.contracts.draw_up(
            kind,
            Oid.parse(organisation),
            signer=_hetu(signer),
            delivery_address=delivery_address,
            contact=contact,
            point=point,
            serves_all=serves_all,
            language=language,
        )
    )


@command.command("attach-document")
@click.argument("contract")
@click.argument("file")
@click.option("--kind", required=True, help="employment-certificate, or another word for what it is.")
@_USER
@pass_workspace
def attach_document(workspace: Workspace, contract: str, file: str, kind: str, user: str) -> None:
    """Attach the document in FILE to a contract."""
    content = read_input(file, limit=_LARGEST)
    _emit(workspace.contracts.attach_document(contract, kind, Path(file).name, content, by=_hetu(user)))


@command.command("sign")
@click.argument("contract")
@_USER
@card_option
@pin_file_option("PIN2")
@click.option("--signature", "signature_file", help="A signature made elsewhere with the card's signature key.")
@click.option("--certificate", "certificate_file", help="The certificate that belongs to --signature (DER or PEM).")
@click.option("--identified-with", help="Sign an authorisation with bank-codes or mobile-certificate instead.")
@pass_workspace
def sign(
    workspace: Workspace,
    contract: str,
    user: str,
    card_number: str | None,
    pin_file: str | None,
    signature_file: str | None,
    certificate_file: str | None,
    identified_with: str | None,
) -> None:
    """Sign a contract, with a card in the reader, with a signature from elsewhere, or with bank codes."""
    from sotepki.dvv import CardSignature

    signer = _hetu(user)
    if identified_with:
        _emit(workspace.contracts.sign(contract, by=signer, method=identified_with))
        return
    if card_number:
        document = workspace.contracts.contract(contract).document
        signature = contract_signature(workspace, card_number, pin_file, document)
    elif signature_file and certificate_file:
        signature = CardSignature(read_input(certificate_file), read_input(signature_file))
    else:
        raise Misuse(
            "Nothing to sign with.", advice="Give --card, --signature with --certificate, or --identified-with."
        )
    _emit(workspace.contracts.sign(contract, by=signer, signature=signature))


@command.command("send")
@click.argument("contract")
@_USER
@pass_workspace
def send(workspace: Workspace, contract: str, user: str) -> None:
    """Send a contract for a registration point that is signed afterwards, when the signer has a card."""
    _emit(workspace.contracts.send_unsigned(contract, by=_hetu(user)))


@command.command("approve")
@click.argument("contract")
@click.option("--return", "return_reason", help="Send the contract back with this reason instead.")
@click.option("--actor", default="dvv", show_default=True, help="The DVV officer, for the journal.")
@pass_workspace
def approve(workspace: Workspace, contract: str, return_reason: str | None, actor: str) -> None:
    """Decide as DVV: approve the contract, or send it back."""
    if return_reason is not None:
        _emit(workspace.contracts.send_back(contract, reason=return_reason, officer=actor))
    else:
        _emit(workspace.contracts.approve(contract, officer=actor))


@command.command("end")
@click.argument("contract")
@click.option("--reason", required=True, help="Why, in a few words.")
@click.option("--user", help="The account's user who ends it; without one DVV does.")
@pass_workspace
def end(workspace: Workspace, contract: str, reason: str, user: str | None) -> None:
    """End a contract; its registration points fall below the requirements."""
    _emit(workspace.contracts.end(contract, reason=reason, by=_hetu(user) if user else "dvv"))


@command.command("list")
@click.option("--organisation", help="Only contracts of this organisation (OID).")
@pass_workspace
def list_contracts(workspace: Workspace, organisation: str | None) -> None:
    """List contracts."""
    from sotepki.identifiers import Oid

    found = workspace.contracts.contracts(organisation=Oid.parse(organisation) if organisation else None)
    lines = [f"{one.id}  {one.state:<18} {one.kind:<18} {one.organisation}  {one.point}".rstrip() for one in found]
    emit(
        [one.as_dict() for one in found],
        "\n".join(lines) or ("Nothing was found." if organisation else "There are no contracts."),
    )


@command.command("show")
@click.argument("contract")
@click.option("--document", metavar="FILE", help="Write the text that is signed; '-' is standard output.")
@writes("document")
@pass_workspace
def show(workspace: Workspace, contract: str, document: str | None) -> None:
    """Show a contract, or write its text."""
    found = workspace.contracts.contract(contract)
    if document is not None:
        write_output(document, found.document)
        if document == "-":
            return
    _emit(found)


def _hetu(text: str) -> Hetu:
    from sotepki.identifiers import Hetu

    return Hetu.parse(text)


def _emit(found: Contract) -> None:
    lines = [f"{found.id}: {found.state}, {found.kind} contract of {found.organisation}"]
    if found.point:
        lines.append(f"Authorised point: {found.point}")
    if found.method:
        lines.append(f"Signed with {found.method}")
    if found.sign_by:
        lines.append(f"To be signed by {found.sign_by}")
    if found.reason:
        lines.append(f"Reason: {found.reason}")
    emit(found.as_dict(), "\n".join(lines))
