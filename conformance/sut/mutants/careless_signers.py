"""Signers that write another form than they should, or change more of a document than its signatures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from conformance.bench.documents import change_body
from conformance.bench.forging import edited, forged, last_signature
from conformance.sut.facets import Facet, SignatureKind, SignerIdentity
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.mutants.signers import PROFESSIONAL, SYSTEM, Spoiler
from conformance.sut.reference import DocumentSigner, Reference, without_signatures
from sotepki.documents import SignatureKind as DocumentSignature
from sotepki.documents import SignatureStyle, Signer, sign_document
from sotepki.documents.times import hl7_time
from sotepki.documents.vocabulary import finland, hl7
from sotepki.dvv import SOTE_SERVICES
from sotepki.xmldsig import DS, INCLUSIVE

_SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
_OTHER = "1.2.246.10.99999999.11.2026.1"

Edit = Callable[[etree._Element], None]


@dataclass(frozen=True)
class Correcting:
    """Does its first versions right; ``before`` and ``after`` spoil its corrections."""

    signer: DocumentSigner
    before: Edit | None = None
    after: Edit | None = None

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return self.signer.identity(kind)

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        if not correction:
            return self.signer.sign(document, kind)
        document = without_signatures(document)
        signed = self.signer.sign(edited(document, self.before) if self.before else document, kind)
        return edited(signed, self.after) if self.after else signed


@dataclass
class Remembering:
    """Signs system signatures by what it did before: ``later`` gets its first document and the one to sign."""

    signer: DocumentSigner
    later: Callable[[bytes, bytes, DocumentSigner], bytes]
    _seen: list[bytes] = field(default_factory=list)

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return self.signer.identity(kind)

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        fresh = kind is SYSTEM and not correction and b"SignatureValue" not in document
        if fresh and self._seen:
            return self.later(self._seen[0], document, self.signer)
        signed = self.signer.sign(document, kind, correction=correction)
        if fresh:
            self._seen.append(signed)
        return signed


def _spoiled(kind: SignatureKind, **faults: Any) -> Fault:
    return lambda reference: {"signer": Spoiler(reference.signer, kind, **faults)}


def _before(kind: SignatureKind, change: Edit) -> Fault:
    return _spoiled(kind, before=lambda document, _: edited(document, change))


def _after(kind: SignatureKind, change: Edit) -> Fault:
    return _spoiled(kind, after=lambda document, _: edited(document, change))


def _styled(kind: SignatureKind, style: SignatureStyle) -> Fault:
    def instead(document: bytes, spoiler: Spoiler) -> bytes:
        professional = spoiler.signer.professional.professional if kind is PROFESSIONAL else None
        signer = Signer(DocumentSignature(kind.value), spoiler.key(), spoiler.certificate(), professional)
        return sign_document(document, signer, spoiler.signer.clock.now(), style)

    return _spoiled(kind, instead=instead)


def _correcting(*, before: Edit | None = None, after: Edit | None = None) -> Fault:
    return lambda reference: {"signer": Correcting(reference.signer, before, after)}


def _remembering(later: Callable[[bytes, bytes, DocumentSigner], bytes]) -> Fault:
    return lambda reference: {"signer": Remembering(reference.signer, later)}


# --- the faults ----------------------------------------------------------------------------------------------------


def _earlier_effective_time(document: bytes, spoiler: Spoiler) -> bytes:
    moment = hl7_time(spoiler.signer.clock.now() - timedelta(hours=1))
    return edited(document, lambda root: _one(root, hl7("effectiveTime")).set("value", moment))


def _without(*names: str) -> Edit:
    def change(root: etree._Element) -> None:
        for name in names:
            for element in list(root.iter(name)):
                element.getparent().remove(element)  # type: ignore[union-attr]

    return change


def _wrap_base64(root: etree._Element) -> None:
    text = _one(root, f"{hl7('component')}/{hl7('nonXMLBody')}/{hl7('text')}")
    value = text.text or ""
    text.text = "\n".join(value[at : at + 76] for at in range(0, len(value), 76))


def _yesterday(document: bytes, spoiler: Spoiler) -> bytes:
    moment = hl7_time(spoiler.signer.clock.now() - timedelta(days=1))
    path = f"{finland('localSocialHeader')}/{finland('time')}"
    return edited(document, lambda root: _one(root, path).set("value", moment))


def _with_chain(reference: Reference) -> Mapping[str, Any]:
    issuer = reference.bench.workspace.authorities.certificate(SOTE_SERVICES)

    def embed(document: bytes, _: Spoiler) -> bytes:
        def change(root: etree._Element) -> None:
            (data,) = last_signature(root).iter(f"{{{DS}}}X509Data")
            further = etree.SubElement(data, f"{{{DS}}}X509Certificate")
            further.text = base64.b64encode(issuer.public_bytes(Encoding.DER)).decode()

        return edited(document, change)

    return {"signer": Spoiler(reference.signer, SYSTEM, after=embed)}


def _collection_first(root: etree._Element) -> None:
    header = _one(root, finland("localSocialHeader"))
    header.insert(0, _one(header, finland("signatureCollection")))


def _other_code_system(root: etree._Element) -> None:
    for description in root.iter(finland("signatureDescription")):
        description.set("codeSystem", "1.2.246.537.5.40128.2006")


def _der(reference: Reference) -> Mapping[str, Any]:
    """An elliptic key whose values stay in the form in which the library gives them."""
    key = ec.generate_private_key(ec.SECP384R1())
    model = reference.signer.system_certificate
    certificate: x509.Certificate = forged(
        model, reference.bench.authority_key(SOTE_SERVICES), public_key=key.public_key()
    )
    signer = replace(reference.signer, system_key=key, system_certificate=certificate)

    def change(root: etree._Element) -> None:
        value = _one(last_signature(root), f"{{{DS}}}SignatureValue")
        raw = base64.b64decode(value.text or "")
        half = len(raw) // 2
        numbers = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        value.text = base64.b64encode(encode_dss_signature(*numbers)).decode()

    return {"signer": Spoiler(signer, SYSTEM, after=lambda document, _: edited(document, change))}


def _first_signature(first: bytes, document: bytes, signer: DocumentSigner) -> bytes:
    """The later document with the signature that the first one got."""
    signature = last_signature(etree.fromstring(first))

    def change(root: etree._Element) -> None:
        own = last_signature(root)
        own.getparent().replace(own, signature)  # type: ignore[union-attr]

    return edited(signer.sign(document, SYSTEM), change)


def _new_set_id(root: etree._Element) -> None:
    _one(root, hl7("setId")).set("root", _OTHER)


def _double_block(root: etree._Element) -> None:
    header = _one(root, finland("localSocialHeader"))
    block = _one(header, finland("assignedAuthorSigner"))
    block.addprevious(etree.fromstring(etree.tostring(block)))


def _one(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path)
    assert found is not None, path
    return found


def _signer(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"signer-{name}", title, Facet.SIGNER, fault)


MUTANTS = (
    _signer("updates-effective-time", "Writes another effectiveTime into the header when it signs",
            _spoiled(PROFESSIONAL, before=_earlier_effective_time)),
    _signer("drops-metadata", "Drops an element of localSocialHeader that it does not know",
            _before(SYSTEM, _without(finland("functionCode")))),
    _signer("wraps-base64", "Breaks the body's base64 into lines before it signs", _before(SYSTEM, _wrap_base64)),
    _signer("leaves-out-the-block", "Leaves the method of authentication out of the metadata block",
            _after(PROFESSIONAL, _without(finland("authenticationMethod")))),
    _signer("writes-yesterday-into-the-block", "Writes yesterday into the metadata block",
            _spoiled(PROFESSIONAL, after=_yesterday)),
    _signer("embeds-the-chain", "Puts the authority's certificate into KeyInfo too", _with_chain),
    _signer("uses-sha1", "Digests with SHA-1", _styled(SYSTEM, SignatureStyle(digest_method=_SHA1))),
    _signer("canonicalises-inclusively", "Canonicalises inclusively",
            _styled(SYSTEM, SignatureStyle(canonicalisation=INCLUSIVE, reference_canonicalisation=INCLUSIVE))),
    _signer("puts-the-collection-first", "Puts signatureCollection at the head of localSocialHeader",
            _after(PROFESSIONAL, _collection_first)),
    _signer("names-another-code-system", "Takes the description code from another code system",
            _after(PROFESSIONAL, _other_code_system)),
    _signer("writes-der", "Writes ECDSA values in DER", _der),
    _signer("replaces-signatures", "Replaces the signatures of others by its own", _spoiled(SYSTEM, before=(
        lambda document, _: without_signatures(document) if b"SignatureValue" in document else document))),
    _signer("signs-the-first-only", "Signs the first document of a session and lets the others through",
            _remembering(lambda first, document, signer: document)),
    _signer("repeats-its-signature", "Puts the signature of the first document into the others",
            _remembering(_first_signature)),
    _signer("answers-with-the-first-document", "Gives back the first document of a session again and again",
            _remembering(lambda first, document, signer: first)),
    _signer("gives-corrections-a-new-set-id", "Gives a corrected document a set id of its own",
            _correcting(before=_new_set_id)),
    _signer("numbers-every-version-1", "Numbers every version of a document 1",
            _correcting(before=lambda root: _one(root, hl7("versionNumber")).set("value", "1"))),
    _signer("drops-the-relation", "Drops the relation of a corrected document to the one it replaces",
            _correcting(before=_without(hl7("relatedDocument")))),
    _signer("corrects-after-signing", "Signs a corrected document and then writes the correction into it",
            _correcting(after=change_body)),
    _signer("doubles-the-block", "Leaves the block of the earlier signer in a corrected document",
            _correcting(after=_double_block)),
)  # fmt: skip
