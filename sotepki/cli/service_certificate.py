"""``sotepki service-certificate``: DVV's e-service for service certificates, the customer's side.

What DVV does, and what happens to a certificate afterwards, is in ``service_certificate_office``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli import service_certificate_office
from sotepki.cli.card_signing import card_option, login_signature
from sotepki.cli.context import emit as emit_answer
from sotepki.cli.context import pass_workspace, read_input
from sotepki.cli.pin_entry import pin_file_option
from sotepki.cli.service_certificate_office import emit_application
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import Application
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace

_LARGEST_ATTACHMENT = 10 * 1024 * 1024


@click.group("service-certificate")
def command() -> None:
    """Service certificates: account, apply, attach a CSR, process, collect, revoke, renew.

    APPLICATION is the id of an application (S and digits).
    """


for _member in service_certificate_office.COMMANDS:
    command.add_command(_member)
_ACTING = click.option("--user", help="The account's user who acts; by default the one who applied.")


@command.command("account")
@click.option("--organisation", required=True, help="OID of the organisation.")
@click.option("--user", required=True, help="Personal identity code of the first user.")
@click.option(
    "--identified-with",
    default="bank-codes",
    show_default=True,
    help="bank-codes, mobile-certificate or certificate-card.",
)
@click.option("--invite", help="Personal identity code of a colleague whom the user invites.")
@card_option
@pin_file_option("PIN1, with --card")
@pass_workspace
def account(
    workspace: Workspace,
    organisation: str,
    user: str,
    identified_with: str,
    invite: str | None,
    card_number: str | None,
    pin_file: str | None,
) -> None:
    """Open the organisation's customer account, or invite a colleague to it.

    With --card the user logs in with a certificate card: its authentication key signs DVV's challenge.
    """
    from sotepki.dvv import CardLogin
    from sotepki.identifiers import Hetu, Oid

    office, oid, person = workspace.service_certificates, Oid.parse(organisation), Hetu.parse(user)
    if invite:
        office.invite(oid, by=person, user=Hetu.parse(invite))
    elif card_number:
        challenge = office.login_challenge(oid, user=person)
        login = CardLogin(challenge, login_signature(workspace, card_number, pin_file, challenge))
        office.open_account(oid, user=person, identified_with="certificate-card", login=login)
    else:
        office.open_account(oid, user=person, identified_with=identified_with)
    who = "colleague" if invite else "user"
    emit_answer({"organisation": oid.value}, f"The account of {oid} is open to the {who}.")


@command.command("apply")
@click.option("--organisation", required=True, help="OID of the organisation that the certificate is for.")
@click.option("--type", "kind", required=True, help="server, system-signature, e-mail or kela-signature.")
@click.option("--user", required=True, help="Personal identity code of the account's user who applies.")
@click.option("--contact-name", required=True, help="Name of the technical contact.")
@click.option("--contact-email", required=True, help="E-mail address of the technical contact.")
@click.option("--contact-organisation", default="", help='Their organisation; "KanTa-välittäjä" for an intermediary.')
@click.option("--shared-mailbox", default="", help="A technical mailbox that also gets the certificate.")
@click.option("--account", "account_of", help="OID of the account's organisation, if another one applies.")
@click.option(
    "--usage",
    "usages",
    multiple=True,
    help="client-auth, server-auth (give it twice for both); default both for a server certificate.",
)
@click.option("--unit-name", default="", help="The organisation's long name; default as in the code service.")
@click.option("--as-production", is_flag=True, help="Apply the rules of production; the certificate is a TEST one.")
@pass_workspace
def apply(
    workspace: Workspace,
    organisation: str,
    kind: str,
    user: str,
    contact_name: str,
    contact_email: str,
    contact_organisation: str,
    shared_mailbox: str,
    account_of: str | None,
    usages: tuple[str, ...],
    unit_name: str,
    as_production: bool,
) -> None:
    """Begin an application; the technical contact is mailed a code for attaching the CSR."""
    from sotepki.dvv import TechnicalContact
    from sotepki.identifiers import Hetu, Oid

    application = workspace.service_certificates.apply(
        organisation=Oid.parse(organisation),
        kind=kind,
        user=Hetu.parse(user),
        contact=TechnicalContact(contact_name, contact_email, contact_organisation, shared_mailbox),
        account=Oid.parse(account_of) if account_of else None,
        key_usages=usages or None,
        unit_name=unit_name,
        as_production=as_production,
    )
    _emit(workspace.service_certificates.application(application))


@command.command("attach-csr")
@click.argument("application")
@click.argument("file")
@click.option("--link", default="", help="The technical contact's code from the e-mail.")
@_ACTING
@pass_workspace
def attach_csr(workspace: Workspace, application: str, file: str, link: str, user: str | None) -> None:
    """Attach the certificate request in FILE (PEM or DER, '-' is standard input)."""
    office = workspace.service_certificates
    _emit(office.attach_csr(application, read_input(file), link=link, user=_person(user)))


@command.command("attach-document")
@click.argument("application")
@click.argument("file")
@click.option("--kind", required=True, help="power-of-attorney, conformity-certificate or domain-owner-consent.")
@_ACTING
@pass_workspace
def attach_document(workspace: Workspace, application: str, file: str, kind: str, user: str | None) -> None:
    """Attach a document to an application."""
    content = read_input(file, limit=_LARGEST_ATTACHMENT)
    office = workspace.service_certificates
    _emit(office.attach_document(application, kind, Path(file).name, content, user=_person(user)))


@command.command("complete")
@click.argument("application")
@_ACTING
@pass_workspace
def complete(workspace: Workspace, application: str, user: str | None) -> None:
    """Send a returned application again, after attaching what was asked for."""
    _emit(workspace.service_certificates.complete(application, user=_person(user)))


@command.command("cancel")
@click.argument("application")
@_ACTING
@pass_workspace
def cancel(workspace: Workspace, application: str, user: str | None) -> None:
    """Withdraw an application that DVV has not got, or has sent back."""
    _emit(workspace.service_certificates.cancel(application, user=_person(user)))


@command.command("renew")
@click.argument("application")
@click.option("--user", required=True, help="Personal identity code of the account's user who orders.")
@pass_workspace
def renew(workspace: Workspace, application: str, user: str) -> None:
    """Order the certificate of an application again; a renewal is a new order with a new CSR."""
    from sotepki.identifiers import Hetu

    renewed = workspace.service_certificates.renew(application, user=Hetu.parse(user))
    _emit(workspace.service_certificates.application(renewed))


@command.command("list")
@click.option("--state", default="", help="Only applications in this state.")
@click.option("--organisation", help="Only applications for this organisation (OID).")
@pass_workspace
def list_applications(workspace: Workspace, state: str, organisation: str | None) -> None:
    """List applications."""
    from sotepki.identifiers import Oid

    oid = Oid.parse(organisation) if organisation else None
    found = workspace.service_certificates.applications(state=state, organisation=oid)
    now = workspace.clock.now()
    lines = [
        f"{one.id}  {one.state:<20} {one.kind:<16} {one.organisation}  {one.promise(now):<8} {_issued(one)}".rstrip()
        for one in found
    ]
    emit_answer(
        [{**one.as_dict(), "promise": one.promise(now)} for one in found],
        "\n".join(lines) or ("Nothing was found." if state or organisation else "There are no applications."),
    )


@command.command("show")
@click.argument("application", required=False)
@click.option("--link", help="The technical contact's code from the e-mail, instead of APPLICATION.")
@pass_workspace
def show(workspace: Workspace, application: str | None, link: str | None) -> None:
    """Show an application with its state and DVV's promise."""
    office = workspace.service_certificates
    if (application is None) == (link is None):
        raise Misuse("Give either APPLICATION or --link.")
    found = office.by_link(link) if link is not None else office.application(application or "")
    emit_application(found, at=workspace.clock.now())


def _issued(one: Application) -> str:
    return f"{one.serial}  to {one.not_after:%Y-%m-%d}" if one.not_after else one.serial


def _person(text: str | None) -> Hetu | None:
    from sotepki.identifiers import Hetu

    return Hetu.parse(text) if text else None


_emit = emit_application
