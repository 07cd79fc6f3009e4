"""``sotepki revoke``: DVV's revocation service. A revocation can never be undone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.errors import Fault, Misuse

if TYPE_CHECKING:
    from sotepki.dvv import Authorities, IssuedCertificate
    from sotepki.workspace import Workspace
    from sotepki.x509.lenient import DerCertificate

_SERIAL = re.compile(r"(?:0[xX])?((?:[0-9A-Fa-f]{1,2}:)*[0-9A-Fa-f]{1,40})")


@click.group("revoke")
def command() -> None:
    """DVV's revocation service: revoke certificates, for good."""


@command.command("reasons")
@pass_workspace
def reasons(workspace: Workspace) -> None:
    """List the reasons that can be given."""
    rows = [
        {
            "id": reason.id,
            "code": reason.reason.value,
            "kinds": sorted(reason.kinds),
            "text": reason.text,
            "source": reason.source,
            "grade": str(reason.grade),
        }
        for reason in workspace.authorities.reasons.values()
    ]
    emit(rows, "\n".join(f"{row['id']:<18} {row['text']} ({', '.join(row['kinds'])})" for row in rows))


@command.command("certificate")
@click.argument("certificate", metavar="SERIAL|FILE")
@click.option(
    "--reason",
    "reason_id",
    required=True,
    help="Why: key-compromise, not-needed, purpose-changed, employment-ended, right-removed, ca-compromise or "
    "unspecified; 'sotepki revoke reasons' explains them.",
)
@click.option("--authority", help="The authority that issued it, where two have the serial number.")
@click.option("--actor", default="revocation-service", show_default=True, help="Who asks, for the journal.")
@pass_workspace
def certificate(workspace: Workspace, certificate: str, reason_id: str, authority: str | None, actor: str) -> None:
    """Revoke the certificate with SERIAL (hexadecimal, as 'openssl x509 -serial' prints it) or in FILE.

    OCSP says so at once, and a new revocation list is published.
    """
    from sotepki.dvv.authority.reasons import reason_called
    from sotepki.x509.serials import serial_text

    authorities = workspace.authorities
    known = reason_called(reason_id, authorities.reasons)
    if known is None:
        raise Misuse(
            f"There is no revocation reason {reason_id!r}.", advice=f"Known are {', '.join(authorities.reasons)}."
        )
    authority_id, serial_number = _target(authorities, certificate, authority)
    status = authorities.revoke((authority_id, serial_number), reason=known.reason, actor=actor)
    try:
        authorities.publish_if_due(workspace.published)
    except Fault as fault:
        raise Fault(
            f"The certificate {serial_text(serial_number)} is revoked and OCSP says so. {fault.sentence}",
            advice="When the cause is gone, 'sotepki serve' publishes it.",
        ) from fault
    assert status.revoked_at is not None
    row = {
        "authority": authority_id,
        "serial": serial_text(serial_number),
        "state": str(status.state),
        "reason": known.reason.value,
        "revoked_at": status.revoked_at.isoformat(),
        # Another process may have published the list that has it: then none was due here.
        "crl_number": authorities.list_number(authority_id),
    }
    emit(
        row,
        f"The certificate {row['serial']} of {authority_id} is revoked ({known.reason.value}). "
        f"Revocation list {row['crl_number']} is published.",
    )


def _target(authorities: Authorities, text: str, authority: str | None) -> tuple[str, int]:
    """Authority and serial number."""
    form = _SERIAL.fullmatch(text)
    if Path(text).is_file() or text == "-" or form is None:
        return _of_file(authorities, text)
    if authority is not None:
        authorities.certificate(authority)  # refuses an authority that is not there
    serial_number = int(form.group(1).replace(":", ""), 16)
    issued = _issued_one(authorities.issued(serial_number=serial_number, authority_id=authority), text)
    return issued.authority_id, serial_number


def _of_file(authorities: Authorities, path: str) -> tuple[str, int]:
    """Authority and serial number of the certificate in a file, which is compared with the one that was issued."""
    from sotepki.dvv.authority.rules import refusal

    found = _read_one(path)
    issuer, serial_number = authorities.authority_of(found.contents), found.contents.serial_number
    if issuer is None:
        raise refusal(
            "revocation.unknown-certificate",
            f"The certificate in {path} was not issued by an authority of this workspace.",
            subject=path,
        )
    if found.der not in [one.der for one in authorities.issued(serial_number=serial_number, authority_id=issuer)]:
        raise refusal(
            "revocation.unknown-certificate",
            f"The certificate in {path} is not among those that {issuer} has issued.",
            subject=path,
        )
    return issuer, serial_number


def _issued_one(found: list[IssuedCertificate], text: str) -> IssuedCertificate:
    from sotepki.dvv.authority.rules import refusal

    if not found:
        raise refusal(
            "revocation.unknown-certificate", f"No certificate with the serial number {text} was issued here.",
            subject=text,
        )  # fmt: skip
    if len(found) > 1:
        raise refusal(
            "revocation.ambiguous",
            f"The serial number {text} was given by {' and '.join(one.authority_id for one in found)}.",
            subject=text,
            advice="Name one of them with --authority.",
        )
    return found[0]


def _read_one(path: str) -> DerCertificate:
    from sotepki.x509.lenient import der_certificate
    from sotepki.x509.reading import certificate_blocks

    certificates = [der_certificate(block, name=path) for block in certificate_blocks(read_input(path), name=path)]
    if len(certificates) != 1:
        raise Misuse(
            f"{path} holds {len(certificates)} certificates, one is wanted.",
            advice="Give the serial number of the one to revoke.",
            subject=path,
        )
    return certificates[0]
