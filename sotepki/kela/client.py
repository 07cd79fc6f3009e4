"""Whether a TLS client's certificate lets it speak to Kanta, and for which organisation."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sotepki.evidence import Finding, Severity, Verdict
from sotepki.identifiers import Oid
from sotepki.kela.access_points import AccessPoints
from sotepki.kela.revocation import StatusQuestions
from sotepki.kela.rules import rulebook
from sotepki.kela.settings import KantaSettings
from sotepki.x509.chains import in_time
from sotepki.x509.issuer import issuer_among
from sotepki.x509.names import readable
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState

E = TypeVar("E", bound=x509.ExtensionType)

_REMEMBERED = 256


@dataclass(frozen=True)
class Trust:
    """Public certificates that the archive judges by.

    Attributes:
        roots: trust anchors.
        authorities: every issuing CA below them; signers' chains are built from these.
        service_authorities: those of ``authorities`` that issue server certificates.
        founded_later: further issuing CAs, founded since the service was started (that of spare cards is made with
            the first card).
    """

    roots: tuple[x509.Certificate, ...]
    authorities: tuple[x509.Certificate, ...]
    service_authorities: tuple[x509.Certificate, ...]
    founded_later: Callable[[], tuple[x509.Certificate, ...]] = tuple


@dataclass
class ChainMemory:
    """Chains that were found valid, each with the time within which every certificate of it is valid.

    A client sends many messages with one certificate; building its path anew takes as long as verifying a document.
    Revocation is not remembered.
    """

    _windows: dict[tuple[x509.Certificate, Trust], tuple[datetime, datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def holds(self, certificate: x509.Certificate, trust: Trust, at: datetime) -> bool:
        """Whether the chain is known to be valid at a moment."""
        window = self._windows.get((certificate, trust))
        return window is not None and window[0] <= at <= window[1]

    def remember(self, certificate: x509.Certificate, trust: Trust, chain: Sequence[x509.Certificate]) -> None:
        """Note a chain that was valid; the oldest note makes room."""
        begin = max(link.not_valid_before_utc for link in chain)
        end = min(link.not_valid_after_utc for link in chain)
        with self._lock:
            while len(self._windows) >= _REMEMBERED:
                del self._windows[next(iter(self._windows))]
            self._windows[certificate, trust] = begin, end


def check_client(
    certificate: x509.Certificate | None,
    *,
    trust: Trust,
    at: datetime,
    questions: StatusQuestions,
    settings: KantaSettings,
    memory: ChainMemory,
) -> list[Finding]:
    """Findings on the certificate itself: issuer, time, purpose, chain, revocation (docs/field/pki.md 5.8).

    Revocation is asked only about a certificate of our own service CA: another CA's responder is not ours to call.
    """
    if certificate is None:
        return [rulebook().finding("kanta.client.missing", "The request came without a client certificate.")]
    try:
        return _check(certificate, trust, at, questions, settings, memory)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return [rulebook().finding("kanta.client.chain", f"The client's certificate cannot be read: {error}.")]


def _check(
    certificate: x509.Certificate,
    trust: Trust,
    at: datetime,
    questions: StatusQuestions,
    settings: KantaSettings,
    memory: ChainMemory,
) -> list[Finding]:
    issuer = issuer_among(certificate, trust.service_authorities)
    if issuer is None:
        return [
            rulebook().finding(
                "kanta.client.issuer",
                "The client's certificate was not issued by the sote service CA.",
                expected=", ".join(_common_name(ca.subject) for ca in trust.service_authorities),
                found=_common_name(certificate.issuer),
            )
        ]
    findings = [*_time(certificate, at), *_purpose(certificate, settings)]
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings += _chain(certificate, trust, at, memory)
    return findings + _status(certificate, issuer, questions)


def check_sender(certificate: x509.Certificate, sender: Oid, access_points: AccessPoints) -> list[Finding]:
    """Findings on the tie between the certificate and the organisation that it speaks for."""
    lineage = access_points.lineage(sender)
    if not lineage:
        return [
            rulebook().finding(
                "kanta.client.organisation-register",
                f"The sender {sender} is not in THL's SOTE organisation register.",
                found=sender.value,
            )
        ]
    holder = _organisation(certificate)
    names = {_plain(name) for organisation in lineage for name in (organisation.name, organisation.long_name) if name}
    if _plain(holder) in names or access_points.serves(host_names(certificate), sender):
        return []
    return [
        rulebook().finding(
            "kanta.client.organisation-sender",
            f"The client's certificate belongs to {holder or 'no named organisation'}, "
            f"which may not send for {lineage[0].name} ({sender}).",
            expected=lineage[0].name,
            found=holder,
        )
    ]


def host_names(certificate: x509.Certificate) -> list[str]:
    """The DNS names of a server certificate, in lower case; empty if it has none or they cannot be read."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def _time(certificate: x509.Certificate, at: datetime) -> list[Finding]:
    if in_time(certificate, at):
        return []
    expired = at > certificate.not_valid_after_utc
    limit = certificate.not_valid_after_utc if expired else certificate.not_valid_before_utc
    return [
        rulebook().finding(
            "kanta.client.validity",
            f"The client's certificate {'ended' if expired else 'begins'} at {limit.isoformat()}.",
            expected=f"valid at {at.isoformat()}",
            found=f"{certificate.not_valid_before_utc.isoformat()} to {certificate.not_valid_after_utc.isoformat()}",
        )
    ]


