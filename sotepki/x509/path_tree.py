"""Why a path is valid or not, certificate by certificate: a tree for people, and the same as data.

The verdict is that of ``validate_path``; the tree shows what it rests on, from the root down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import ocsp

from sotepki.errors import Refused
from sotepki.evidence import Severity
from sotepki.x509.chains import in_time
from sotepki.x509.crl import crl_number
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.names import readable
from sotepki.x509.ocsp_client import kept_status
from sotepki.x509.path import PathReport
from sotepki.x509.purposes import key_usages
from sotepki.x509.revocation_data import (
    is_signed_by,
    is_understood,
    named,
    of_attribute_certificates,
    revoked_since,
    revoking_entry,
)
from sotepki.x509.status import CertificateState


class Outcome(StrEnum):
    """How a check of one certificate ended; ``open``: it could not be made."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"


_MARKS = {Outcome.PASSED: "+", Outcome.FAILED: "x", Outcome.OPEN: "?"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, in a sentence."""

    name: str
    outcome: Outcome
    text: str

    def as_dict(self) -> dict[str, str]:
        return {"check": self.name, "outcome": str(self.outcome), "text": self.text}


@dataclass(frozen=True)
class Node:
    """One certificate of the path with what was looked at."""

    role: str
    subject: str
    checks: tuple[Check, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"role": self.role, "subject": self.subject, "checks": [check.as_dict() for check in self.checks]}


def explain(
    report: PathReport,
    *,
    trust: Sequence[x509.Certificate],
    crls: Sequence[x509.CertificateRevocationList] = (),
    ocsp_responses: Sequence[ocsp.OCSPResponse] = (),
    revocation: bool = True,
) -> tuple[Node, ...]:
    """The certificates of a report from the root (or the end of what could be followed) down, with their checks.

    The arguments are those that ``validate_path`` was given.
    """
    steps, nodes = report.steps, []
    for number in range(len(report.chain) - 1, -1, -1):
        certificate = report.chain[number]
        issuer = report.chain[number + 1] if number + 1 < len(report.chain) else None
        checks = [_origin(certificate, issuer, trust), _period(certificate, report.at)]
        try:
            checks += _authority(certificate, number) if number else _purpose(report)
        except ValueError:
            checks.append(Check("extensions", Outcome.FAILED, "The extensions cannot be read."))
        if issuer is not None:
            checks += _revocation(certificate, issuer, report.at, crls, ocsp_responses) if revocation else [_UNASKED]
        nodes.append(Node(steps[number].role, steps[number].subject, tuple(checks)))
    return tuple(nodes)


def tree_text(report: PathReport, nodes: Sequence[Node]) -> str:
    """The tree as lines: ``+`` passed, ``x`` failed, ``?`` open."""
    lines = [f"Checked for {report.purpose} at {report.at:%Y-%m-%d %H:%M:%SZ}: {report.verdict}."]
    for depth, node in enumerate(nodes):
        indent = "   " * depth
        lines.append(f"{indent}{'' if not depth else '+- '}{node.role}: {node.subject}")
        lines += [f"{indent}   {_MARKS[check.outcome]} {check.text}" for check in node.checks]
    return "\n".join(lines)


_UNASKED = Check("revocation", Outcome.OPEN, "Revocation was not asked for.")


def _origin(
    certificate: x509.Certificate, issuer: x509.Certificate | None, trust: Sequence[x509.Certificate]
) -> Check:
    if certificate in trust:
        return Check("trust", Outcome.PASSED, "It is one of the trusted roots.")
    if issuer is None:
        return Check("trust", Outcome.FAILED, f"Its issuer is not at hand: {readable(certificate.issuer)}.")
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return Check("signature", Outcome.FAILED, "Its signature does not verify with the issuer's key.")
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Check("signature", Outcome.FAILED, "Its signature cannot be verified with the issuer's key.")
    return Check("signature", Outcome.PASSED, "Its signature verifies with the issuer's key.")


def _period(certificate: x509.Certificate, at: datetime) -> Check:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    text = f"It is valid from {start:%Y-%m-%d %H:%M:%SZ} to {end:%Y-%m-%d %H:%M:%SZ}"
    if in_time(certificate, at):
        return Check("validity", Outcome.PASSED, text + ".")
    return Check("validity", Outcome.FAILED, text + (", so it has ended." if at > end else ", so it has not begun."))


def _authority(certificate: x509.Certificate, number: int) -> Iterator[Check]:
    basic = extension_of(certificate, x509.BasicConstraints)
    if basic is None or not basic.ca:
        yield Check("ca", Outcome.FAILED, "It is not the certificate of a CA.")
    elif basic.path_length is not None and basic.path_length < number - 1:
        yield Check("ca", Outcome.FAILED, f"It allows {basic.path_length} CAs below it, there are {number - 1}.")
    else:
        limit = "" if basic.path_length is None else f" with {basic.path_length} CAs below it"
        yield Check("ca", Outcome.PASSED, f"It is a CA{limit}.")
    bits = key_usages(certificate)
    if bits is not None and "keyCertSign" not in bits:
        yield Check("key-usage", Outcome.FAILED, "Its key may not sign certificates.")


def _purpose(report: PathReport) -> Iterator[Check]:
    wrong = [
        finding
        for finding in report.findings
        if finding.rule.startswith("path.purpose.") and finding.severity is Severity.ERROR
    ]
    for finding in wrong:
        yield Check("purpose", Outcome.FAILED, f"{finding.message} [{finding.rule}]")
    if not wrong:
        bits = ", ".join(key_usages(report.chain[0]) or ()) or "any"
        yield Check("purpose", Outcome.PASSED, f"Its key usage ({bits}) is fit for {report.purpose}.")


def _revocation(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
    crls: Sequence[x509.CertificateRevocationList],
    responses: Sequence[ocsp.OCSPResponse],
) -> list[Check]:
    found = [_listed(certificate, issuer, crl, at) for crl in named(crls) if crl.issuer == issuer.subject]
    for response in responses:
        check = _answered(certificate, issuer, response, at)
        if check is not None:
            found.append(check)
    return found or [Check("revocation", Outcome.OPEN, "There is no revocation data of its issuer.")]


def _listed(
    certificate: x509.Certificate, issuer: x509.Certificate, crl: x509.CertificateRevocationList, at: datetime
) -> Check:
    number = crl_number(crl)
    which = "without number" if number is None else f"number {number}"
    name = f"The list {which} of {crl.last_update_utc:%Y-%m-%d %H:%M:%SZ}"
    if not is_signed_by(crl, issuer):
        return Check("crl", Outcome.FAILED, f"{name} is not signed by the issuer.")
    if not is_understood(crl):
        return Check("crl", Outcome.FAILED, f"{name} has a critical extension that is not known, so it says nothing.")
    if of_attribute_certificates(crl):
        return Check("crl", Outcome.OPEN, f"{name} is of attribute certificates only.")
    entry = revoking_entry(crl, certificate)
    if entry is not None and revoked_since(entry) <= at:
        when = f"{revoked_since(entry):%Y-%m-%d %H:%M:%SZ}"
        return Check("crl", Outcome.FAILED, f"{name} has it, revoked on {when}{_reason(entry)}.")
    until = crl.next_update_utc
    if until is not None and until < at.replace(microsecond=0):
        return Check("crl", Outcome.FAILED, f"{name} was good until {until:%Y-%m-%d %H:%M:%SZ} only.")
    return Check("crl", Outcome.PASSED, f"{name} does not have it.")


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return f" ({entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value})"
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""


def _answered(
    certificate: x509.Certificate, issuer: x509.Certificate, response: ocsp.OCSPResponse, at: datetime
) -> Check | None:
    """What an OCSP answer says; None if it is about another certificate."""
    try:
        made = response.produced_at_utc
        status = kept_status(response, certificate, issuer, at=at)
    except (Refused, ValueError) as error:
        if isinstance(error, Refused) and error.rule == "ocsp.response.certificate":
            return None
        text = error.sentence if isinstance(error, Refused) else "The OCSP answer cannot be read."
        return Check("ocsp", Outcome.FAILED, text)
    name = f"The OCSP answer of {made:%Y-%m-%d %H:%M:%SZ}"
    if status.state is CertificateState.GOOD:
        return Check("ocsp", Outcome.PASSED, f"{name} says good.")
    if status.state is CertificateState.UNKNOWN or status.revoked_at is None:
        return Check("ocsp", Outcome.FAILED, f"{name} does not know it.")
    outcome = Outcome.FAILED if status.revoked_at <= at else Outcome.PASSED
    reason = f" ({status.reason.value})" if status.reason else ""
    return Check("ocsp", outcome, f"{name} says revoked on {status.revoked_at:%Y-%m-%d %H:%M:%SZ}{reason}.")
