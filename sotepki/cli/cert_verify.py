"""``sotepki cert verify``: path validation of files, with what is given, published or fetched."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.checks import FAILED, check_text, findings_text
from sotepki.cli.context import emit, read_input, workspace_directory
from sotepki.errors import Misuse, Refused

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import ocsp

    from sotepki.evidence import Finding
    from sotepki.x509.path import Purpose

JUDGES = ("pyca", "openssl")
PURPOSES = ("card-authentication", "card-signature", "system-signature", "tls-server", "tls-client")


@dataclass(frozen=True)
class _Material:
    """What a path is judged with."""

    trust: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    responses: tuple[ocsp.OCSPResponse, ...]
    at: datetime


@dataclass(frozen=True)
class _Manner:
    """How a path is judged."""

    purpose: str | None
    revocation: bool
    fetch: str | None
    also: tuple[str, ...]


@click.command("verify")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--trust", multiple=True, metavar="FILE", help="Trusted roots; without it the workspace's.")
@click.option("--intermediates", multiple=True, metavar="FILE", help="Issuing CAs.")
@click.option("--crl", "crls", multiple=True, metavar="FILE", help="Revocation lists.")
@click.option("--ocsp", "responses", multiple=True, metavar="FILE", help="OCSP responses (DER).")
@click.option("--at", metavar="TIME", help="The moment, as 2026-03-01T12:00:00Z; without it now.")
@click.option("--purpose", type=click.Choice(PURPOSES), help="Without it, what the certificate seems made for.")
@click.option("--no-revocation", is_flag=True, help="Do not look at revocation at all.")
@click.option("--fetch", metavar="URL", help="Fetch CAs, lists and OCSP answers from our services at URL.")
@click.option("--also", metavar="JUDGES", help="Second opinions: pyca, openssl, or both with a comma.")
@click.option("--index", metavar="FILE", help="Judge every vector of an index that 'cert vectors' wrote instead.")
def verify(
    files: Sequence[str],
    trust: Sequence[str],
    intermediates: Sequence[str],
    crls: Sequence[str],
    responses: Sequence[str],
    at: str | None,
    purpose: str | None,
    no_revocation: bool,
    fetch: str | None,
    also: str | None,
    index: str | None,
) -> int:
    """Validate the path of the first certificate in each FILE to a trusted root; others in it count as issuers.

    Without --trust the workspace gives its roots, its CAs, its published revocation lists and its time. With --fetch
    the addresses in the certificates are asked at URL (http://127.0.0.1:8880), never at DVV's hosts. A second
    opinion that differs is a finding; the verdict stays ours.
    JSON: one object for one FILE, a list for several; --index: what was expected, what was said, and agrees.
    """
    if index is not None:
        if files:
            raise Misuse("Give files or --index, not both.")
        return verify_index(index)
    if not files:
        raise Misuse("No file was given.", advice="Name the certificate to verify, or an --index.")
    material = _material(trust, intermediates, crls, responses, at)
    manner = _Manner(purpose, not no_revocation, fetch, _judges(also))
    answers = [_verify_file(file, material, manner) for file in files]
    rows = [row for row, _ in answers]
    emit(rows[0] if len(rows) == 1 else rows, "\n\n".join(text for _, text in answers))
    return FAILED if any(row["verdict"] != "valid" for row in rows) else 0


def verify_index(index: str) -> int:
    """Judge the vectors of an index and print where it agrees."""
    from pathlib import Path

    from sotepki.x509.defects.vectors import check_index

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_index(Path(index))
    agreeing = sum(result.agrees for result in results)
    lines = [f"{index}: {agreeing} of {len(results)} vectors judged as expected."]
    for result in results:
        if not result.agrees:
            expected, said = result.expected, result.as_dict()
            lines.append(f"  {result.id}: expected {expected}; path {said['path']}, lint {said['lint']}")
    rows = {"file": index, "agrees": agreeing == len(results), "vectors": [result.as_dict() for result in results]}
    emit(rows, "\n".join(lines))
    return 0 if agreeing == len(results) else FAILED


def _verify_file(file: str, material: _Material, manner: _Manner) -> tuple[dict[str, Any], str]:
    from sotepki.x509.path import Purpose
    from sotepki.x509.purposes import likely_purpose
    from sotepki.x509.reading import read_certificates
    from sotepki.x509.rulebook import rulebook

    try:
        certificate, *others = read_certificates(read_input(file), name=file)
        chosen = Purpose(manner.purpose) if manner.purpose else likely_purpose(certificate)
    except Refused as refused:
        finding = rulebook().finding(refused.rule, refused.sentence, advice=refused.advice)
    except ValueError as error:
        finding = rulebook().finding("path.unreadable", f"The extensions cannot be read: {error}.")
    else:
        if chosen is None:
            raise Misuse(
                f"{file} does not show what it is made for.", advice=f"Give --purpose: {', '.join(PURPOSES)}."
            )
        material = replace(material, intermediates=(*others, *material.intermediates))
        with warnings.catch_warnings():
            # Odd serial numbers are findings, not warnings on somebody's terminal.
            warnings.simplefilter("ignore")
            return _judged(file, certificate, chosen, material, manner)
    row = {"file": file, "verdict": "invalid", "findings": [finding.as_dict()], "chain": []}
    return row, check_text(row)


def _judged(
    file: str, certificate: x509.Certificate, purpose: Purpose, material: _Material, manner: _Manner
) -> tuple[dict[str, Any], str]:
    from sotepki.x509.fetching import fetch
    from sotepki.x509.path import validate_path
    from sotepki.x509.path_tree import explain, tree_text
    from sotepki.x509.rulebook import rulebook

    extra: list[Finding] = []
    if manner.fetch is not None:
        fetched = fetch(certificate, manner.fetch, at=material.at, trust=material.trust, known=material.intermediates)
        material = replace(
            material,
            intermediates=(*material.intermediates, *fetched.issuers),
            crls=(*material.crls, *fetched.crls),
            responses=(*material.responses, *fetched.responses),
        )
        for refused in fetched.failures:
            extra.append(rulebook().finding("fetch.http", refused.sentence, advice=refused.advice))
    report = validate_path(
        certificate,
        trust=material.trust,
        intermediates=material.intermediates,
        at=material.at,
        purpose=purpose,
        crls=material.crls,
        ocsp_responses=material.responses,
        revocation=manner.revocation,
    )
    extra += _second_opinions(certificate, report.findings, purpose, material, manner)
    nodes = explain(
        report,
        trust=material.trust,
        crls=material.crls,
        ocsp_responses=material.responses,
        revocation=manner.revocation,
    )
    row = {"file": file} | report.as_dict()
    row["findings"] += [finding.as_dict() for finding in extra]
    row["tree"] = [node.as_dict() for node in nodes]
    return row, "\n".join([f"{file}: {report.verdict}", tree_text(report, nodes), *findings_text(row["findings"])])


def _second_opinions(
    certificate: x509.Certificate,
    findings: Sequence[Finding],
    purpose: Purpose,
    material: _Material,
    manner: _Manner,
) -> list[Finding]:
    from sotepki.x509.second_opinions import Judge, disagreements, opinion_of, question_of

    if not manner.also:
        return []
    question = question_of(
        certificate,
        issuers=material.intermediates,
        trust=material.trust,
        crls=material.crls if manner.revocation else (),
        ocsp_responses=material.responses if manner.revocation else (),
        at=material.at,
        purpose=purpose,
    )
    return list(disagreements(findings, [opinion_of(Judge(name), question) for name in manner.also]))


def _judges(text: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        if name not in JUDGES:
            raise Misuse(
                f"There is no judge {name!r} to ask.", advice=f"Give --also {','.join(JUDGES)} or one of them."
            )
    return names


def _material(
    trust: Sequence[str], intermediates: Sequence[str], crls: Sequence[str], responses: Sequence[str], at: str | None
) -> _Material:
    from sotepki.clock import SystemClock
    from sotepki.x509.reading import read_certificates, read_ocsp_responses

    given = _Material(
        trust=tuple(c for file in trust for c in read_certificates(read_input(file), name=file)),
        intermediates=tuple(c for file in intermediates for c in read_certificates(read_input(file), name=file)),
        crls=tuple(crl for file in crls for crl in lists_of(file)),
        responses=tuple(r for file in responses for r in read_ocsp_responses(read_input(file), name=file)),
        at=moment_of(at) if at else SystemClock().now(),
    )
    return given if trust else _from_workspace(given, at is not None)


def _from_workspace(given: _Material, at_given: bool) -> _Material:
    """What is missing, from the workspace: the roots, the published CAs and lists, the time."""
    from sotepki.workspace import Workspace
    from sotepki.x509.reading import read_certificates

    with Workspace.open(workspace_directory()) as workspace:
        published = workspace.published
        return _Material(
            trust=workspace.authorities.roots,
            intermediates=given.intermediates
            + tuple(c for path in sorted(published.rglob("*.crt")) for c in read_certificates(path.read_bytes())),
            crls=given.crls or tuple(crl for path in sorted(published.rglob("*.crl")) for crl in lists_of(str(path))),
            responses=given.responses,
            at=given.at if at_given else workspace.clock.now(),
        )


def lists_of(file: str) -> list[x509.CertificateRevocationList]:
    """The revocation lists of a file, which may be as long as those that are fetched.

    Raises:
        Misuse: the file cannot be read, or is too long.
        Refused: it holds something else.
    """
    from sotepki.x509.reading import MAX_LISTS, read_crls

    return read_crls(read_input(file, limit=MAX_LISTS), name=file, limit=MAX_LISTS)


def moment_of(text: str) -> datetime:
    """A time that a person gave; UTC where no zone stands.

    Raises:
        Misuse: it is not a time.
    """
    try:
        moment = datetime.fromisoformat(text)
        # At the rim of the calendar a time of another zone has none in UTC.
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Misuse(f"{text!r} is not a time.", advice="Write it as 2026-03-01T12:00:00Z.") from None
