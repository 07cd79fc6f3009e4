"""Signing documents in place.

``sign_as_professional``, ``sign_as_system`` and ``sign_as_kanta`` refuse what a careful signer must not sign;
``sign_carefully`` is the same for who signs many documents.
``sign_document`` does what it is told: with it, faulty documents are made for the conformance suite.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from sotepki.documents.certificates import SignerCertificate, required_key_usage
from sotepki.documents.family import Holder
from sotepki.documents.outline import Outline, outline
from sotepki.documents.people import author_numbers, author_organisation, custodian_oid
from sotepki.documents.signature_style import SHA256, USUAL_STYLE, SignatureStyle, Signer
from sotepki.documents.signature_writing import signed
from sotepki.documents.vocabulary import KELA_ROOTS, SignatureKind
from sotepki.errors import Misuse, Refused
from sotepki.registers import Professional
from sotepki.xmldsig import SigningKey, read_xml

__all__ = [
    "SHA256",
    "SignatureStyle",
    "Signer",
    "sign_as_kanta",
    "sign_as_professional",
    "sign_as_system",
    "sign_carefully",
    "sign_document",
]


def sign_as_professional(
    document: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    professional: Professional,
    at: datetime,
    style: SignatureStyle = USUAL_STYLE,
) -> bytes:
    """The document with a professional's signature (code 1) and, unless it is there already, their metadata block.

    Everything outside the inserted text is returned byte for byte. Signing again adds a parallel signature.

    Raises:
        Refused: the document is of no family (``xml.*``, ``doc.*``), its kind is not signed by professionals
            (``doc.signer``), or the certificate is not the professional's signature certificate (``doc.key``,
            ``doc.key-usage``, ``doc.registration-number``, ``doc.prescriber-id``).
    """
    return sign_carefully(document, Signer(SignatureKind.PROFESSIONAL, key, certificate, professional), at, style)


def sign_as_system(
    document: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    at: datetime,
    style: SignatureStyle = USUAL_STYLE,
) -> bytes:
    """The document with a system signature (code 3) of the organisation that keeps the document or, in the
    Prescription Centre, of the author's organisation.

    Raises:
        Refused: the document is of no family (``xml.*``, ``doc.*``), its kind is not signed by systems
            (``doc.signer``), or the certificate is not that organisation's system signature certificate
            (``doc.key``, ``doc.key-usage``, ``doc.organisation``, ``doc.organisation.author``).
    """
    return sign_carefully(document, Signer(SignatureKind.SYSTEM, key, certificate), at, style)


def sign_as_kanta(
    document: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    at: datetime,
    style: SignatureStyle = USUAL_STYLE,
) -> bytes:
    """The document with Kanta's own signature (code 4), as the Prescription Centre adds it.

    Raises:
        Refused: the document is of no family, or the certificate is not Kela's (``doc.key``, ``doc.key-usage``,
            ``doc.kela``).
    """
    return sign_carefully(document, Signer(SignatureKind.KANTA, key, certificate), at, style)


def sign_carefully(document: bytes, signer: Signer, at: datetime, style: SignatureStyle = USUAL_STYLE) -> bytes:
    """As the three above. Whether key and certificate fit is found out once for the signer, who may sign many.

    Raises:
        Refused: as above for the signer's kind.
        Misuse: a professional's signature without the professional.
    """
    parts = outline(read_xml(document))
    _check_certificate(signer)
    match signer.kind:
        case SignatureKind.PROFESSIONAL:
            _check_kind(parts, signer.kind)
            _check_author(parts, signer)
        case SignatureKind.SYSTEM:
            _check_kind(parts, signer.kind)
            _check_organisation(parts, signer)
        case SignatureKind.KANTA:
            _check_kela(signer)
    return signed(parts, signer, at, style)


def sign_document(document: bytes, signer: Signer, at: datetime, style: SignatureStyle = USUAL_STYLE) -> bytes:
    """Sign without asking whether signer, certificate and document belong together.

    Raises:
        Refused: the document is not of this family, so there is no place for the signature.
    """
    return signed(outline(read_xml(document)), signer, at, style)


def _check_certificate(signer: Signer) -> None:
    if not signer.has_its_key:
        raise Refused("The key is not the one that the certificate was issued for.", rule="doc.key")
    usage, required = signer.known.key_usage, required_key_usage(signer.kind)
    if usage != required:
        raise Refused(
            f"The certificate's key usage is {', '.join(sorted(usage)) or 'none'}; this signature needs "
            f"{', '.join(sorted(required))} and nothing else.",
            rule="doc.key-usage",
            advice="Use the signature certificate of the card, or the system signature certificate.",
        )


def _check_kind(parts: Outline, signer: SignatureKind) -> None:
    kind = parts.kind
    if kind is not None and signer not in kind.signers:
        who = " or ".join(str(known) for known in kind.signers)
        raise Refused(
            f"A document of the kind {kind.id} is signed by {who}, not by {signer}.",
            rule="doc.signer",
            advice="Choose the signer by the kind of document.",
        )


def _check_author(parts: Outline, signer: Signer) -> None:
    professional = signer.professional
    if professional is None:
        raise Misuse("A professional's signature needs the professional.")
    _check_prescriber(parts, signer.known, professional)
    number = str(professional.registration_number)
    holder, authors = signer.known.holder, author_numbers(parts)
    if holder != number or (authors and number not in authors):
        found = ", ".join(sorted({holder, *authors} - {number}))
        raise Refused(
            f"The professional {number} cannot sign: certificate or author id say {found or 'nothing'}.",
            rule="doc.registration-number",
            advice="Sign with the card of the document's author.",
        )


def _check_prescriber(parts: Outline, certificate: SignerCertificate, professional: Professional) -> None:
    kind = parts.kind
    if kind is None or not kind.prescriber:
        return
    found = certificate.prescriber
    expected = str(professional.prescriber_id or "")
    if not found or found != expected:
        raise Refused(
            f"The certificate carries {'another' if found else 'no'} prescriber's identifier"
            f"{' than the professional has' if found else ''}.",
            rule="doc.prescriber-id",
            advice="Sign with a card whose certificates carry the prescriber's identifier.",
        )


def _check_organisation(parts: Outline, signer: Signer) -> None:
    organisation = signer.known.holder
    rule, whose, expected = _organisation(parts)
    if not organisation or organisation != expected:
        raise Refused(
            f"The document's {whose} is {expected or 'unnamed'}, the certificate is {organisation or 'nobody'}'s.",
            rule=rule,
            advice=f"Sign with the system signature certificate of the {whose}.",
        )


def _organisation(parts: Outline) -> tuple[str, str, str]:
    """By what rule who signs as a system, in words, and the OID."""
    rule = parts.family.signatures.get(SignatureKind.SYSTEM)
    if rule is not None and rule.holder is Holder.AUTHOR_ORGANISATION:
        return "doc.organisation.author", "author's organisation", author_organisation(parts)
    return "doc.organisation", "custodian", custodian_oid(parts)


def _check_kela(signer: Signer) -> None:
    holder = signer.known.holder
    if not holder.startswith(KELA_ROOTS):
        raise Refused(
            f"The certificate is {holder or 'nobody'}'s, which is not Kela.",
            rule="doc.kela",
            advice="Kanta signs with Kela's own certificate, whose serialNumber is an OID of Kela.",
        )
