"""People, organisations, keys and certificates for the tests of documents. All TEST, all made at run time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.documents import VerificationContext, build_social_document, sign_as_professional, sign_as_system
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.xmldsig import SigningKey

NOW = datetime(2026, 3, 1, 9, 15, 30, 123456, tzinfo=UTC)
CREATED = NOW - timedelta(minutes=10)
DOCUMENT = Oid("1.2.246.10.12345671.93.2026.1")
CLIENT = Person(Hetu("010181-900C"), "Testi Asta", "Äärelä")
RIGHT = ProfessionalRight(
    "710", RightKind.LICENSED, Register.SUOSIKKI, "sosiaalityöntekijä", "socialarbetare", date(2020, 1, 1)
)
AUTHOR = Professional(
    RegistrationNumber("12345678901"), Person(Hetu("210281-9988"), "Eero Ilmari", "Öhman"), (RIGHT,)
)
ORGANISATION = Organisation(
    Oid("1.2.246.10.12345671.10.0"), "TESTI Hyvinvointialue & Co", BusinessId("1234567-1"), "county", "Oulu", True
)


class Rights:
    """A rights register that knows ``AUTHOR`` until a right ends."""

    def __init__(self, ended_at: datetime | None = None) -> None:
        self.ended_at = ended_at

    def professional(self, registration_number: RegistrationNumber) -> Professional | None:
        return AUTHOR if registration_number == AUTHOR.registration_number else None

    def professional_of(self, hetu: Hetu) -> Professional | None:
        return AUTHOR if hetu == AUTHOR.person.hetu else None

    def rights_in_force(self, registration_number: RegistrationNumber, at: datetime) -> tuple[ProfessionalRight, ...]:
        known = self.professional(registration_number) is not None
        return (RIGHT,) if known and (self.ended_at is None or at < self.ended_at) else ()


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One RSA key per name; 2048 bits, since only the shape matters here."""
    del name
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """One P-384 key per name."""
    del name
    return ec.generate_private_key(ec.SECP384R1())


def key_usage(*, digital_signature: bool = False, non_repudiation: bool = False, ca: bool = False) -> x509.KeyUsage:
    """A key usage extension with the named bits."""
    return x509.KeyUsage(digital_signature, non_repudiation, False, False, False, ca, ca, False, False)


def certificate(
    key: SigningKey,
    serial_number: str,
    usage: x509.KeyUsage,
    *,
    begin: datetime = NOW - timedelta(days=30),
    days: int = 700,
    serial: int = 4711,
) -> x509.Certificate:
    """A leaf under ``root()`` whose subject serialNumber is ``serial_number``."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number),
            x509.NameAttribute(NameOID.COMMON_NAME, "TEST signer"),
        ]
    )
    builder = _builder(subject, key, begin, days, serial).add_extension(x509.BasicConstraints(False, None), True)
    return builder.add_extension(usage, True).sign(ec_key("root"), hashes.SHA384())


@cache
def root() -> x509.Certificate:
    """A self-signed TEST root."""
    builder = _builder(_ROOT, ec_key("root"), NOW - timedelta(days=365), 3650, 1)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    return builder.add_extension(key_usage(ca=True), True).sign(ec_key("root"), hashes.SHA384())


_ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST root")])


def _builder(subject: x509.Name, key: SigningKey, begin: datetime, days: int, serial: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_ROOT)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ec_key("root").public_key()),
            False,
        )
    )


@cache
def card_certificate() -> x509.Certificate:
    """The signature certificate of ``AUTHOR``'s card."""
    number = str(AUTHOR.registration_number)
    return certificate(rsa_key("card"), number, key_usage(non_repudiation=True))


@cache
def system_certificate() -> x509.Certificate:
    """The system signature certificate of ``ORGANISATION``."""
    usage = key_usage(digital_signature=True, non_repudiation=True)
    return certificate(ec_key("system"), str(ORGANISATION.oid), usage, serial=4712)


def unsigned(**changes: object) -> bytes:
    """A client plan by ``AUTHOR``, unsigned; ``changes`` replace arguments of the builder."""
    arguments: dict[str, object] = {
        "client": CLIENT,
        "organisation": ORGANISATION,
        "author": AUTHOR,
        "document_oid": DOCUMENT,
        "created": CREATED,
        **changes,
    }
    return build_social_document(**arguments)  # type: ignore[arg-type]


def signed_by_professional(document: bytes | None = None, at: datetime = NOW) -> bytes:
    """A document with the professional's signature."""
    return sign_as_professional(
        document or unsigned(), key=rsa_key("card"), certificate=card_certificate(), professional=AUTHOR, at=at
    )


def signed_by_system(document: bytes | None = None, at: datetime = NOW) -> bytes:
    """A document with the system's signature."""
    return sign_as_system(
        document or unsigned(author=None), key=ec_key("system"), certificate=system_certificate(), at=at
    )


def context(**changes: object) -> VerificationContext:
    """A verifier an hour later that trusts ``root()`` and asks nobody about revocation.

    The certificates of this world are plain ones, so they are not compared with the national profiles.
    """
    arguments: dict[str, object] = {
        "trust": (root(),),
        "at": NOW + timedelta(hours=1),
        "revocation": False,
        "rights": Rights(),
        "profiles": False,
        **changes,
    }
    return VerificationContext(**arguments)  # type: ignore[arg-type]
