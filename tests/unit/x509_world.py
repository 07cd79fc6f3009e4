"""A TEST hierarchy in memory, made once per process: RSA-4096 keys are slow to make."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.x509 import der
from sotepki.x509.issuing import Issuer, issue, responder_subject
from sotepki.x509.keys import PrivateKey
from sotepki.x509.profiles import load_profiles
from sotepki.x509.serials import person_serial, service_serial
from sotepki.x509.status import CertificateState, CertificateStatus

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=30)

PERSON: Mapping[str, str] = {
    "title": "001 laillistettu lääkäri, legitimerad läkare",
    "serial_number": "90000000017",
    "pseudonym": "900017",
    "given_name": "Testi",
    "surname": "Esimerkki",
    "common_name": "Esimerkki Testi 90000000017",
}
HOST = "kanta.testi.example.fi"
SERVER: Mapping[str, str] = {
    "state": "Finland",
    "locality": "Turku",
    "organisation": "Testipalvelu Oy",
    "common_name": HOST,
}
SYSTEM: Mapping[str, str] = {
    "state": "Finland",
    "locality": "Turku",
    "organisation": "Testipalvelu Oy",
    "serial_number": "1.2.246.10.12345671.10.0",
    "common_name": "Testijärjestelmä",
}


@dataclass(frozen=True)
class World:
    """The RSA test tree with one certificate of each end-entity kind."""

    root: Issuer
    persons: Issuer
    services: Issuer

    @property
    def root_certificate(self) -> x509.Certificate:
        return certificate_of(self.root)

    @property
    def persons_certificate(self) -> x509.Certificate:
        return certificate_of(self.persons)

    @property
    def services_certificate(self) -> x509.Certificate:
        return certificate_of(self.services)


def certificate_of(issuer: Issuer) -> x509.Certificate:
    assert issuer.certificate is not None
    return issuer.certificate


@functools.cache
def rsa_key(bits: int, name: str = "") -> rsa.RSAPrivateKey:
    """An RSA key, one per size and name."""
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key(name: str = "", curve: str = "secp256r1") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1() if curve == "secp384r1" else ec.SECP256R1())


@functools.cache
def world() -> World:
    profiles = load_profiles()
    root_key = rsa_key(4096, "root")
    root_certificate = issue(
        profiles["test-root-rsa"],
        subject={},
        public_key=root_key.public_key(),
        issuer=Issuer(None, root_key),
        serial_number=service_serial(NOW),
        not_before=NOW,
    )
    root = Issuer(root_certificate, root_key)

    def authority(profile_id: str) -> Issuer:
        key = rsa_key(4096, profile_id)
        certificate = issue(
            profiles[profile_id],
            subject={},
            public_key=key.public_key(),
            issuer=root,
            serial_number=service_serial(NOW),
            not_before=NOW,
        )
        return Issuer(certificate, key)

    return World(root, authority("test-sote-person-ca-rsa"), authority("test-sote-service-ca-rsa"))


@functools.cache
def signature_certificate() -> x509.Certificate:
    return professional("professional-signature-rsa", 1)


@functools.cache
def authentication_certificate() -> x509.Certificate:
    return professional("professional-authentication-rsa", 2)


def professional(profile_id: str, number: int, **changes: object) -> x509.Certificate:
    arguments: dict[str, object] = {
        "subject": PERSON,
        "public_key": rsa_key(3072, "card").public_key(),
        "issuer": world().persons,
        "serial_number": person_serial(number),
        "not_before": NOW,
    }
    return issue(load_profiles()[profile_id], **(arguments | changes))  # type: ignore[arg-type]


@functools.cache
def server_certificate() -> x509.Certificate:
    return service("test-server")


@functools.cache
def system_certificate() -> x509.Certificate:
    return service("test-system-signature")


def service(profile_id: str, **changes: object) -> x509.Certificate:
    server = profile_id == "test-server"
    arguments: dict[str, object] = {
        "subject": SERVER if server else SYSTEM,
        "public_key": rsa_key(2048, "service").public_key(),
        "issuer": world().services,
        "serial_number": service_serial(NOW),
        "not_before": NOW,
        "dns_names": [HOST] if server else [],
    }
    return issue(load_profiles()[profile_id], **(arguments | changes))  # type: ignore[arg-type]


@functools.cache
def responder_certificate() -> x509.Certificate:
    services = world().services
    return issue(
        load_profiles()["ocsp-responder"],
        subject=responder_subject(certificate_of(services)),
        public_key=rsa_key(2048, "responder").public_key(),
        issuer=services,
        serial_number=service_serial(NOW),
        not_before=NOW,
    )


def odd_certificate(
    *,
    subject: x509.Name | None = None,
    issuer: Issuer | None = None,
    key: PrivateKey | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    serial: int = 0x7A1B2C3D,
    start: datetime = NOW,
    end: datetime | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> x509.Certificate:
    """A certificate outside every profile, made with pyca alone."""
    by = issuer or world().persons
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Odd TEST")]))
        .issuer_name(certificate_of(by).subject)
        .public_key((key or ec_key("odd")).public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end or start + timedelta(days=100))
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(by.key, algorithm or hashes.SHA256())  # type: ignore[arg-type]


def odd_server_certificate(
    *,
    more: tuple[x509.ObjectIdentifier, str] | None = None,
    other: x509.ExtensionType | None = None,
    end: datetime | None = None,
) -> x509.Certificate:
    """``server_certificate`` by pyca alone; ``more`` goes into its subject, ``other`` replaces an extension."""
    right = server_certificate()
    added = [x509.RelativeDistinguishedName([x509.NameAttribute(*more)])] if more else []
    extensions = [(extension.value, extension.critical) for extension in right.extensions]
    return odd_certificate(
        subject=x509.Name([*right.subject.rdns, *added]),
        issuer=world().services,
        key=rsa_key(2048, "service"),
        serial=right.serial_number,
        end=end or right.not_valid_after_utc,
        extensions=[(other if isinstance(other, type(value)) else value, critical) for value, critical in extensions],
        algorithm=hashes.SHA512(),
    )


def signed_with_sha1(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """The certificate again with sha1WithRSAEncryption, which pyca no longer makes."""
    sha1 = der.sequence(der.oid("1.2.840.113549.1.1.5"), der.NULL)
    whole = der.parse(certificate.public_bytes(Encoding.DER)).children()
    parts = [sha1 if part.raw == whole[1].raw else part.raw for part in whole[0].children()]
    signed = der.sequence(*parts)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(der.sequence(signed, sha1, der.bit_string(signature)))


class Records:
    """Status records as a responder asks them."""

    def __init__(self, revoked: Mapping[int, CertificateStatus] | None = None) -> None:
        self.revoked = dict(revoked or {})
        self.known: set[int] | None = None

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        if self.known is not None and serial_number not in self.known:
            return CertificateStatus(CertificateState.UNKNOWN)
        return self.revoked.get(serial_number, CertificateStatus(CertificateState.GOOD))
