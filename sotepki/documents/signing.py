"""Signing a social-welfare document in place.

``sign_as_professional`` and ``sign_as_system`` refuse what a careful signer must not sign. ``sign_document`` does
what it is told: with it, faulty documents are made for the conformance suite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509

from sotepki.documents.certificates import key_usage_of, required_key_usage, subject_serial_number
from sotepki.documents.outline import Outline, outline
from sotepki.documents.people import author_numbers, custodian_oid, signer_block
from sotepki.documents.times import hl7_time, signature_time
from sotepki.documents.vocabulary import (
    AUTHENTICATION_METHODS,
    FINLAND,
    PROFESSIONAL_CERTIFICATE,
    REGISTRATION_NUMBER_ROOT,
    SIGNATURE_TYPES,
    SIGNATURE_TYPES_NAME,
    SignatureKind,
)
from sotepki.errors import Refused
from sotepki.registers import Professional
from sotepki.xmldsig import (
    DigestedReference,
    SignatureMethod,
    SigningKey,
    XmlDocument,
    before_end_tag,
    before_start_tag,
    digest_of,
    empty_element_span,
    load_algorithms,
    read_xml,
    signature_text,
    spliced,
)

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True)
class SignatureStyle:
    """Forms that occur in the field side by side (docs/field/kanta.md 3.2); none of them is better.

    Attributes:
        timestamp_first: order of the two references.
        enveloped: add the enveloped-signature transform to both.
        prefix: namespace prefix of the signature elements of HL7 Finland.
        ds_prefix: namespace prefix of XML Signature; empty for a default namespace.
        digest_method: identifier of the digest.
        signature_method: None takes the usual one for the key.
    """

    timestamp_first: bool = False
    enveloped: bool = False
    prefix: str = "hl7fi"
    ds_prefix: str = "ds"
    digest_method: str = SHA256
    signature_method: SignatureMethod | None = None


@dataclass(frozen=True)
class Signer:
    """Who signs with what. ``professional`` adds the professional's metadata block to the header."""

    kind: SignatureKind
    key: SigningKey = field(repr=False)
    certificate: x509.Certificate
    professional: Professional | None = None


def sign_as_professional(
    document: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    professional: Professional,
    at: datetime,
    style: SignatureStyle | None = None,
) -> bytes:
    """The document with a professional's signature (code 1) and, unless it is there already, their metadata block.

    Everything outside the inserted text is returned byte for byte. Signing again adds a parallel signature.

    Raises:
        Refused: the document is not of this family (``xml.*``, ``doc.*``), or the certificate is not the
            professional's signature certificate (``doc.key``, ``doc.key-usage``, ``doc.registration-number``).
    """
    parts = outline(read_xml(document))
    number = str(professional.registration_number)
    _check_certificate(key, certificate, SignatureKind.PROFESSIONAL)
    found = {subject_serial_number(certificate), *author_numbers(parts)} - {number}
    if found:
        raise Refused(
            f"The professional {number} cannot sign: certificate or author id say {', '.join(sorted(found))}.",
            rule="doc.registration-number",
            advice="Sign with the card of the document's author.",
        )
    signer = Signer(SignatureKind.PROFESSIONAL, key, certificate, professional)
    return _signed(parts, signer, at, style or SignatureStyle())


def sign_as_system(
    document: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    at: datetime,
    style: SignatureStyle | None = None,
) -> bytes:
    """The document with a system signature (code 3) of its custodian's system.

    Raises:
        Refused: the document is not of this family (``xml.*``, ``doc.*``), or the certificate is not the custodian's
            system signature certificate (``doc.key``, ``doc.key-usage``, ``doc.organisation``).
    """
    parts = outline(read_xml(document))
    _check_certificate(key, certificate, SignatureKind.SYSTEM)
    organisation, custodian = subject_serial_number(certificate), custodian_oid(parts)
    if organisation != custodian:
        raise Refused(
            f"The document's custodian is {custodian or 'unnamed'}, the certificate is {organisation or 'nobody'}'s.",
            rule="doc.organisation",
            advice="Sign with the system signature certificate of the organisation that keeps the document.",
        )
    return _signed(parts, Signer(SignatureKind.SYSTEM, key, certificate), at, style or SignatureStyle())


def sign_document(document: bytes, signer: Signer, at: datetime, style: SignatureStyle | None = None) -> bytes:
    """Sign without asking whether signer, certificate and document belong together.

    Raises:
        Refused: the document is not of this family, so there is no place for the signature.
    """
    return _signed(outline(read_xml(document)), signer, at, style or SignatureStyle())


