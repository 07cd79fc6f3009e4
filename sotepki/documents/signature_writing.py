"""Writing a signature into a document: digests, the signature entry, and its place in the source bytes."""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import escape

from lxml import etree

from sotepki.documents.family import BodyReference
from sotepki.documents.outline import Outline, outline
from sotepki.documents.people import signer_block
from sotepki.documents.signature_style import SignatureStyle, Signer
from sotepki.documents.times import hl7_time, signature_time
from sotepki.documents.vocabulary import (
    AUTHENTICATION_METHODS,
    FINLAND,
    HL7,
    PROFESSIONAL_CERTIFICATE,
    REGISTRATION_NUMBER_ROOT,
    SIGNATURE_TYPES,
    SIGNATURE_TYPES_NAME,
    finland,
)
from sotepki.errors import Refused
from sotepki.xmldsig import (
    EXCLUSIVE,
    DigestedReference,
    ElementFilter,
    XmlDocument,
    before_end_tag,
    before_start_tag,
    canonical_pieces,
    canonicalise,
    empty_element_span,
    filtered_octets,
    load_algorithms,
    read_xml,
    sign_octets,
    spliced,
)

_SENDER = finland("sender")


def signed(parts: Outline, signer: Signer, at: datetime, style: SignatureStyle) -> bytes:
    """The document with one signature more; everything outside it byte for byte.

    Raises:
        Refused: the body cannot be referred to in the style's form (``doc.body.id``), or has no canonical form.
        Misuse: the style names a form that the family does not have, or a method that does not fit the key.
    """
    writing = _Writing(parts, signer, at, style)
    return writing.at_once() if style.anywhere else writing.in_place()