def _purpose(certificate: x509.Certificate, settings: KantaSettings) -> list[Finding]:
    found: list[Finding] = []
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        found.append(
            rulebook().finding(
                "kanta.client.purpose",
                "The client's certificate does not name clientAuth in its extended key usage.",
                expected="clientAuth",
                found="none" if usages is None else ", ".join(usage.dotted_string for usage in usages),
            )
        )
    key_usage = _extension(certificate, x509.KeyUsage)
    if key_usage is None or not key_usage.digital_signature or key_usage.content_commitment:
        found.append(
            rulebook().finding(
                "kanta.client.key-usage",
                "The key usage of the client's certificate is not that of a server certificate.",
                expected="digitalSignature without nonRepudiation",
            )
        )
    policies = _extension(certificate, x509.CertificatePolicies) or ()
    named = {policy.policy_identifier.dotted_string for policy in policies}
    if not named & settings.server_policies:
        found.append(
            rulebook().finding(
                "kanta.client.policy",
                "The client's certificate does not bear the policy of sote server certificates.",
                expected=" or ".join(sorted(settings.server_policies)),
                found=", ".join(sorted(named)),
            )
        )
    return found


def _chain(certificate: x509.Certificate, trust: Trust, at: datetime, memory: ChainMemory) -> list[Finding]:
    if memory.holds(certificate, trust, at):
        return []
    # The validator is slow to import, and not needed for a client that is refused before.
    from sotepki.x509.path import Purpose, validate_path

    report = validate_path(
        certificate,
        trust=trust.roots,
        intermediates=trust.authorities,
        at=at,
        purpose=Purpose.TLS_CLIENT,
        revocation=False,
    )
    if report.verdict is Verdict.VALID:
        memory.remember(certificate, trust, report.chain)
        return []
    reasons = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    return [
        rulebook().finding(
            "kanta.client.chain",
            "The chain of the client's certificate does not lead to a trusted root.",
            found=" ".join(reasons),
        )
    ]


def _status(certificate: x509.Certificate, issuer: x509.Certificate, questions: StatusQuestions) -> list[Finding]:
    before = len(questions.unanswered)
    status = questions(certificate, issuer)
    if len(questions.unanswered) > before:
        return [
            rulebook().finding(
                "kanta.client.status-unavailable",
                "The revocation state of the client's certificate is not known: " + questions.unanswered[-1],
            )
        ]
    if status.state is CertificateState.REVOKED:
        when = f" since {status.revoked_at.isoformat()}" if status.revoked_at else ""
        why = f" ({status.reason.value})" if status.reason else ""
        return [
            rulebook().finding(
                "kanta.client.revoked",
                f"The client's certificate {serial_text(certificate.serial_number)} is revoked{when}{why}.",
                expected="good",
                found="revoked",
            )
        ]
    if status.state is CertificateState.UNKNOWN:
        return [
            rulebook().finding(
                "kanta.client.status-unknown",
                f"The responder does not know the client's certificate {serial_text(certificate.serial_number)}.",
                expected="good",
                found="unknown",
            )
        ]
    return []


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _organisation(certificate: x509.Certificate) -> str:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else readable(name)


def _plain(name: str) -> str:
    """A name for comparison: requests are often written without the dots of ä and ö."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(letters.split()).casefold()
