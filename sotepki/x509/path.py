"""Path validation at a point in time: pyhanko-certvalidator judges, we say what it means.

The judge gets explicit roots, one at a time, and may not fetch anything; so it needs no network, no event loop and
no trust list of the machine. Revocation is judged from the lists and responses that are handed in.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp

from sotepki.errors import Misuse
from sotepki.evidence import Finding, Verdict, verdict_of
from sotepki.x509.chains import follow, in_time
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.judge import Rejection, judge
from sotepki.x509.names import readable
from sotepki.x509.purposes import Purpose, purpose_findings
from sotepki.x509.reading import plain_reason
from sotepki.x509.revocation_data import (
    RevocationData,
    is_signed_by,
    names_responder,
    revocation_data,
    revoked_since,
    revoking_entry,
)
from sotepki.x509.rulebook import rulebook
from sotepki.x509.serials import serial_text

__all__ = ["PathReport", "PathStep", "Purpose", "validate_path"]


@dataclass(frozen=True)
class PathStep:
    """One certificate of the path, in words."""

    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    role: str

    def as_dict(self) -> dict[str, str]:
        return {
            "role": self.role,
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
        }


@dataclass(frozen=True)
class PathReport:
    """The answer of a validation.

    Attributes:
        chain: from the certificate to the root, as far as it could be followed.
        at, purpose: what was asked.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    chain: tuple[x509.Certificate, ...]
    at: datetime
    purpose: Purpose

    @property
    def valid(self) -> bool:
        return self.verdict is Verdict.VALID

    @property
    def steps(self) -> tuple[PathStep, ...]:
        """The chain in words, the certificate first."""
        return tuple(_step(certificate, number, self.chain) for number, certificate in enumerate(self.chain))

    def explanation(self) -> str:
        """The path as a tree a person can read: root at the top, findings below."""
        lines = [f"Checked for {self.purpose} at {self.at:%Y-%m-%d %H:%M:%SZ}: {self.verdict}."]
        for depth, step in enumerate(reversed(self.steps)):
            period = f"{step.not_before:%Y-%m-%d} to {step.not_after:%Y-%m-%d}"
            lines.append(f"{'  ' * depth}{'' if not depth else '+- '}{step.role}: {step.subject} ({period})")
        for finding in self.findings:
            lines.append(f"{finding.severity}: {finding.message} [{finding.rule}]")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "verdict": str(self.verdict),
            "purpose": str(self.purpose),
            "at": self.at.isoformat(),
            "chain": [step.as_dict() for step in self.steps],
            "findings": [finding.as_dict() for finding in self.findings],
        }


def validate_path(
    certificate: x509.Certificate,
    *,
    trust: Sequence[x509.Certificate],
    intermediates: Iterable[x509.Certificate] = (),
    at: datetime,
    purpose: Purpose,
    crls: Sequence[x509.CertificateRevocationList] = (),
    ocsp_responses: Sequence[ocsp.OCSPResponse] = (),
    revocation: bool = True,
) -> PathReport:
    """Validate a certificate for a purpose at a moment (RFC 5280 6.1).

    Revocation data made after ``at`` counts too: a service certificate never comes back once revoked, and a
    revocation after ``at`` is not held against it. Data that had ended before ``at`` does not count. Without data of
    the issuing CAs themselves there is a warning; without data of the certificate the path is refused. A period
    includes its first and its last second, and nothing beyond them.

    One limit: if the path has several issuing CAs and OCSP answers say of some of them, but not of all, that they
    were revoked after ``at``, the path is refused, which it need not be; with lists it is not. The error is only on
    this side: no path is accepted because of it.

    Raises:
        Misuse: ``at`` has no time zone, or no root was given.
    """
    if at.tzinfo is None:
        raise Misuse("The time of the validation has no time zone.", advice="Give it as 2026-03-01T12:00:00Z.")
    if not trust:
        raise Misuse("No trusted root was given.", advice="Name the root certificate with --trust.")
    try:
        moment = at.astimezone(UTC)
    except OverflowError:
        raise Misuse(
            f"The time of the validation, {at}, is outside the calendar.", advice="Give another time."
        ) from None
    try:
        chain = follow(certificate, intermediates, trust, at=moment)
        data = revocation_data(crls, ocsp_responses) if revocation else None
        findings = list(_findings(chain, trust, moment, data))
        findings += purpose_findings(certificate, purpose)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        chain = (certificate,)
        findings = [_unreadable(error)]
    return PathReport(verdict_of(findings), tuple(findings), _showable(chain), moment, purpose)


def _findings(
    chain: tuple[x509.Certificate, ...],
    trust: Sequence[x509.Certificate],
    at: datetime,
    data: RevocationData | None,
) -> Iterator[Finding]:
    """What is wrong with a chain; without ``data`` nobody asks whether a certificate of it was revoked."""
    rules = rulebook()
    root = chain[-1]
    if root not in trust:
        subject = readable(root.issuer)
        message = "The certificate leads to no trusted root."
        yield rules.finding("path.untrusted", message, expected="a trusted root", found=f"issuer {subject}")
        yield from _times(chain, at)
        return
    yield from _old_versions(chain)
    middle, links = chain[1:-1], tuple(pairwise(chain))
    covered = data is not None and data.covers(links[1:])
    # Of what was revoked only later nothing more is to be asked; lists that say otherwise are looked at below.
    later = [link for link in links if data is not None and data.revoked_only_later(*link, at)]
    rejection = judge(
        chain,
        at=at,
        data=data or RevocationData(),
        leaf_revocation=data is not None and any(link not in later for link in links[:1]),
        ca_revocation=covered and any(link not in later for link in links[1:]),
    )
    strangers = list(_strangers(chain))
    # A certificate that names another key is on no list of this issuer: that is the cause, not missing data.
    if rejection is not None and not (strangers and rejection.rule == "path.revocation.missing"):
        yield _told(rejection, chain[0], RevocationData() if data is None else data)
    yield from strangers
    yield from (finding for finding in _times(chain, at) if rejection is None or finding.rule != rejection.rule)
    if data is not None:
        if middle and not covered:
            message = "Whether the issuing CA is revoked was not checked, for want of the root's revocation list."
            yield rules.finding("path.revocation.ca", message, found=readable(middle[0].subject))
        if rejection is None:
            yield from _listed(chain, data.crls, at)


