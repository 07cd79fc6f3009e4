"""Signers with one fault. Most take a document of the reference system and spoil it as careless code does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from conformance.bench.documents import change_body
from conformance.bench.forging import edited, forged, last_signature, resigned
from conformance.sut.facets import Facet, SignatureKind, SignerIdentity
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import DocumentSigner, Reference, without_signatures
from sotepki.clock import SetClock, SystemClock
from sotepki.documents import SignatureKind as DocumentSignature
from sotepki.documents import Signer, sign_document
from sotepki.documents.vocabulary import HETU_ROOT, REGISTRATION_NUMBER_ROOT, finland, hl7
from sotepki.identifiers import check_character
from sotepki.journey.card_holder import PIN1
from sotepki.tokens import PrivateKey
from sotepki.xmldsig import DS, canonicalise

PROFESSIONAL, SYSTEM = SignatureKind.PROFESSIONAL, SignatureKind.SYSTEM

Change = Callable[[bytes, "Spoiler"], bytes]


@dataclass(frozen=True)
class Spoiler:
    """A signer that does its work right for one kind of signature and wrong for the other.

    Attributes:
        before: changes the document before it is signed.
        instead: signs in the place of the reference signer.
        after: changes the signed document.
        stale: leaves the signatures of an earlier version in a correction.
    """

    signer: DocumentSigner
    kind: SignatureKind
    before: Change | None = None
    instead: Change | None = None
    after: Change | None = None
    stale: bool = False

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return self.signer.identity(kind)

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        if kind is not self.kind:
            return self.signer.sign(document, kind, correction=correction)
        if correction and not self.stale:
            document = without_signatures(document)
        if self.before:
            document = self.before(document, self)
        signed = self.instead(document, self) if self.instead else self.signer.sign(document, kind)
        return self.after(signed, self) if self.after else signed

    def key(self) -> PrivateKey:
        """The key of this kind of signature, ready for one use."""
        return self.signer.card_key() if self.kind is PROFESSIONAL else self.signer.system_key

    def certificate(self) -> x509.Certificate:
        """The certificate of this kind of signature."""
        return (
            self.signer.card.certificate("signature") if self.kind is PROFESSIONAL else self.signer.system_certificate
        )


def _spoiled(kind: SignatureKind, **faults: Any) -> Fault:
    def fault(reference: Reference) -> Mapping[str, Any]:
        return {"signer": Spoiler(reference.signer, kind, **faults)}

    return fault


def _after(kind: SignatureKind, change: Callable[[etree._Element], None]) -> Fault:
    return _spoiled(kind, after=lambda document, _: edited(document, change))


def _signed_again(kind: SignatureKind, change: Callable[[etree._Element], None]) -> Fault:
    return _spoiled(kind, after=lambda document, spoiler: resigned(document, spoiler.key(), change))


# --- the faults ----------------------------------------------------------------------------------------------------


def _without_reference(part: str) -> Callable[[etree._Element], None]:
    def change(signature: etree._Element) -> None:
        for reference in signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference"):
            if str(reference.get("URI")).startswith(part):
                reference.getparent().remove(reference)  # type: ignore[union-attr]

    return change


def _pretty(root: etree._Element) -> None:
    etree.indent(last_signature(root))


def _described(code: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        for description in root.iter(finland("signatureDescription")):
            description.set("code", code)

    return change


def _with_doctype(document: bytes, _: Spoiler) -> bytes:
    declaration, rest = document.split(b"?>", 1)
    return declaration + b"?>\n<!DOCTYPE ClinicalDocument>" + rest


def _empty_key_info(root: etree._Element) -> None:
    for certificate in root.iter(f"{{{DS}}}X509Certificate"):
        certificate.text = base64.b64encode(b"certificate on file").decode()


def _with_authentication_key(document: bytes, spoiler: Spoiler) -> bytes:
    card = spoiler.signer.card
    card.verify_pin1(PIN1)
    identity = spoiler.signer.professional.professional
    signer = Signer(
        DocumentSignature.PROFESSIONAL, card.authentication_key, card.certificate("authentication"), identity
    )
    return sign_document(document, signer, spoiler.signer.clock.now())


def _of_foreign_ca(document: bytes, spoiler: Spoiler) -> bytes:
    authority, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    certificate = forged(spoiler.certificate(), authority, public_key=key.public_key())
    identity = spoiler.signer.professional.professional
    signer = Signer(DocumentSignature.PROFESSIONAL, key, certificate, identity)
    return sign_document(document, signer, spoiler.signer.clock.now())


def _without_looking(document: bytes, spoiler: Spoiler) -> bytes:
    kind = DocumentSignature.PROFESSIONAL if spoiler.kind is PROFESSIONAL else DocumentSignature.SYSTEM
    identity = spoiler.signer.professional.professional if spoiler.kind is PROFESSIONAL else None
    signer = Signer(kind, spoiler.key(), spoiler.certificate(), identity)
    return sign_document(document, signer, spoiler.signer.clock.now())


def _another_author(document: bytes, _: Spoiler) -> bytes:
    def change(root: etree._Element) -> None:
        for element in root.iter(hl7("id")):
            if element.get("root") == REGISTRATION_NUMBER_ROOT:
                element.set("extension", "00900999999")

    return edited(document, change)


def _another_custodian(document: bytes, _: Spoiler) -> bytes:
    def change(root: etree._Element) -> None:
        path = "/".join(map(hl7, ("custodian", "assignedCustodian", "representedCustodianOrganization", "id")))
        found = root.find(path)
        assert found is not None
        found.set("root", "1.2.246.10.99999999.10.0")

    return edited(document, change)


def _server_certificate(reference: Reference) -> Mapping[str, Any]:
    server = reference.provider.server
    signer = replace(reference.signer, system_key=server.key(), system_certificate=server.certificate)
    return {"signer": Spoiler(signer, SYSTEM, instead=_without_looking)}


def _corrupt_value(root: etree._Element) -> None:
    value = last_signature(root).find(f"{{{DS}}}SignatureValue")
    assert value is not None and value.text
    octets = bytearray(base64.b64decode(value.text))
    octets[-1] ^= 1
    value.text = base64.b64encode(bytes(octets)).decode()


def _cut_fraction(root: etree._Element) -> None:
    for timestamp in root.iter(finland("signatureTimestamp")):
        whole, _, _ = (timestamp.text or "").partition(".")
        timestamp.text = f"{whole}.000001Z"


def _hl7_timestamp(signature: etree._Element) -> None:
    timestamp = signature.getprevious()
    assert timestamp is not None and timestamp.text
    timestamp.text = timestamp.text[:19].replace("-", "").replace(":", "").replace("T", "") + "+0000"
    _digest_anew(signature, str(timestamp.get("ID")), timestamp)


def _renamed_body(signature: etree._Element) -> None:
    root = signature.getroottree().getroot()
    body = next(root.iter(hl7("nonXMLBody")))
    old, new = str(body.get("ID")), "BODY-1"
    body.set("ID", new)
    for reference in signature.iter(f"{{{DS}}}Reference"):
        if reference.get("URI") == f"#{old}":
            reference.set("URI", f"#{new}")
    _digest_anew(signature, new, body)


def _digest_anew(signature: etree._Element, identifier: str, element: etree._Element) -> None:
    digest = hashlib.sha256(canonicalise(element)).digest()
    for reference in signature.iter(f"{{{DS}}}Reference"):
        value = reference.find(f"{{{DS}}}DigestValue")
        if reference.get("URI") == f"#{identifier}" and value is not None:
            value.text = base64.b64encode(digest).decode()


def _future(reference: Reference) -> Mapping[str, Any]:
    tomorrow = SetClock(reference.bench.clock.now() + timedelta(days=1))
    return {"signer": Spoiler(replace(reference.signer, clock=tomorrow), SYSTEM)}


def _fast_clock(reference: Reference) -> Mapping[str, Any]:
    return {"signer": replace(reference.signer, clock=SystemClock(timedelta(minutes=3)))}


def real_looking_code() -> str:
    """An identity code outside the 900-series; it is made here and nowhere written down."""
    date, number = "010199", "002"
    return f"{date}-{number}{check_character(int(date + number))}"


def _real_identity_code(document: bytes, _: Spoiler) -> bytes:
    code = real_looking_code()

    def change(root: etree._Element) -> None:
        for element in root.iter(hl7("id")):
            if element.get("root") == HETU_ROOT:
                element.set("extension", code)

    return edited(document, change)


MUTANTS = (
    Mutant("signer-adds-doctype", "Puts a document type declaration before the document", Facet.SIGNER,
           _spoiled(PROFESSIONAL, after=_with_doctype)),
    Mutant("signer-writes-empty-key-info", "Writes a note in the place of the signer's certificate", Facet.SIGNER,
           _after(SYSTEM, _empty_key_info)),
    Mutant("signer-renames-body", "Gives the body an ID of its own making", Facet.SIGNER,
           _signed_again(PROFESSIONAL, _renamed_body)),
    Mutant("signer-covers-body-only", "Leaves the timestamp out of the signature", Facet.SIGNER,
           _signed_again(PROFESSIONAL, _without_reference("#CDA-timestamp"))),
    Mutant("signer-changes-body-after-signing", "Changes the body after it is signed", Facet.SIGNER,
           _after(PROFESSIONAL, change_body)),
    Mutant("signer-pretty-prints-after-signing", "Indents the signature after it is made", Facet.SIGNER,
           _after(PROFESSIONAL, _pretty)),
    Mutant("signer-professional-with-unknown-code", "Describes a professional's signature by code 2", Facet.SIGNER,
           _after(PROFESSIONAL, _described("2"))),
    Mutant("signer-uses-authentication-key", "Signs with the authentication key of the card", Facet.SIGNER,
           _spoiled(PROFESSIONAL, instead=_with_authentication_key)),
    Mutant("signer-professional-of-foreign-ca", "Signs with a certificate of a foreign authority", Facet.SIGNER,
           _spoiled(PROFESSIONAL, instead=_of_foreign_ca)),
    Mutant("signer-names-another-professional", "Signs a document of another author", Facet.SIGNER,
           _spoiled(PROFESSIONAL, before=_another_author, instead=_without_looking)),
    Mutant("signer-system-covers-timestamp-only", "Leaves the body out of the signature", Facet.SIGNER,
           _signed_again(SYSTEM, _without_reference("#OID"))),
    Mutant("signer-system-corrupts-value", "Spoils one bit of the signature value", Facet.SIGNER,
           _after(SYSTEM, _corrupt_value)),
    Mutant("signer-system-changes-timestamp", "Shortens the timestamp after signing", Facet.SIGNER,
           _after(SYSTEM, _cut_fraction)),
    Mutant("signer-system-with-kanta-code", "Describes its system signature by Kanta's own code 4", Facet.SIGNER,
           _after(SYSTEM, _described("4"))),
    Mutant("signer-system-uses-server-certificate", "Signs with the key of the server certificate", Facet.SIGNER,
           _server_certificate),
    Mutant("signer-system-for-another-organisation", "Signs a document that another organisation keeps", Facet.SIGNER,
           _spoiled(SYSTEM, before=_another_custodian, instead=_without_looking)),
    Mutant("signer-timestamp-as-hl7", "Writes the timestamp in the form of HL7", Facet.SIGNER,
           _signed_again(PROFESSIONAL, _hl7_timestamp)),
    Mutant("signer-timestamp-in-the-future", "Runs a day ahead of time", Facet.SIGNER, _future),
    Mutant("signer-clock-is-fast", "Runs three minutes ahead of time", Facet.SIGNER, _fast_clock),
    Mutant("signer-keeps-stale-signature", "Signs a correction beside the old signature", Facet.SIGNER,
           _spoiled(PROFESSIONAL, stale=True)),
    Mutant("signer-writes-real-identity-code", "Writes an identity code outside the 900-series", Facet.SIGNER,
           _spoiled(PROFESSIONAL, before=_real_identity_code)),
)  # fmt: skip
