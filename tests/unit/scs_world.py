"""A card in memory for the tests of the Signature Creation Service: real keys and certificates, counted PINs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sotepki.errors import Refused
from sotepki.tokens import Pin

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORIGIN = "https://potilastieto.example"
PIN1, PIN2 = Pin("1234"), Pin("567890")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _certificate(
    subject: str, issuer: str, key: PrivateKey, signer: PrivateKey, *, ca: bool = False, signature: bool = False
) -> x509.Certificate:
    usage = x509.KeyUsage(not signature and not ca, signature, False, False, False, ca, ca, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


@cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class MemoryCard:
    """Behaves as an inserted card: PIN2 is used up by each signature, wrong PINs are refused."""

    authentication: PrivateKey = field(default_factory=lambda: rsa_key(1))
    signature: PrivateKey = field(default_factory=lambda: rsa_key(2))
    ca: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.verified: set[str] = set()
        self.tries_left = 5
        self.root = _certificate("TEST juuri", "TEST juuri", self.ca, self.ca, ca=True)
        self.issuer = _certificate("TEST ammattivarmenteet", "TEST juuri", self.ca, self.ca, ca=True)
        self.certificates = {
            "authentication": _certificate("Testaaja Aino", "TEST ammattivarmenteet", self.authentication, self.ca),
            "signature": _certificate(
                "Testaaja Aino", "TEST ammattivarmenteet", self.signature, self.ca, signature=True
            ),
        }

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        return self.issuer, self.root

    def certificate(self, which: str) -> x509.Certificate:
        return self.certificates[which]

    def tries(self) -> dict[str, int]:
        return {"pin1": self.tries_left, "pin2": self.tries_left}

    def verify_pin1(self, pin: Pin) -> None:
        self._verify("pin1", pin, PIN1)

    def verify_pin2(self, pin: Pin) -> None:
        self._verify("pin2", pin, PIN2)

    @property
    def authentication_key(self) -> PrivateKey:
        if "pin1" not in self.verified:
            raise Refused("PIN1 has not been given.", rule="card.pin1.not-verified")
        return self.authentication

    @property
    def signature_key(self) -> PrivateKey:
        if "pin2" not in self.verified:
            raise Refused("PIN2 has not been given.", rule="card.pin2.not-verified")
        self.verified.discard("pin2")
        return self.signature

    def _verify(self, which: str, given: Pin, right: Pin) -> None:
        if given != right:
            raise Refused("The PIN is wrong.", rule="card.pin.wrong", advice="4 tries are left.")
        self.verified.add(which)