class _Writing:
    """One signature on its way into one document; what several steps need is worked out once."""

    def __init__(self, parts: Outline, signer: Signer, at: datetime, style: SignatureStyle) -> None:
        self.parts, self.signer, self.at, self.style = parts, signer, at, style
        self._digest = load_algorithms().digests[style.digest_method]
        self._form = signer.form(style)
        self._f = f"{style.prefix}:" if style.prefix else ""
        self._declaration = f'xmlns:{style.prefix}="{FINLAND}"' if style.prefix else f'xmlns="{FINLAND}"'
        self._moment = signature_time(at)
        # The same input gives the same identifier, two signatures never share one.
        ordinal = 1 if parts.collection is None else 1 + len(parts.collection)
        self._token = f"sig_{ordinal}.{parts.document_id}.{''.join(filter(str.isdigit, self._moment))}"

    def at_once(self) -> bytes:
        """Exclusive canonicalisation: all octets are known before anything stands in the document."""
        digest = self._digest.digest(self._timestamp().encode())
        return self._inserted(self._form.signed(self._references(self._body(), digest), self.signer.key))

    def in_place(self) -> bytes:
        """Inclusive canonicalisation depends on what stands around: draft, read, digest, write again."""
        body = self._body()

        def drafted(timestamp: bytes, value: bytes = b"") -> bytes:
            return self._inserted(self._form.framed(self._references(body, timestamp), value))

        stood = _newest(drafted(bytes(32)))[1]
        exclusive = self.style.reference_canonicalisation == EXCLUSIVE
        digest = self._digest.digest(canonicalise(stood, exclusive=exclusive))
        signed_info = _newest(drafted(digest))[2][0]
        octets = canonicalise(signed_info, exclusive=self.style.canonicalisation == EXCLUSIVE)
        return drafted(digest, sign_octets(self.signer.key, self._form.method, octets))

    def _timestamp(self) -> str:
        """signatureTimestamp in exclusive canonical form, so its digest is known before it stands in the document."""
        return (
            f'<{self._f}signatureTimestamp {self._declaration} ID="CDA-timestamp.{self._token}">'
            f"{self._moment}</{self._f}signatureTimestamp>"
        )

    def _body(self) -> DigestedReference:
        parts, style, digest = self.parts, self.style, self._digest
        form = parts.family.reference(style.body_reference)
        if form.form is BodyReference.XPATH:
            name = parts.family.body.path[-1]
            if sum(1 for _ in parts.root.iter(name)) != 1:
                raise Refused(f"The document has a second {parts.family.body.name}.", rule="doc.structure")
            octets = filtered_octets(parts.root, name)
            kept = ElementFilter(HL7, parts.family.body.name)
            return DigestedReference(
                "", digest.uri, digest.digest(octets), element_filter=kept, filter_prefix=style.filter_prefix
            )
        if parts.body.get("ID") != parts.document_identifier:
            raise Refused(
                f"The {parts.family.body.name} has no ID attribute {parts.document_identifier} to refer to.",
                rule="doc.body.id",
                advice="Write the ID before signing, or refer to the body by XPath.",
            )
        pieces = canonical_pieces(parts.body, exclusive=style.reference_canonicalisation == EXCLUSIVE)
        return self._by_identifier(parts.body_identifier, digest.digest(*pieces))

    def _by_identifier(self, identifier: str, value: bytes) -> DigestedReference:
        style = self.style
        return DigestedReference(
            identifier, style.digest_method, value, style.enveloped, style.reference_canonicalisation
        )

    def _references(self, body: DigestedReference, timestamp: bytes) -> list[DigestedReference]:
        references = [body, self._by_identifier(f"CDA-timestamp.{self._token}", timestamp)]
        return references[::-1] if self.style.timestamp_first else references

    def _inserted(self, signature: str) -> bytes:
        f, declaration, kind = self._f, self._declaration, self.signer.kind
        entry = (
            f'<{f}signature {declaration} ID="{self._token}">'
            f'<{f}signatureDescription code="{kind.code}" codeSystem="{SIGNATURE_TYPES}" '
            f'codeSystemName="{SIGNATURE_TYPES_NAME}" displayName="{kind.display}"/>'
            f"{self._timestamp()}{signature}</{f}signature>"
        )
        document, collection = self.parts.document, self.parts.collection
        metadata = self._metadata()
        whole = f"{metadata}<{f}signatureCollection {declaration}>{entry}</{f}signatureCollection>"
        if collection is None:
            place = self._place()
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

    def _place(self) -> int:
        """Where a new collection goes: last in the header, but in health care before ``sender``."""
        follower = next(self.parts.header.iterchildren(_SENDER), None)
        if follower is not None:
            return before_start_tag(self.parts.document, follower)
        return before_end_tag(self.parts.document, self.parts.header)

    def _metadata(self) -> str:
        """The professional's block; empty for systems, for families without it, and when it is there already.

        The elements and their order are observed; the form inside assignedAuthorSigner and signer is the plainest
        assumption (docs/field/kanta.md 3.1, 4).
        """
        professional, rule = self.signer.professional, self.parts.family.signatures.get(self.signer.kind)
        if professional is None or rule is None or not rule.block:
            return ""
        number = str(professional.registration_number)
        if number in signer_block(self.parts).registration_numbers:
            return ""
        f, declaration = self._f, self._declaration
        given = "".join(f"<{f}given>{escape(name)}</{f}given>" for name in professional.person.given_names.split())
        family = escape(professional.person.surname)
        return (
            f'<{f}assignedAuthorSigner {declaration}><{f}id root="{REGISTRATION_NUMBER_ROOT}" '
            f'extension="{number}"/></{f}assignedAuthorSigner>'
            f"<{f}signer {declaration}><{f}name>{given}<{f}family>{family}</{f}family></{f}name></{f}signer>"
            f'<{f}authenticationMethod {declaration} code="{PROFESSIONAL_CERTIFICATE}" '
            f'codeSystem="{AUTHENTICATION_METHODS}"/>'
            f'<{f}time {declaration} value="{hl7_time(self.at)}"/>'
        )


def _newest(document: bytes) -> etree._Element:
    """The last entry of the collection of a draft."""
    collection = outline(read_xml(document)).collection
    if collection is None:  # pragma: no cover - it was written a moment ago
        raise Refused("The place for the signature was not found.", rule="doc.structure")
    return collection[-1]


def _encoded(text: str, document: XmlDocument) -> bytes:
    return text.encode(document.encoding, "xmlcharrefreplace")
