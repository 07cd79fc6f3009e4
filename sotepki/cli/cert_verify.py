"""``sotepki cert verify``: path validation of files, with what is given or with what the workspace publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.checks import FAILED, check_text, findings_text
from sotepki.cli.context import emit, read_input, workspace_directory
from sotepki.errors import Misuse, Refused

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import ocsp

PURPOSES = ("card-authentication", "card-signature", "system-signature", "tls-server", "tls-client")


@dataclass(frozen=True)
class _Material:
    """What a path is judged with."""

    trust: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    responses: tuple[ocsp.OCSPResponse, ...]
    at: datetime


@click.command("verify")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--trust", multiple=True, metavar="FILE", help="Trusted roots; without it the workspace's.")
@click.option("--intermediates", multiple=True, metavar="FILE", help="Issuing CAs.")
@click.option("--crl", "crls", multiple=True, metavar="FILE", help="Revocation lists.")
@click.option("--ocsp", "responses", multiple=True, metavar="FILE", help="OCSP responses (DER).")
@click.option("--at", metavar="TIME", help="The moment, as 2026-03-01T12:00:00Z; without it now.")
@click.option("--purpose", type=click.Choice(PURPOSES), help="Without it, what the certificate seems made for.")
@click.option("--no-revocation", is_flag=True, help="Do not look at revocation at all.")
def verify(
    files: Sequence[str],
    trust: Sequence[str],
    intermediates: Sequence[str],
    crls: Sequence[str],
    responses: Sequence[str],
    at: str | None,
    purpose: str | None,
    no_revocation: bool,
) -> int:
    """Validate the path of the first certificate in each FILE to a trusted root; others in it count as issuers.

    Without --trust the workspace gives its root, its CAs, its published revocation lists and its time.
    JSON: one object for one FILE, a list for several.
    """
    material = _material(trust, intermediates, crls, responses, at)
    answers = [_verify_file(file, material, purpose, not no_revocation) for file in files]
    rows = [row for row, _ in answers]
    emit(rows[0] if len(rows) == 1 else rows, "\n\n".join(text for _, text in answers))
    return FAILED if any(row["verdict"] != "valid" for row in rows) else 0


def _verify_file(file: str, material: _Material, purpose: str | None, revocation: bool) -> tuple[dict[str, Any], str]:
    from sotepki.x509.path import Purpose, validate_path
    from sotepki.x509.purposes import likely_purpose
    from sotepki.x509.reading import read_certificates
    from sotepki.x509.rulebook import rulebook

    try:
        certificate, *others = read_certificates(read_input(file), name=file)
        chosen = Purpose(purpose) if purpose else likely_purpose(certificate)
    except Refused as refused:
        finding = rulebook().finding(refused.rule, refused.sentence, advice=refused.advice)
    except ValueError as error:
        finding = rulebook().finding("path.unreadable", f"The extensions cannot be read: {error}.")
    else:
        if chosen is None:
            raise Misuse(
                f"{file} does not show what it is made for.", advice=f"Give --purpose: {', '.join(PURPOSES)}."
            )
        report = validate_path(
            certificate,
            trust=material.trust,
            intermediates=(*others, *material.intermediates),
            at=material.at,
            purpose=chosen,
            crls=material.crls,
            ocsp_responses=material.responses,
            revocation=revocation,
        )
        details = findings_text(finding.as_dict() for finding in report.findings)
        tree = report.explanation().splitlines()[: 1 + len(report.chain)]
        return {"file": file} | report.as_dict(), "\n".join([f"{file}: {report.verdict}", *tree, *details])
    row = {"file": file, "verdict": "invalid", "findings": [finding.as_dict()], "chain": []}
    return row, check_text(row)


def _material(
    trust: Sequence[str], intermediates: Sequence[str], crls: Sequence[str], responses: Sequence[str], at: str | None
) -> _Material:
    from sotepki.clock import SystemClock
    from sotepki.x509.reading import read_certificates, read_crls, read_ocsp_responses

    given = _Material(
        trust=tuple(c for file in trust for c in read_certificates(read_input(file), name=file)),
        intermediates=tuple(c for file in intermediates for c in read_certificates(read_input(file), name=file)),
        crls=tuple(crl for file in crls for crl in read_crls(read_input(file), name=file)),
        responses=tuple(r for file in responses for r in read_ocsp_responses(read_input(file), name=file)),
        at=_moment(at) if at else SystemClock().now(),
    )
    return given if trust else _from_workspace(given, at is not None)


def _from_workspace(given: _Material, at_given: bool) -> _Material:
    """What is missing, from the workspace: the root, the published CAs and lists, the workspace's time."""
    from sotepki.workspace import Workspace
    from sotepki.x509.reading import read_certificates, read_crls

    with Workspace.open(workspace_directory()) as workspace:
        published = workspace.published
        return _Material(
            trust=(workspace.authorities.root,),
            intermediates=given.intermediates
            + tuple(c for path in sorted(published.rglob("*.crt")) for c in read_certificates(path.read_bytes())),
            crls=given.crls
            or tuple(crl for path in sorted(published.rglob("*.crl")) for crl in read_crls(path.read_bytes())),
            responses=given.responses,
            at=given.at if at_given else workspace.clock.now(),
        )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(f"{text!r} is not a time.", advice="Write it as 2026-03-01T12:00:00Z.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
