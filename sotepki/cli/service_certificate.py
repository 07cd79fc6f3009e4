"""``sotepki service-certificate``: DVV's e-service for service certificates, from account to revocation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import Application
    from sotepki.workspace import Workspace

_LARGEST_ATTACHMENT = 10 * 1024 * 1024


@click.group("service-certificate")
def command() -> None:
    """Service certificates: account, apply, attach a CSR, process, collect, revoke.

    APPLICATION is the id of an application (S and digits).
    """


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
@pass_workspace
def account(workspace: Workspace, organisation: str, user: str, identified_with: str, invite: str | None) -> None:
    """Open the organisation's customer account, or invite a colleague to it."""
    from sotepki.identifiers import Hetu, Oid

    oid = Oid.parse(organisation)
    if invite:
        workspace.service_certificates.invite(oid, by=Hetu.parse(user), user=Hetu.parse(invite))
    else:
        workspace.service_certificates.open_account(oid, user=Hetu.parse(user), identified_with=identified_with)
    emit({"organisation": oid.value}, f"The account of {oid} is open to the {'colleague' if invite else 'user'}.")


@command.command("apply")
@click.option("--organisation", required=True, help="OID of the organisation that the certificate is for.")
@click.option("--type", "kind", required=True, help="server or system-signature.")
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
    )
    _emit(workspace.service_certificates.application(application))


@command.command("attach-csr")
@click.argument("application")
@click.argument("file")
@click.option("--link", default="", help="The technical contact's code from the e-mail.")
@pass_workspace
def attach_csr(workspace: Workspace, application: str, file: str, link: str) -> None:
    """Attach the certificate request in FILE (PEM or DER, '-' is standard input)."""
    _emit(workspace.service_certificates.attach_csr(application, read_input(file), link=link))


@command.command("attach-document")
@click.argument("application")
@click.argument("file")
@click.option("--kind", required=True, help="power-of-attorney or conformity-certificate.")
@pass_workspace
def attach_document(workspace: Workspace, application: str, file: str, kind: str) -> None:
    """Attach a document to an application."""
    content = read_input(file, limit=_LARGEST_ATTACHMENT)
    _emit(workspace.service_certificates.attach_document(application, kind, Path(file).name, content))


@command.command("process")
@click.argument("application")
@click.option("--return", "return_reason", help="Send the application back with this reason instead of approving it.")
@click.option("--actor", default="dvv", show_default=True, help="The DVV officer, for the journal.")
@pass_workspace
def process(workspace: Workspace, application: str, return_reason: str | None, actor: str) -> None:
    """Decide as DVV: approve, issue and mail the certificate, or send the application back."""
    service = workspace.service_certificates
    if return_reason is not None:
        _emit(service.return_application(application, return_reason, actor))
    else:
        _emit(service.process(application, actor))


@command.command("collect")
@click.argument("application")
@click.option("--out", type=click.Path(path_type=Path), help="Write the files into this directory.")
@pass_workspace
def collect(workspace: Workspace, application: str, out: Path | None) -> None:
    """Get the certificate in DER and PEM, with the CA certificates; without --out the PEM is printed."""
    from sotepki.records import write_atomically

    delivery = workspace.service_certificates.collect(application)
    files = delivery.files(application)
    if out is None:
        data = {
            "application": application,
            "certificate": delivery.pem.decode(),
            "chain": delivery.chain_pem.decode(),
        }
        emit(data, (delivery.pem + delivery.chain_pem).decode().rstrip("\n"))
        return
    if out.exists() and not out.is_dir():
        raise Misuse(f"{out} is a file; the certificate is written into a directory.", subject=str(out))
    for name, content in files.items():
        write_atomically(out / name, content)
    emit({"application": application, "files": [str(out / name) for name in files]}, "\n".join(map(str, files)))


@command.command("revoke")
@click.argument("application")
@click.option("--serial", required=True, help="Serial number of the certificate, hexadecimal.")
@click.option("--reason", required=True, help="key-compromised, not-needed or purpose-changed.")
@click.option("--actor", type=click.Choice(["customer", "dvv"]), default="customer", show_default=True)
@pass_workspace
def revoke(workspace: Workspace, application: str, serial: str, reason: str, actor: str) -> None:
    """Have the certificate of an application revoked, for good; the revocation list is published."""
    revoked = workspace.service_certificates.request_revocation(
        application, serial=serial, reason=reason, actor=actor
    )
    workspace.authorities.publish_if_due(workspace.published)
    _emit(revoked)


@command.command("list")
@click.option("--state", default="", help="Only applications in this state.")
@click.option("--organisation", help="Only applications for this organisation (OID).")
@pass_workspace
def list_applications(workspace: Workspace, state: str, organisation: str | None) -> None:
    """List applications."""
    from sotepki.identifiers import Oid

    oid = Oid.parse(organisation) if organisation else None
    found = workspace.service_certificates.applications(state=state, organisation=oid)
    lines = [f"{one.id}  {one.state:<20} {one.kind:<16} {one.organisation}  {one.serial}" for one in found]
    emit([one.as_dict() for one in found], "\n".join(lines) or "There are no applications.")


@command.command("show")
@click.argument("application")
@pass_workspace
def show(workspace: Workspace, application: str) -> None:
    """Show an application."""
    _emit(workspace.service_certificates.application(application))


@command.command("resume")
@pass_workspace
def resume(workspace: Workspace) -> None:
    """Finish what an interruption left half issued or half revoked, and follow the time."""
    done = [*workspace.service_certificates.resume(), *workspace.service_certificates.follow_time()]
    workspace.authorities.publish_if_due(workspace.published)
    emit([one.as_dict() for one in done], "\n".join(f"{one.id}: {one.state}" for one in done) or "Nothing waits.")


def _emit(found: Application) -> None:
    lines = [f"{found.id}: {found.state}, {found.kind} certificate for {found.organisation}"]
    if found.serial:
        end = f", valid to {found.not_after:%Y-%m-%d}" if found.not_after else ""
        lines.append(f"Serial number {found.serial}{end}")
    if found.return_reason:
        lines.append(f"Returned: {found.return_reason}")
    if found.revocation_reason:
        lines.append(f"Revocation: {found.revocation_reason}")
    lines += [f"{one.severity.value.capitalize()}: {one.message} [{one.rule}] {one.advice}" for one in found.findings]
    emit(found.as_dict(), "\n".join(lines))
