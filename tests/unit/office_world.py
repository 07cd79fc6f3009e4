"""Small fakes for the offices: registers in dictionaries, an authority and a shelf in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from databases import database_url

from sotepki.card import CardContent, Personalisation
from sotepki.clock import SetClock
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.errors import Refused
from sotepki.identifiers import BusinessId, Hetu, Oid, PrescriberId, RegistrationNumber, organisation_oid
from sotepki.records import Database, Records
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.tokens import KeyKind, PrivateKey
from sotepki.x509.status import CertificateState, CertificateStatus

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Crash(BaseException):
    """Stands for a SIGKILL: nothing in the offices may catch it."""


def hetu(day: int, individual: int = 900) -> Hetu:
    """A test identity code of a day in May 1980."""
    return Hetu.of(date(1980, 5, day), "-", individual)


REGISTRAR, COLLEAGUE, UNTRAINED, LAPSED, PRIVATE_REGISTRAR, LONELY = (hetu(day, 901) for day in range(1, 7))
PHYSICIAN, NURSE, DUAL, WITHOUT_RIGHT, STRANGER, LIMITED, HOMELESS = (hetu(day, 902) for day in range(1, 8))

COUNTY_ID, CLINIC_ID = BusinessId("9900001-8"), BusinessId("9900003-4")
VENDOR_ID, INTERMEDIARY_ID = BusinessId("9900010-6"), BusinessId("9900009-3")
COUNTY, CLINIC = organisation_oid(COUNTY_ID), organisation_oid(CLINIC_ID)
HOSPITAL = organisation_oid(COUNTY_ID, 1000)
VENDOR, INTERMEDIARY = organisation_oid(VENDOR_ID), organisation_oid(INTERMEDIARY_ID)


def right(code: str, title: str, **changes: object) -> ProfessionalRight:
    """A licensed right of 2010 in Terhikki."""
    plain = ProfessionalRight(
        code=code,
        kind=RightKind.LICENSED,
        register=Register.TERHIKKI,
        title_fi=f"Laillistettu {title}",
        title_sv=f"Legitimerad {title}",
        valid_from=date(2010, 1, 1),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class FakePopulation:
    people: dict[Hetu, Person]

    def person(self, hetu: Hetu) -> Person | None:
        return self.people.get(hetu)


@dataclass
class FakeRights:
    """Valvira's register; ``held`` may be changed to grant and remove."""

    people: dict[Hetu, Person]
    held: dict[Hetu, list[ProfessionalRight]]
    numbers: dict[Hetu, RegistrationNumber]
    prescribers: dict[Hetu, PrescriberId]

    def professional_of(self, hetu: Hetu) -> Professional | None:
        if hetu not in self.numbers:
            return None
        rights = tuple(self.held.get(hetu, ()))
        return Professional(self.numbers[hetu], self.people[hetu], rights, self.prescribers.get(hetu))

    def professional(self, registration_number: RegistrationNumber) -> Professional | None:
        return next((self.professional_of(h) for h, n in self.numbers.items() if n == registration_number), None)

    def rights_in_force(self, registration_number: RegistrationNumber, at: datetime) -> Sequence[ProfessionalRight]:
        found = self.professional(registration_number)
        day = at.date()
        return [one for one in found.rights if one.valid_to is None or one.valid_to >= day] if found else []

    def prescribing_codes(self) -> frozenset[str]:
        return frozenset({"001", "034", "T02", "T03", "T13", "T20"})


@dataclass
class FakeOrganisations:
    known: dict[Oid, Organisation]

    def organisation(self, oid: Oid) -> Organisation | None:
        return self.known.get(oid)

    def organisations_of(self, business_id: BusinessId) -> Sequence[Organisation]:
        return [one for one in self.known.values() if one.business_id == business_id]


@dataclass
class FakeIssued:
    profile: str
    holder: str
    authority_id: str
    certificate: x509.Certificate
    status: CertificateStatus = field(default_factory=lambda: CertificateStatus(CertificateState.GOOD))

    @property
    def serial_number(self) -> int:
        return self.certificate.serial_number

    @property
    def not_after(self) -> datetime:
        return self.certificate.not_valid_after_utc


