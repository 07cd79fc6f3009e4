"""What verification answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.x509 import ocsp
from lxml import etree

from sotepki import xmldsig
from sotepki.documents.content import BodyContent, verified_body
from sotepki.documents.vocabulary import SignatureKind
from sotepki.evidence import Finding, RuleBook, Verdict
from sotepki.registers import RightsRegister
from sotepki.resources import package_file
from sotepki.x509.status import CertificateStatus

StatusQuestion = Callable[[x509.Certificate, x509.Certificate], CertificateStatus]
"""Asks for the state of a certificate, given its issuer's. May raise ``SotepkiError`` if nobody answers."""


@cache
def rules() -> RuleBook:
    """The rules of this room, ``doc.*`` and ``frame.*``."""
    return RuleBook.load(package_file("documents", "rules.yaml"))


@cache
def all_rules() -> RuleBook:
    """The rules of this room with those of reading XML and of XML signatures."""
    return RuleBook.join([rules(), xmldsig.rules()])


@dataclass(frozen=True)
class VerificationContext:
    """What a verifier knows and asks.

    Attributes:
        trust: trusted root certificates; empty leaves the verdict open.
        intermediates: certificates of issuing CAs.
        at: the moment of verification, aware.
        crls, ocsp_responses: revocation information at hand.
        revocation: whether revocation is judged at all.
        rights: Valvira's role and attribute service; None leaves the professional's right unjudged.
        status: asks a responder about the signer's certificate; replaces ``crls`` and ``ocsp_responses``.
        tolerance: how far a signer's clock may run ahead.
        profiles: whether signers' certificates are compared with the national profiles; a difference only warns.
            The comparison is remembered by certificate.
    """

    trust: Sequence[x509.Certificate]
    at: datetime
    intermediates: Sequence[x509.Certificate] = ()
    crls: Sequence[x509.CertificateRevocationList] = ()
    ocsp_responses: Sequence[ocsp.OCSPResponse] = ()
    revocation: bool = True
    rights: RightsRegister | None = None
    status: StatusQuestion | None = None
    tolerance: timedelta = timedelta(minutes=5)
    profiles: bool = True


@dataclass(frozen=True)
class VerifiedSignature:
    """One signature of a document as it was judged.

    Attributes:
        verdict: of this signature alone.
        kind: None if the description code has no public meaning.
        code: of signatureDescription.
        time: signatureTimestamp; None if it is not readable.
        signer: registration number or organisation OID, from the certificate's subject.
        certificate: the signer's, None if it could not be read.
        method: identifier of the signature algorithm.
        covered: paths of the elements that the signature covers.
        intact: digests and signature value verify and exactly body and timestamp are covered.
        revocation: state of the certificate when it signed and now.
    """

    verdict: Verdict
    kind: SignatureKind | None
    code: str
    time: datetime | None
    signer: str
    certificate: x509.Certificate | None
    method: str
    covered: tuple[str, ...]
    intact: bool
    revocation: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "verdict": str(self.verdict),
            "kind": str(self.kind) if self.kind else "",
            "code": self.code,
            "time": self.time.isoformat() if self.time else "",
            "signer": self.signer,
            "method": self.method,
            "covered": list(self.covered),
            "intact": self.intact,
            "revocation": dict(self.revocation),
        }


@dataclass(frozen=True)
class DocumentReport:
    """The answer of ``verify_document``.

    A verdict that is not valid is no permission: ``indeterminate`` means that something could not be examined, and a
    receiver has to treat it as a refusal unless it knows better.

    Attributes:
        document_id, set_id, version, custodian, clients, authors, register: from the header, which is not signed.
        family: id of the document's family, empty if it has none.
        body_pieces: the canonical body as it was signed, in pieces; None unless a signature is intact.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    signatures: tuple[VerifiedSignature, ...] = ()
    document_id: str = ""
    set_id: str = ""
    version: int = 1
    custodian: str = ""
    clients: tuple[str, ...] = field(default=(), repr=False)
    authors: tuple[str, ...] = ()
    register: str = ""
    body_pieces: tuple[bytes, ...] | None = field(default=None, repr=False)
    family: str = ""

    @property
    def body_octets(self) -> bytes | None:
        """The canonical body as it was signed; None unless a signature is intact."""
        return None if self.body_pieces is None else b"".join(self.body_pieces)

    def tree(self) -> etree._Element | None:
        """The body that was signed, read from the signed octets as a tree of its own; None unless a signature is
        intact. Nothing else of the document was signed, so nothing else may be used.

        Raises:
            Refused: the octets are no XML (``xml.*``), which only unusual namespace names can bring about.
        """
        octets = self.body_octets
        return None if octets is None else xmldsig.reread(octets)

    def body(self) -> BodyContent | None:
        """The content of a nonXMLBody that was signed, decoded from the signed octets; None unless a signature is
        intact.

        Raises:
            Refused: ``doc.content``.
        """
        octets = self.body_octets
        return None if octets is None else verified_body(octets)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; without clients' identity codes."""
        return {
            "verdict": str(self.verdict),
            "findings": [finding.as_dict() for finding in self.findings],
            "family": self.family,
            "document_id": self.document_id,
            "set_id": self.set_id,
            "version": self.version,
            "custodian": self.custodian,
            "signatures": [signature.as_dict() for signature in self.signatures],
        }
