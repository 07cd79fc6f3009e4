"""``sotepki service-certificate``: DVV's decision, delivery, and what happens to a certificate afterwards."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.writing import may_write, write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv import Application
    from sotepki.workspace import Workspace


@click.command("process")
@click.argument("applications", nargs=-1, required=True, metavar="APPLICATION...")
@click.option("--return", "return_reason", help="Send the application back with this reason instead of approving it.")
@click.option("--actor", default="dvv", show_default=True, help="The DVV officer, for the journal.")
@pass_workspace
def process(workspace: Workspace, applications: tuple[str, ...], return_reason: str | None, actor: str) -> int:
    """Decide as DVV: approve, issue and mail the certificate, or send the application back.

    Several applications are processed together; exit code 1 if one of them was refused.
    """
    service = workspace.service_certificates
    if len(applications) == 1:
        (application,) = applications
        if return_reason is not None:
            emit_application(service.return_application(application, return_reason, actor))
        else:
            emit_application(service.process(application, actor))
        return 0
    if return_reason is not None:
        raise Misuse("Applications are sent back one at a time.", advice="Give one APPLICATION with --return.")
    done = service.process_many(applications, actor)
    lines = [f"{one.id}: {one.state}, serial number {one.serial}" for one in done.issued.values()]
    lines += [f"{wanted}: {refused}" for wanted, refused in done.refused.items()]
    data = {
        "issued": [one.as_dict() for one in done.issued.values()],
        "refused": {wanted: str(refused) for wanted, refused in done.refused.items()},
    }
    emit(data, "\n".join(lines))
    return 1 if done.refused else 0


@click.command("collect")
@click.argument("application")
@click.option("--out", type=click.Path(path_type=Path), help="Write the files into this directory.")
@writes()
@pass_workspace
def collect(workspace: Workspace, application: str, out: Path | None) -> None:
    """Get the certificate in DER and PEM, with the CA certificates; without --out the PEM is printed."""
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
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        may_write(out / name, content)
    for name, content in files.items():
        write_output(out / name, content)
    emit({"application": application, "files": [str(out / name) for name in files]}, "\n".join(map(str, files)))


@click.command("revoke")
@click.argument("application")
@click.option("--serial", required=True, help="Serial number of the certificate, hexadecimal.")
@click.option("--reason", required=True, help="key-compromise, not-needed, purpose-changed; DVV: misuse-suspected.")
@click.option(
    "--actor", type=click.Choice(["customer", "dvv"]), default="customer", show_default=True, help="Who asks for it."
)
@pass_workspace
def revoke(workspace: Workspace, application: str, serial: str, reason: str, actor: str) -> None:
    """Have the certificate of an application revoked, for good; the revocation list is published."""
    revoked = workspace.service_certificates.request_revocation(
        application, serial=serial, reason=reason, actor=actor
    )
    workspace.authorities.publish_if_due(workspace.published)
    emit_application(revoked)


@click.command("resume")
@pass_workspace
def resume(workspace: Workspace) -> None:
    """Finish what an interruption left half issued or half revoked, and follow the time."""
    done = [*workspace.service_certificates.resume(), *workspace.service_certificates.follow_time()]
    workspace.authorities.publish_if_due(workspace.published)
    emit(
        [one.as_dict() for one in done],
        "\n".join(f"{one.id}: {one.state}" for one in done) or "Nothing was finished.",
    )


def emit_application(found: Application, at: datetime | None = None) -> None:
    """Print an application; with ``at`` also how DVV stands to its promise at that moment."""
    from sotepki.clock import finnish_day

    lines = [f"{found.id}: {found.state}, {found.kind} certificate for {found.organisation}"]
    if at is not None and found.promised_by:
        lines.append(f"Promised by {found.promised_by}: {found.promise(at)}")
    if found.renewal_of:
        lines.append(f"Follows the certificate of {found.renewal_of}")
    if found.serial:
        end = f", valid to {found.not_after:%Y-%m-%d}" if found.not_after else ""
        lines.append(f"Serial number {found.serial}{end}")
    if found.return_reason:
        lines.append(f"Returned: {found.return_reason}")
    if found.revocation_reason:
        lines.append(f"Revocation: {found.revocation_reason}")
    if found.revoked_elsewhere and found.revoked_at:
        lines.append(
            f"Revoked by the revocation service on {finnish_day(found.revoked_at)}, not through the e-service"
        )
    lines += [f"{one.severity.value.capitalize()}: {one.message} [{one.rule}] {one.advice}" for one in found.findings]
    promise = {"promise": found.promise(at)} if at else {}
    emit({**found.as_dict(), **promise}, "\n".join(lines))


COMMANDS = (process, collect, revoke, resume)
