"""Certificates that are not what they should be; the suite's authority signs what the office would refuse to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from conformance.bench.forging import forged, key_usage, with_attribute
from conformance.sut.facets import CertificateRole, Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Certificates, Reference, der
from sotepki.dvv import SOTE_PERSONS, SOTE_SERVICES, ApplicationKind
from sotepki.journey.service_provider import service_identity
from sotepki.tokens import PrivateKey
from sotepki.x509.reading import read_certificates

_AUTHORITY = {
    CertificateRole.SERVER: SOTE_SERVICES,
    CertificateRole.SYSTEM_SIGNATURE: SOTE_SERVICES,
    CertificateRole.CARD_AUTHENTICATION: SOTE_PERSONS,
    CertificateRole.CARD_SIGNATURE: SOTE_PERSONS,
}

Forge = Callable[[x509.Certificate, PrivateKey, Reference], x509.Certificate]


def _forged(role: CertificateRole, forge: Forge) -> Fault:
    def fault(reference: Reference) -> Mapping[str, Any]:
        model = _held(reference, role)
        made = forge(model, reference.bench.authority_key(_AUTHORITY[role]), reference)
        return {"certificates": Certificates({**reference.certificates.held, role: der(made)})}

    return fault


def _held(reference: Reference, role: CertificateRole) -> x509.Certificate:
    return read_certificates(reference.certificates.held[role])[0]


def _without_dns_name(model: x509.Certificate, key: PrivateKey, _: Reference) -> x509.Certificate:
    return forged(model, key, remove=[ExtensionOID.SUBJECT_ALTERNATIVE_NAME])


def _without_client_auth(model: x509.Certificate, key: PrivateKey, _: Reference) -> x509.Certificate:
    return forged(model, key, replace=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])])


def _lasting(days: int) -> Forge:
    def forge(model: x509.Certificate, key: PrivateKey, _: Reference) -> x509.Certificate:
        return forged(model, key, not_after=model.not_valid_before_utc + timedelta(days=days))

    return forge


def _expired(model: x509.Certificate, key: PrivateKey, reference: Reference) -> x509.Certificate:
    end = reference.bench.clock.now() - timedelta(days=1)
    return forged(model, key, not_before=end - timedelta(days=300), not_after=end)


def _without_non_repudiation(model: x509.Certificate, key: PrivateKey, _: Reference) -> x509.Certificate:
    return forged(model, key, replace=[key_usage(digital_signature=True)])


def _with_business_id(model: x509.Certificate, key: PrivateKey, reference: Reference) -> x509.Certificate:
    number = reference.provider.organisation.business_id.value
    return forged(model, key, subject=with_attribute(model.subject, NameOID.SERIAL_NUMBER, number))


def _of_foreign_ca(model: x509.Certificate, _key: PrivateKey, _: Reference) -> x509.Certificate:
    return forged(model, rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _of_another_holder(model: x509.Certificate, key: PrivateKey, _: Reference) -> x509.Certificate:
    name = with_attribute(model.subject, NameOID.SURNAME, "Toinen")
    return forged(model, key, subject=with_attribute(name, NameOID.COMMON_NAME, "Toinen Haltija 00900999999"))


def _revoked(reference: Reference) -> Mapping[str, Any]:
    organisation = reference.provider.organisation
    workspace, user = reference.bench.workspace, reference.bench.cast.person("technical-contact")
    host = f"vanha.{organisation.domains[0]}"
    subject = {"C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name, "CN": host}
    place = reference.bench.directory / "mutant-revoked"
    old = service_identity(workspace, organisation, ApplicationKind.SERVER, user, subject, (host,), place)
    workspace.service_certificates.request_revocation(
        old.application, serial=old.certificate.serial_number, reason="key-compromise"
    )
    held = {**reference.certificates.held, CertificateRole.SERVER: der(old.certificate)}
    return {"certificates": Certificates(held), "client": replace(reference.client, identity=old)}


def _swapped(reference: Reference) -> Mapping[str, Any]:
    held = reference.certificates.held
    authentication, signature = CertificateRole.CARD_AUTHENTICATION, CertificateRole.CARD_SIGNATURE
    swapped = {authentication: held[signature], signature: held[authentication]}
    return {"certificates": Certificates({**held, **swapped})}


def _without_registration_number(reference: Reference) -> Mapping[str, Any]:
    held = dict(reference.certificates.held)
    key = reference.bench.authority_key(SOTE_PERSONS)
    for role in (CertificateRole.CARD_AUTHENTICATION, CertificateRole.CARD_SIGNATURE):
        model = _held(reference, role)
        held[role] = der(forged(model, key, subject=with_attribute(model.subject, NameOID.SERIAL_NUMBER, None)))
    return {"certificates": Certificates(held)}


_SERVER = CertificateRole.SERVER
_SYSTEM = CertificateRole.SYSTEM_SIGNATURE

MUTANTS = (
    Mutant(
        "system-certificate-of-foreign-ca",
        "Holds a system signature certificate of an authority that only bears the right name",
        Facet.CERTIFICATES,
        _forged(_SYSTEM, _of_foreign_ca),
    ),
    Mutant(
        "server-certificate-revoked",
        "Uses a server certificate that was revoked",
        Facet.CERTIFICATES,
        _revoked,
    ),
    Mutant(
        "server-certificate-without-dns-name",
        "Holds a server certificate without dNSName",
        Facet.CERTIFICATES,
        _forged(_SERVER, _without_dns_name),
    ),
    Mutant(
        "server-certificate-without-client-auth",
        "Holds a server certificate that is for servers only",
        Facet.CERTIFICATES,
        _forged(_SERVER, _without_client_auth),
    ),
    Mutant(
        "server-certificate-two-years",
        "Holds a server certificate of two years",
        Facet.CERTIFICATES,
        _forged(_SERVER, _lasting(731)),
    ),
    Mutant(
        "server-certificate-expired",
        "Still uses a server certificate that has ended",
        Facet.CERTIFICATES,
        _forged(_SERVER, _expired),
    ),
    Mutant(
        "system-certificate-without-non-repudiation",
        "Holds a system signature certificate without nonRepudiation",
        Facet.CERTIFICATES,
        _forged(_SYSTEM, _without_non_repudiation),
    ),
    Mutant(
        "system-certificate-with-business-id",
        "Holds a system signature certificate with the Business ID in the place of the OID",
        Facet.CERTIFICATES,
        _forged(_SYSTEM, _with_business_id),
    ),
    Mutant(
        "system-certificate-three-years",
        "Holds a system signature certificate of three years",
        Facet.CERTIFICATES,
        _forged(_SYSTEM, _lasting(1096)),
    ),
    Mutant(
        "card-certificates-swapped",
        "Takes the certificates of the card by their order and not by their key usage",
        Facet.CERTIFICATES,
        _swapped,
    ),
    Mutant(
        "card-without-registration-number",
        "Uses a card whose certificates carry no registration number",
        Facet.CERTIFICATES,
        _without_registration_number,
    ),
    Mutant(
        "card-certificates-of-two-holders",
        "Keeps the signature certificate of an earlier card",
        Facet.CERTIFICATES,
        _forged(CertificateRole.CARD_SIGNATURE, _of_another_holder),
    ),
)