_PERSONAL = {
    "title": NameOID.TITLE, "serial_number": NameOID.SERIAL_NUMBER, "given_name": NameOID.GIVEN_NAME,
    "surname": NameOID.SURNAME, "pseudonym": NameOID.PSEUDONYM,
}  # fmt: skip


@dataclass
class FakeAuthorities:
    """An authority in memory that issues real certificates with one P-256 key; ``at`` is called at named points."""

    clock: SetClock
    at: Callable[[str], None] = lambda point: None
    ledger: list[FakeIssued] = field(default_factory=list)
    subjects: list[Mapping[str, str]] = field(default_factory=list)
    forbidden: str = ""

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._certificate("TEST CA", self.key.public_key(), 1, NOW + timedelta(days=9000), [])

    def chain(self, authority_id: str) -> Sequence[x509.Certificate]:
        return (self.ca,)

    def issue(
        self,
        authority_id: str,
        profile_id: str,
        *,
        subject: Mapping[str, str],
        public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        actor: str,
        holder: str,
        not_after: datetime | None = None,
        dns_names: Sequence[str] = (),
        extended_key_usage: Sequence[str] = (),
    ) -> x509.Certificate:
        if self.forbidden:
            raise Refused("The profile forbids it.", rule=self.forbidden)
        self.at("before-issue")
        end = not_after or self.clock.now() + timedelta(days=365)
        certificate = self._certificate(
            subject["common_name"], public_key, len(self.ledger) + 2, end, dns_names, extended_key_usage, subject
        )
        self.ledger.append(FakeIssued(profile_id, holder, authority_id, certificate))
        self.subjects.append(dict(subject))
        self.at("after-issue")
        return certificate

    def issue_many_der(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> list[bytes]:
        return [
            self.issue(
                authority_id, profile_id, subject=one.subject, public_key=one.public_key, actor=actor,
                holder=one.holder, not_after=one.not_after,
            ).public_bytes(serialization.Encoding.DER)
            for one in orders
        ]  # fmt: skip

    def revoke(self, reference: tuple[str, int], *, reason: x509.ReasonFlags, actor: str) -> object:
        self.at("before-revoke")
        (found,) = [one for one in self.ledger if (one.authority_id, one.serial_number) == reference]
        if found.status.state is CertificateState.REVOKED:
            raise Refused("It is revoked already.", rule="revocation.final")
        found.status = CertificateStatus(CertificateState.REVOKED, self.clock.now(), reason)
        self.at("after-revoke")
        return found.status

    def issue_many(
        self, authority_id: str, profile_id: str, orders: Sequence[CertificateOrder], *, actor: str
    ) -> Sequence[x509.Certificate]:
        return [
            self.issue(
                authority_id,
                profile_id,
                subject=order.subject,
                public_key=order.public_key,
                actor=actor,
                holder=order.holder,
                not_after=order.not_after,
                dns_names=order.dns_names,
                extended_key_usage=order.extended_key_usage,
            )
            for order in orders
        ]

    def issued(
        self, *, serial_number: int | None = None, holder: str | None = None, authority_id: str | None = None
    ) -> Sequence[FakeIssued]:
        return [
            one
            for one in self.ledger
            if serial_number in (None, one.serial_number)
            and holder in (None, one.holder)
            and authority_id in (None, one.authority_id)
        ]

    def revocations(self, authority_id: str, *, serial_number: int | None = None) -> Mapping[int, CertificateStatus]:
        found = self.issued(authority_id=authority_id, serial_number=serial_number)
        return {one.serial_number: one.status for one in found if one.status.state is CertificateState.REVOKED}

    def _certificate(
        self,
        name: str,
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        serial: int,
        end: datetime,
        dns_names: Sequence[str],
        usages: Sequence[str] = (),
        shown: Mapping[str, str] = {},
    ) -> x509.Certificate:
        more = [x509.NameAttribute(oid, shown[key]) for key, oid in _PERSONAL.items() if key in shown]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), *more])
        builder = x509.CertificateBuilder(subject, subject, key, serial, self.clock.now(), end)
        if dns_names:
            names = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns_names])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())


