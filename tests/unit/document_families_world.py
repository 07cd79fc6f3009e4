"""Signed documents of every family in every form, for unit and integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import document_world as world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from sotepki.documents.building_health import build_patient_record, build_prescription
from sotepki.documents.family import BodyReference
from sotepki.documents.making import build_document, family_of_kind, kinds_of_documents
from sotepki.documents.signing import (
    SignatureStyle,
    sign_as_kanta,
    sign_as_professional,
    sign_as_system,
)
from sotepki.documents.vocabulary import SignatureKind
from sotepki.identifiers import Oid, PrescriberId
from sotepki.registers import Professional
from sotepki.xmldsig import INCLUSIVE, load_algorithms

EARLIER = Oid("1.2.246.10.12345671.93.2026.7")
PRESCRIBER = replace(world.AUTHOR, prescriber_id=PrescriberId("099001"))
STYLES = {
    "plain": SignatureStyle(),
    "default-namespaces": SignatureStyle(prefix="", ds_prefix=""),
    "other-prefixes": SignatureStyle(prefix="fi", ds_prefix="dsig", filter_prefix="v3"),
    "timestamp-first": SignatureStyle(timestamp_first=True),
    "enveloped": SignatureStyle(enveloped=True),
    "by-id": SignatureStyle(body_reference=BodyReference.ID),
    "inclusive": SignatureStyle(canonicalisation=INCLUSIVE, reference_canonicalisation=INCLUSIVE),
    "inclusive-signed-info": SignatureStyle(canonicalisation=INCLUSIVE),
    "inclusive-references": SignatureStyle(reference_canonicalisation=INCLUSIVE, body_reference=BodyReference.ID),
    "sha512": SignatureStyle(digest_method="http://www.w3.org/2001/04/xmlenc#sha512"),
    "sha384": SignatureStyle(digest_method="http://www.w3.org/2001/04/xmldsig-more#sha384"),
}


@cache
def prescriber_certificate() -> x509.Certificate:
    """A card's signature certificate with the prescriber's identifier as pseudonym."""
    key = world.rsa_key("card")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(PRESCRIBER.registration_number)),
            x509.NameAttribute(NameOID.PSEUDONYM, str(PRESCRIBER.prescriber_id)),
            x509.NameAttribute(NameOID.COMMON_NAME, "TEST prescriber"),
        ]
    )
    builder = world._builder(subject, key, world.NOW.replace(day=1, month=1), 700, 4715)
    builder = builder.add_extension(x509.BasicConstraints(False, None), True)
    return builder.add_extension(world.key_usage(non_repudiation=True), True).sign(
        world.ec_key("root"), hashes.SHA384()
    )


@cache
def kela_certificate() -> x509.Certificate:
    """A signing certificate of Kela."""
    usage = world.key_usage(digital_signature=True, non_repudiation=True)
    return world.certificate(world.rsa_key("kela"), "1.2.246.556.12002.1", usage, serial=4716)


def document(kind: str, author: Professional | None = PRESCRIBER, *, identified: bool = False) -> bytes:
    """An unsigned document of a kind; ``identified`` gives health-care bodies an ID."""
    rule = family_of_kind(kind).kinds[kind]
    common = {
        "client": world.CLIENT,
        "organisation": world.ORGANISATION,
        "author": author,
        "document_oid": world.DOCUMENT,
        "created": world.CREATED,
        "kind": kind,
    }
    replaced = {"replaces": EARLIER, "set_oid": EARLIER, "version": 2} if rule.replaces else {}
    if identified and family_of_kind(kind).id == "patient-record":
        return build_patient_record(**common, identified=True)  # type: ignore[arg-type]
    if identified and family_of_kind(kind).id == "prescription":
        return build_prescription(**common, **replaced, identified=True)  # type: ignore[arg-type]
    return build_document(**common, **replaced)  # type: ignore[arg-type]


def signed(kind: str, signer: SignatureKind, style: SignatureStyle | None = None) -> bytes:
    """A signed document of a kind. The style's signature method decides between RSA and EC keys of the system."""
    form = style or SignatureStyle()
    identified = form.body_reference is BodyReference.ID
    if signer is SignatureKind.PROFESSIONAL:
        return sign_as_professional(
            document(kind, identified=identified),
            key=world.rsa_key("card"),
            certificate=prescriber_certificate(),
            professional=PRESCRIBER,
            at=world.NOW,
            style=form,
        )
    if signer is SignatureKind.SYSTEM:
        return sign_as_system(
            document(kind, None, identified=identified),
            key=world.ec_key("system"),
            certificate=world.system_certificate(),
            at=world.NOW,
            style=form,
        )
    return sign_as_kanta(
        document(kind, identified=identified),
        key=world.rsa_key("kela"),
        certificate=kela_certificate(),
        at=world.NOW,
        style=form,
    )


def every_kind() -> Iterator[tuple[str, SignatureKind]]:
    """Every kind of document with everyone who may sign it, and Kanta for prescriptions."""
    for kind in kinds_of_documents():
        for signer in family_of_kind(kind).kinds[kind].signers:
            yield kind, signer
    yield from (("prescription", SignatureKind.KANTA), ("dispensing", SignatureKind.KANTA))


def every_style() -> Iterator[tuple[str, SignatureStyle]]:
    """Every form with the usual method, and every method of an RSA key."""
    yield from STYLES.items()
    for uri, method in load_algorithms().signatures.items():
        if method.key == "rsa" and method.hash != "sha1":
            yield uri.rpartition("#")[2], SignatureStyle(signature_method=method)
