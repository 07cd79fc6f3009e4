"""Things of the system under test, read once and judged by the package's own checks, ready for cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509

from conformance.check import Check
from conformance.sut.facets import Trust
from sotepki.clock import HELSINKI, Clock, end_of_finnish_day
from sotepki.documents import (
    DocumentReport,
    Frame,
    VerificationContext,
    check_frame,
    open_frame,
    verify_document,
)
from sotepki.documents.diagnosis import diagnose
from sotepki.documents.report import all_rules
from sotepki.documents.times import read_hl7_time
from sotepki.documents.vocabulary import hl7
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.x509.csr import CsrReport
from sotepki.x509.issuer import issuer_among
from sotepki.x509.revocation_data import (
    is_signed_by,
    is_understood,
    of_attribute_certificates,
    revoking_entry,
    speaks_of,
)
from sotepki.x509.status import CertificateState
from sotepki.xmldsig import DS, parse

CLOCKS_DIFFER = timedelta(minutes=1)
"""So much the clocks of a signer, of whoever dates a document and of the suite may differ (time.own-clock)."""
_OF_AGE = frozenset({"doc.signature.stale", "doc.timestamp.before-document"})
"""What the package finds in a signature that is older than its document by more than a second."""


@dataclass(frozen=True)
class RequestUnderTest:
    """A certificate request as it was sent, and what the check of the package found."""

    content: bytes
    report: CsrReport


@dataclass(frozen=True)
class DocumentUnderTest:
    """A document of the system.

    Attributes:
        earlier: the version that this one corrects; None if it is not known.
        unsigned: the document that the system was given to sign; None if it made it itself.
    """

    name: str
    content: bytes = field(repr=False)
    report: DocumentReport = field(repr=False)
    earlier: bytes | None = field(default=None, repr=False)
    unsigned: bytes | None = field(default=None, repr=False)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the package found, without ages that a clock a little slow explains as well."""
        found = self.report.findings
        if not any(finding.rule in _OF_AGE for finding in found) or self._signed_before_it_was_made:
            return found
        return tuple(finding for finding in found if finding.rule not in _OF_AGE)

    @property
    def _signed_before_it_was_made(self) -> bool:
        """Whether a signature is older than the document by more than clocks may differ."""
        element = parse(self.content).find(hl7("effectiveTime"))
        made = read_hl7_time(element.get("value") or "") if element is not None else None
        times = [signature.time for signature in self.report.signatures if signature.time is not None]
        return made is not None and any(made - time > CLOCKS_DIFFER for time in times)

    @property
    def examinable(self) -> bool:
        """Whether every signature in it could be read; what cannot be read is the matter of one case, not of all."""
        return bool(self.report.signatures) and all(s.certificate is not None for s in self.report.signatures)

    def is_signed_as(self, code: str) -> bool:
        """Whether a signature in it has this description code."""
        return any(signature.code == code for signature in self.report.signatures)

    def show(self, check: Check) -> None:
        """Keep document and signers' certificates as evidence."""
        check.show(self.name, self.content, "application/xml")
        for signature in self.report.signatures:
            if signature.certificate is not None:
                check.show_certificate(f"certificate of the signer: {self.name}", signature.certificate)

    def show_cause(self, check: Check) -> None:
        """Keep what probably happened to a document that does not verify, and what to change, as evidence."""
        told = "\n".join(one.text() for one in diagnose(self.content))
        if told:
            check.show(f"{self.name}: the likely cause", told)


@dataclass(frozen=True)
class FrameUnderTest:
    """A message frame of the system and the document in it; ``frame`` is None if it cannot be read, and ``findings``
    then say why.
    """

    name: str
    content: bytes = field(repr=False)
    frame: Frame | None
    report: DocumentReport | None
    findings: tuple[Finding, ...]
    given: bytes | None = field(default=None, repr=False)
    """The document that the system was given to frame; None if the frame lay in a directory."""


def judged_document(
    name: str,
    content: bytes,
    trust: Trust | None,
    clock: Clock,
    *,
    earlier: bytes | None = None,
    unsigned: bytes | None = None,
) -> DocumentUnderTest:
    """Verify a document of the system. Without trust the signer's certificate is left unjudged."""
    return DocumentUnderTest(name, content, verify_document(content, context_of(trust, clock)), earlier, unsigned)


def judged_frame(
    name: str, content: bytes, trust: Trust | None, clock: Clock, *, given: bytes | None = None
) -> FrameUnderTest:
    """Open a frame of the system and judge it together with the document inside."""
    try:
        frame = open_frame(content)
    except Refused as error:
        finding = all_rules().finding(error.rule, error.sentence)
        return FrameUnderTest(name, content, None, None, (finding,), given)
    report = verify_document(frame.document, context_of(trust, clock))
    return FrameUnderTest(name, content, frame, report, check_frame(frame, report), given)


def context_of(trust: Trust | None, clock: Clock) -> VerificationContext:
    """What the suite verifies with; a professional's right is not judged, since the registers may not be ours."""
    if trust is None:
        return VerificationContext(trust=(), at=clock.now(), revocation=False)
    return VerificationContext(
        trust=trust.roots,
        intermediates=trust.intermediates,
        at=clock.now(),
        crls=trust.crls,
        revocation=trust.knows_revocation,
        status=trust.status,
    )


def signature_values(document: bytes) -> frozenset[str]:
    """The signature values in a document; none if it cannot be read."""
    try:
        root = parse(document)
    except Refused:
        return frozenset()
    return frozenset("".join((e.text or "").split()) for e in root.iter(f"{{{DS}}}SignatureValue"))


def subject_value(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    """The first value of a subject attribute; empty if there is none."""
    values = certificate.subject.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""


def latest_end(certificate: x509.Certificate, years: int) -> datetime:
    """The latest end of a certificate: the end of the Finnish day ``years`` years after the day it begins on."""
    first = certificate.not_valid_before_utc.astimezone(HELSINKI).date()
    try:
        last = first.replace(year=first.year + years)
    except ValueError:  # 29 February
        last = first.replace(year=first.year + years, month=3, day=1)
    return end_of_finnish_day(last)


def lists_of(authority: x509.Certificate, trust: Trust) -> tuple[x509.CertificateRevocationList, ...]:
    """The revocation lists of certificates that an authority signed and that are understood."""
    signed = (crl for crl in trust.crls if is_signed_by(crl, authority))
    return tuple(crl for crl in signed if is_understood(crl) and not of_attribute_certificates(crl))


def is_revoked(certificate: x509.Certificate, trust: Trust) -> bool | None:
    """Whether the issuing authority says that a certificate is revoked, by OCSP or on its list.

    None if the authority is not among the trusted ones or no list of its speaks of the certificate, so that nobody
    can be asked.

    Raises:
        SotepkiError: the responder gives no usable answer.
    """
    issuer = issuer_among(certificate, trust.issuers)
    if issuer is None:
        return None
    if trust.status is not None:
        return trust.status(certificate, issuer).state is CertificateState.REVOKED
    lists = lists_of(issuer, trust)
    if any(revoking_entry(crl, certificate) is not None for crl in lists):
        return True
    return False if any(speaks_of(crl, certificate) for crl in lists) else None