def _strangers(chain: Sequence[x509.Certificate]) -> Iterator[Finding]:
    """Certificates whose authority key identifier is not the subject key identifier of their issuer."""
    for certificate, issuer in pairwise(chain):
        named = extension_of(certificate, x509.AuthorityKeyIdentifier)
        borne = extension_of(issuer, x509.SubjectKeyIdentifier)
        if named is None or borne is None or named.key_identifier in (None, borne.digest):
            continue
        yield rulebook().finding(
            "path.issuer-key",
            "A certificate of the path says that another key signed it than that of its issuer.",
            expected=borne.digest.hex(),
            found=(named.key_identifier or b"").hex(),
            where=readable(certificate.subject),
        )


def _old_versions(chain: Sequence[x509.Certificate]) -> Iterator[Finding]:
    """Certificates with extensions that say they are of version 1, which has none; pyca reads them all the same."""
    for certificate in chain:
        if certificate.version is x509.Version.v1 and _has_extensions(certificate):
            message = "A certificate of the path has extensions and says that it is of version 1."
            where = readable(certificate.subject)
            yield rulebook().finding("cert.extension.version", message, expected="3", found="1", where=where)


def _has_extensions(certificate: x509.Certificate) -> bool:
    try:
        return len(certificate.extensions) > 0
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return True


def _told(rejection: Rejection, certificate: x509.Certificate, data: RevocationData) -> Finding:
    rule, message = rejection.rule, rejection.message
    if rule in ("path.revocation.missing", "path.revocation.stale") and data.calls_unknown(certificate):
        rule, message = "path.revocation.unknown", "The responder does not know the certificate."
    elif rule == "path.revocation.missing" and data.answers(certificate) and not names_responder(certificate):
        message = "The certificate names no OCSP responder, so what one says of it does not count; give a list."
    elif rule == "path.revocation.missing" and any(crl.issuer == certificate.issuer for crl in data.set_aside):
        message = (
            "The revocation list has a critical extension that is not known, so it does not count; give another."
        )
    return rulebook().finding(rule, message, found=rejection.detail, where=readable(certificate.subject))


def _times(chain: Sequence[x509.Certificate], at: datetime) -> Iterator[Finding]:
    """Validity periods, all of them: the judge stops at its first objection, a person wants to see the others."""
    for certificate in chain:
        if in_time(certificate, at):
            continue
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if end < at:
            message = f"A certificate of the path ended on {end:%Y-%m-%d %H:%M:%SZ}."
            yield rulebook().finding(
                "path.expired", message, found=f"{end:%Y-%m-%d}", where=readable(certificate.subject)
            )
        else:
            message = f"A certificate of the path begins on {start:%Y-%m-%d %H:%M:%SZ}."
            yield rulebook().finding(
                "path.not-yet-valid", message, found=f"{start:%Y-%m-%d}", where=readable(certificate.subject)
            )


def _listed(
    chain: Sequence[x509.Certificate], crls: Sequence[x509.CertificateRevocationList], at: datetime
) -> Iterator[Finding]:
    """Revocations in a genuine list, even where OCSP said good: the judge stops at the first good answer."""
    for certificate, issuer in pairwise(chain):
        for crl in crls:
            if crl.issuer != issuer.subject:
                continue
            entry = revoking_entry(crl, certificate)
            if entry is None or revoked_since(entry) > at or not is_signed_by(crl, issuer):
                continue
            message = f"The certificate was revoked on {revoked_since(entry):%Y-%m-%d %H:%M:%SZ}."
            where = readable(certificate.subject)
            yield rulebook().finding("path.revoked", message, found="revocation list", where=where)


def _unreadable(error: Exception) -> Finding:
    message = "The path holds something that cannot be read."
    return rulebook().finding("path.unreadable", message, found=plain_reason(error))


def _showable(chain: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    return tuple(certificate for certificate in chain if _is_showable(certificate))


@functools.lru_cache(maxsize=256)
def _is_showable(certificate: x509.Certificate) -> bool:
    """Whether names and times can be shown; the same CAs come in path after path."""
    try:
        _step(certificate, 0, (certificate,))
    except ValueError:  # a T61String in a name, a time outside the calendar: pyca reads them when they are asked for
        return False
    return True


def _step(certificate: x509.Certificate, number: int, chain: Sequence[x509.Certificate]) -> PathStep:
    role = "certificate" if number == 0 else "root" if certificate.subject == certificate.issuer else "issuing CA"
    return PathStep(
        subject=readable(certificate.subject),
        issuer=readable(certificate.issuer),
        serial_number=serial_text(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        role=role,
    )