def _check_certificate(key: SigningKey, certificate: x509.Certificate, kind: SignatureKind) -> None:
    if key.public_key() != certificate.public_key():
        raise Refused("The key is not the one that the certificate was issued for.", rule="doc.key")
    usage, required = key_usage_of(certificate), required_key_usage(kind)
    if usage != required:
        raise Refused(
            f"The certificate's key usage is {', '.join(sorted(usage)) or 'none'}; this signature needs "
            f"{', '.join(sorted(required))} and nothing else.",
            rule="doc.key-usage",
            advice="Use the signature certificate of the card, or the system signature certificate.",
        )


def _signed(parts: Outline, signer: Signer, at: datetime, style: SignatureStyle) -> bytes:
    digest = load_algorithms().digests[style.digest_method]
    f = f"{style.prefix}:" if style.prefix else ""
    declaration = f'xmlns:{style.prefix}="{FINLAND}"' if style.prefix else f'xmlns="{FINLAND}"'
    moment = signature_time(at)
    token = _token(parts, moment)
    body_digest = digest_of(parts.body, digest)
    timestamp = _timestamp(f, declaration, f"CDA-timestamp.{token}", moment)
    references = [
        DigestedReference(parts.body_identifier, digest.uri, body_digest, style.enveloped),
        DigestedReference(f"CDA-timestamp.{token}", digest.uri, digest.digest(timestamp.encode()), style.enveloped),
    ]
    if style.timestamp_first:
        references.reverse()
    signature = signature_text(
        references,
        key=signer.key,
        certificate=signer.certificate,
        method=style.signature_method,
        prefix=style.ds_prefix,
    )
    entry = (
        f'<{f}signature {declaration} ID="{token}">'
        f'<{f}signatureDescription code="{signer.kind.code}" codeSystem="{SIGNATURE_TYPES}" '
        f'codeSystemName="{SIGNATURE_TYPES_NAME}" displayName="{signer.kind.display}"/>'
        f"{timestamp}{signature}</{f}signature>"
    )
    return _inserted(parts, entry, _metadata(parts, signer, at, f, declaration), f, declaration)


def _timestamp(f: str, declaration: str, identifier: str, moment: str) -> str:
    """signatureTimestamp in exclusive canonical form, so its digest is known before it stands in the document."""
    return f'<{f}signatureTimestamp {declaration} ID="{identifier}">{moment}</{f}signatureTimestamp>'


def _token(parts: Outline, moment: str) -> str:
    """The signature's identifier: the same input gives the same one, two signatures never share it."""
    ordinal = 1 if parts.collection is None else 1 + len(parts.collection)
    return f"sig_{ordinal}.{parts.document_id}.{''.join(filter(str.isdigit, moment))}"


def _inserted(parts: Outline, entry: str, metadata: str, f: str, declaration: str) -> bytes:
    document, collection = parts.document, parts.collection
    whole = f"{metadata}<{f}signatureCollection {declaration}>{entry}</{f}signatureCollection>"
    if collection is None:
        place = before_end_tag(document, parts.header)
        return spliced(document.data, [(place, place, _encoded(whole, document))])
    span = empty_element_span(document, collection)
    if span is not None:
        return spliced(document.data, [(*span, _encoded(whole, document))])
    place = before_end_tag(document, collection)
    edits = [(place, place, _encoded(entry, document))]
    if metadata:
        place = before_start_tag(document, collection)
        edits.append((place, place, _encoded(metadata, document)))
    return spliced(document.data, edits)


def _encoded(text: str, document: XmlDocument) -> bytes:
    return text.encode(document.encoding, "xmlcharrefreplace")


def _metadata(parts: Outline, signer: Signer, at: datetime, f: str, declaration: str) -> str:
    """The professional's block; empty for systems and when the block of the same professional is there already.

    The elements and their order are observed; the form inside assignedAuthorSigner and signer is the plainest
    assumption (docs/field/kanta.md 3.1, 4).
    """
    if signer.professional is None:
        return ""
    professional = signer.professional
    number = str(professional.registration_number)
    if number in signer_block(parts).registration_numbers:
        return ""
    given = "".join(f"<{f}given>{escape(name)}</{f}given>" for name in professional.person.given_names.split())
    family = escape(professional.person.surname)
    return (
        f'<{f}assignedAuthorSigner {declaration}><{f}id root="{REGISTRATION_NUMBER_ROOT}" '
        f"extension={quoteattr(number)}/></{f}assignedAuthorSigner>"
        f"<{f}signer {declaration}><{f}name>{given}<{f}family>{family}</{f}family></{f}name></{f}signer>"
        f'<{f}authenticationMethod {declaration} code="{PROFESSIONAL_CERTIFICATE}" '
        f'codeSystem="{AUTHENTICATION_METHODS}"/>'
        f'<{f}time {declaration} value="{hl7_time(at)}"/>'
    )
