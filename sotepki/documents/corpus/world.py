"""Keys, certificates and base documents of a corpus. New ones each time; nothing of them is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID

from sotepki.documents.building import build_social_document
from sotepki.documents.corpus.health_care import health_care_document
from sotepki.documents.signing import SignatureStyle, Signer, sign_document
from sotepki.documents.vocabulary import SignatureKind
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.xmldsig import SigningKey

AT = datetime(2026, 3, 1, 9, 15, 30, 123456, tzinfo=UTC)
"""When the documents are signed; they are verified an hour later."""
DOCUMENT = Oid("1.2.246.10.12345671.93.2026.1")
_RIGHT = ProfessionalRight(
    "710", RightKind.LICENSED, Register.SUOSIKKI, "sosiaalityöntekijä", "socialarbetare", date(2020, 1, 1)
)
AUTHOR = Professional(RegistrationNumber("12345678901"), Person(Hetu("210281-9988"), "Eero", "Öhman"), (_RIGHT,))
ORGANISATION = Organisation(
    Oid("1.2.246.10.12345671.10.0"), "TESTI Hyvinvointialue & Co", BusinessId("1234567-1"), "county", "Oulu", True
)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    key: SigningKey
    certificate: x509.Certificate


class CorpusWorld:
    """One hierarchy and its signers.

    Attributes:
        identities: ``root``, ``issuing`` and signers by name: ``card`` (RSA), ``card-ec``, ``system`` (P-384) and
            others that may not sign, each for one reason.
    """

    def __init__(self) -> None:
        self.at = AT + timedelta(hours=1)
        self.identities: dict[str, Identity] = {}
        self._authority("root", None)
        self._authority("issuing", self.identities["root"])
        number, organisation = str(AUTHOR.registration_number), str(ORGANISATION.oid)
        self._signer("card", number, nr=True, rsa_key=True)
        self._signer("card-ec", number, nr=True)
        self._signer("system", organisation, ds=True, nr=True)
        self._signer("authentication", number, ds=True)
        self._signer("both-usages", number, ds=True, nr=True)
        self._signer("no-usage", number)
        self._signer("colleague", "98765432109", nr=True)
        self._signer("other-organisation", "1.2.246.10.12345671.10.7", ds=True, nr=True)
        self._signer("system-nr-only", organisation, nr=True)
        self._signer("kela", "1.2.246.556.12002.1", ds=True, nr=True)
        self._signer("no-serial-number", "", nr=True)
        self._signer("expired", number, nr=True, begin=AT - timedelta(days=90), days=60)
        self._signer("not-yet", number, nr=True, begin=AT + timedelta(minutes=30))
        self._signer("root-signed", number, nr=True, issuer="root", as_authority=True)
        self._stranger("stranger", number)
        self._stranger("stranger-rsa", number, rsa_key=True)
        self._signer("below-card", number, nr=True, issuer="card-ec")

    @property
    def root(self) -> x509.Certificate:
        return self.identities["root"].certificate

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        return (self.identities["issuing"].certificate,)

    @cached_property
    def bases(self) -> Mapping[str, bytes]:
        """Documents that entries begin with, by name; signed ones are valid unless they are said to be otherwise."""
        plain, alone = self._document(author=AUTHOR), self._document(author=None)
        by_card = self.signed(plain, "card")
        default = SignatureStyle(prefix="", ds_prefix="")
        return {
            "none": b"",
            "unsigned": plain,
            "professional": by_card,
            "professional-ec": self.signed(plain, "card-ec"),
            "system": self.signed(alone, "system", SignatureKind.SYSTEM),
            "default-namespaces": self.signed(alone, "system", SignatureKind.SYSTEM, default),
            "parallel": self.signed(by_card, "card", at=AT + timedelta(minutes=4)),
            "both": self.signed(by_card, "system", SignatureKind.SYSTEM),
            "other-document": self.signed(self._document(author=AUTHOR, title="Toinen asiakirja"), "card"),
            "health": health_care_document(self.identities["card"]),
        }

    def signed(
        self,
        document: bytes,
        who: str,
        kind: SignatureKind = SignatureKind.PROFESSIONAL,
        style: SignatureStyle | None = None,
        at: datetime = AT,
    ) -> bytes:
        """The document signed by an identity, without asking whether it may."""
        identity = self.identities[who]
        professional = AUTHOR if kind is SignatureKind.PROFESSIONAL else None
        return sign_document(
            document, Signer(kind, identity.key, identity.certificate, professional), at, style or SignatureStyle()
        )

    def _document(self, *, author: Professional | None, title: str = "") -> bytes:
        return build_social_document(
            client=Person(Hetu("010181-900C"), "Asta", "Äärelä"),
            organisation=ORGANISATION,
            author=author,
            document_oid=DOCUMENT,
            created=AT - timedelta(minutes=10),
            title=title,
            paragraphs=("TESTI: ä & < >",),
        )

    def _authority(self, name: str, issuer: Identity | None) -> None:
        key = ec.generate_private_key(ec.SECP384R1())
        subject = _name(f"TEST {name}", "")
        above = issuer or Identity(key, None)  # type: ignore[arg-type]
        builder = _builder(subject, above, key, AT - timedelta(days=400), 3650)
        if issuer is None:
            builder = builder.issuer_name(subject)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        builder = builder.add_extension(_usage(authority=True), True)
        self.identities[name] = Identity(key, builder.sign(above.key, hashes.SHA384()))

    def _signer(
        self,
        name: str,
        serial_number: str,
        *,
        ds: bool = False,
        nr: bool = False,
        rsa_key: bool = False,
        begin: datetime = AT - timedelta(days=30),
        days: int = 700,
        issuer: str = "issuing",
        as_authority: bool = False,
    ) -> None:
        key = _key(rsa=rsa_key)
        builder = _builder(_name("TEST signer", serial_number), self.identities[issuer], key, begin, days)
        builder = builder.add_extension(x509.BasicConstraints(as_authority, None), True)
        builder = builder.add_extension(_usage(ds=ds, nr=nr), True)
        self.identities[name] = Identity(key, builder.sign(self.identities[issuer].key, hashes.SHA384()))

    def _stranger(self, name: str, serial_number: str, *, rsa_key: bool = False) -> None:
        """A signer under a root of their own that bears the name of the trusted issuing CA."""
        key = _key(rsa=rsa_key)
        impostor = Identity(ec.generate_private_key(ec.SECP384R1()), self.identities["issuing"].certificate)
        builder = _builder(_name("TEST signer", serial_number), impostor, key, AT - timedelta(days=30), 700)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        builder = builder.add_extension(_usage(nr=True), True)
        self.identities[name] = Identity(key, builder.sign(impostor.key, hashes.SHA384()))


def _key(*, rsa: bool) -> SigningKey:
    return generate_private_key(65537, 2048) if rsa else ec.generate_private_key(ec.SECP384R1())


def _name(common: str, serial_number: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FI")]
    if serial_number:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: Identity, key: SigningKey, begin: datetime, days: int
) -> x509.CertificateBuilder:
    above = issuer.key.public_key()
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    if issuer.certificate is not None:
        builder = builder.issuer_name(issuer.certificate.subject)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)
    )


def _usage(*, ds: bool = False, nr: bool = False, authority: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(ds, nr, False, False, False, authority, authority, False, False)