@dataclass
class FakeShelf:
    """Cards in memory; a card appears whole or not at all."""

    at: Callable[[str], None] = lambda point: None
    made: dict[str, Personalisation] = field(default_factory=dict)

    def numbers(self) -> Sequence[str]:
        return tuple(self.made)

    def has(self, number: str) -> bool:
        return number in self.made

    def personalise(self, order: Personalisation) -> None:
        self.at("before-card")
        order.check()
        assert order.number not in self.made
        self.made[order.number] = order
        self.at("after-card")

    def read(self, number: str) -> CardContent:
        order = self.made[number]
        return CardContent(None, order.leaves, tuple(order.issuers))  # type: ignore[arg-type]


class FakeKeys:
    """Keys made on the spot, of the quick kind, each given once."""

    def take(self, kind: KeyKind) -> PrivateKey:
        assert kind is KeyKind.RSA_3072
        return ec.generate_private_key(ec.SECP256R1())


@dataclass
class World:
    """Registers and books for a test."""

    records: Records
    clock: SetClock
    population: FakePopulation
    rights: FakeRights
    organisations: FakeOrganisations
    authorities: FakeAuthorities
    shelf: FakeShelf

    def outbox(self, channel: str) -> list[Path]:
        """The files in the outbox, oldest first."""
        return sorted((self.records.outbox_directory / channel).glob("*"))

    def journal(self) -> list[tuple[str, str, str, str]]:
        """(actor, action, subject, details) of every journal entry."""
        from sqlalchemy import select

        from sotepki.records import JournalEntry

        with self.records.look() as session:
            entries = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence))
            return [(one.actor, one.action, one.subject, one.details) for one in entries]


def make_world(directory: Path) -> World:
    """A world of its own in ``directory``."""
    clock = SetClock(NOW)
    database = Database(database_url(directory / "test.db"))
    database.create_tables()
    records = Records(database, clock, directory / "outbox")
    people = {
        one: Person(one, f"Testi Toinen{number}", f"Henkilö{number}", home_address="Esimerkkitie 1, 00000 Testilä")
        for number, one in enumerate([REGISTRAR, PHYSICIAN, NURSE, DUAL, WITHOUT_RIGHT, LIMITED])
    }
    people[HOMELESS] = Person(HOMELESS, "Ilman", "Osoitetta")
    held = {
        REGISTRAR: [right("T06", "sairaanhoitaja")],
        PHYSICIAN: [right("001", "lääkäri")],
        NURSE: [right("T06", "sairaanhoitaja")],
        DUAL: [right("001", "lääkäri"), right("T02", "hammaslääkäri"), right("T06", "sairaanhoitaja")],
        LIMITED: [right("T20", "opiskelija", kind=RightKind.LIMITED, valid_to=date(2027, 6, 30))],
        HOMELESS: [right("T06", "sairaanhoitaja")],
    }
    numbers = {one: RegistrationNumber(f"009000000{number:02d}") for number, one in enumerate([*held, WITHOUT_RIGHT])}
    prescribers = {PHYSICIAN: PrescriberId("099001"), DUAL: PrescriberId("099002")}

    known = [
        Organisation(
            COUNTY, "Tunturilaakson hyvinvointialue TEST", COUNTY_ID, "wellbeing-services-county", "Testilä", True,
            domains=("tunturilaakso.test.example",),
        ),
        Organisation(
            HOSPITAL, "Tunturilaakson keskussairaala TEST", COUNTY_ID, "hospital", "Testilä", True, parent=COUNTY,
            domains=("sairaala.tunturilaakso.test.example",),
        ),
        Organisation(
            CLINIC, "Lääkäriasema Oy TEST", CLINIC_ID, "private-clinic", "Testilä", False,
            domains=("clinic.test.example",),
        ),
        Organisation(
            VENDOR, "Ohjelmistotalo Oy TEST", VENDOR_ID, "software-vendor", "Testilä", False,
            domains=("vendor.test.example",),
        ),
        Organisation(
            INTERMEDIARY, "Silta Oy TEST", INTERMEDIARY_ID, "kanta-intermediary", "Testilä", False,
            domains=("silta.test.example",), kanta_intermediary=True,
        ),
    ]  # fmt: skip
    return World(
        records,
        clock,
        FakePopulation(people),
        FakeRights(people, held, numbers, prescribers),
        FakeOrganisations({one.oid: one for one in known}),
        FakeAuthorities(clock),
        FakeShelf(),
    )
