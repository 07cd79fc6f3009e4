"""A world with a customer account, people with cards whose keys are in memory, and DVV's desks for registration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from office_world import CLINIC, COUNTY, HOSPITAL, NURSE, PHYSICIAN, STRANGER, FakeIssued, World, make_world

from sotepki.dvv import Contracts, RegistrarCourse, RegistrationOffice, RegistrationPoints, ServiceCertificates
from sotepki.dvv.registration.card_signature import CardSignature, sign_with_card
from sotepki.dvv.registration.contract_store import Contract
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu
from sotepki.resources import package_file
from sotepki.x509.serials import serial_text

OLD_POINT = "OLD-POINT"
QUESTIONS = load_yaml(package_file("dvv", "registration", "registrar_course.yaml"))["questions"]


@dataclass
class Card:
    """The two keys of a person's card with their certificates."""

    keys: Mapping[str, ec.EllipticCurvePrivateKey]
    certificates: Mapping[str, x509.Certificate]

    def sign(self, data: bytes, use: str = "signature") -> CardSignature:
        der = self.certificates[use].public_bytes(Encoding.DER)
        return CardSignature(der, sign_with_card(self.keys[use], data))


@dataclass
class Registration:
    """DVV's desks, with accounts of the county and the clinic that the physician uses."""

    world: World
    contracts: Contracts
    course: RegistrarCourse
    office: RegistrationOffice
    points: RegistrationPoints
    accounts: ServiceCertificates
    cards: dict[Hetu, Card] = field(default_factory=dict)

    def card(self, person: Hetu = PHYSICIAN) -> Card:
        """The person's card; it is made when first asked for."""
        if person not in self.cards:
            self.cards[person] = _make_card(self.world, person, len(self.cards))
        return self.cards[person]

    def drawn_up(self, kind: str = "registration-point", **changes: object) -> Contract:
        given: dict[str, object] = {
            "organisation": COUNTY, "signer": PHYSICIAN, "delivery_address": "Kaltiontie 1, 00000 Testilä",
            "contact": "Rekka Rekisteröijä", "serves_all": True, **changes,
        }  # fmt: skip
        return self.contracts.draw_up(kind, **given)  # type: ignore[arg-type]

    def signed(self, **changes: object) -> Contract:
        drawn = self.drawn_up(**changes)  # type: ignore[arg-type]
        return self.contracts.sign(drawn.id, by=PHYSICIAN, signature=self.card().sign(drawn.document))

    def in_force(self, **changes: object) -> Contract:
        return self.contracts.approve(self.signed(**changes).id)

    def planned(self, point_id: str = "NEW-POINT") -> str:
        """A point of the county on a contract in force, with nothing in place yet."""
        self.office.plan(self.in_force().id, point_id=point_id, name="New point TEST", public=True, by=PHYSICIAN)
        return point_id

    def trained(self, trainee: Hetu, language: str = "fi") -> str:
        """The number of the certificate of somebody who takes the course and answers everything right."""
        self.course.enrol(trainee, language=language)
        self.course.submit(trainee, self.answers(trainee, language))
        return self.course.certificate(trainee).number

    def answers(self, trainee: Hetu, language: str = "fi", wrong: int = 0) -> dict[str, str]:
        """Answers to the open exam of which so many are wrong."""
        given = {}
        for number, question in enumerate(self.course.exam(trainee).questions):
            right = QUESTIONS[question.id][language]["answers"][0]
            letters = [letter for letter, text in question.choices.items() if (text == right) == (number >= wrong)]
            given[question.id] = letters[0]
        return given

    def registrar(self, trainee: Hetu, point_id: str) -> None:
        """Make a trained registrar of a person."""
        self.office.apply_registrar(trainee, point_id, certificate=self.trained(trainee), by=PHYSICIAN)
        self.office.grant(trainee, point_id)

    def opened(self, point_id: str = "NEW-POINT") -> str:
        """A point that is open, with two registrars."""
        self.planned(point_id)
        self.office.equip(point_id, by=PHYSICIAN, card_readers=2, locked_storage=True, access_control=True)
        for trainee in (NURSE, PHYSICIAN):
            self.registrar(trainee, point_id)
        self.office.open(point_id)
        return point_id

    def later(self, **more: float) -> None:
        self.world.clock.advance(timedelta(**more))


def make_registration(directory: Path) -> Registration:
    """The world, with one old public point of the hospital and no card yet."""
    world = make_world(directory)
    course = RegistrarCourse(world.records, world.population)
    accounts = ServiceCertificates(world.records, world.authorities, world.organisations)
    registration = Registration(
        world,
        Contracts(world.records, world.authorities, world.organisations),
        course,
        RegistrationOffice(world.records, world.organisations, course),
        RegistrationPoints(world.records),
        accounts,
    )
    for organisation in (COUNTY, CLINIC):
        accounts.open_account(organisation, user=PHYSICIAN)
    registration.points.found(OLD_POINT, organisation=HOSPITAL, name="Old point TEST", public=True, actor="dvv")
    for person in (NURSE, STRANGER):
        registration.points.add_registrar(
            person, OLD_POINT, trained_on=date(2025, 1, 1), valid_to=date(2040, 1, 1), actor="dvv"
        )
    return registration


def _make_card(world: World, person: Hetu, number: int) -> Card:
    keys = {use: ec.generate_private_key(ec.SECP384R1()) for use in ("authentication", "signature")}
    certificates = {
        use: _certificate(world, key, 9000 + 2 * number + index, signature=use == "signature")
        for index, (use, key) in enumerate(keys.items())
    }
    for certificate in certificates.values():
        world.authorities.ledger.append(FakeIssued("card", "00900000001", "sote-persons", certificate))
    with world.records.change("dvv", "test") as tx:
        tx.session.add(
            CardOrderRow(
                state="in-use", kind="professional", hetu=person.value, point=OLD_POINT, identity_document="passport",
                letter_address="", ordered_at=tx.now, changed_at=tx.now, slot=f"slot-{number}",
                authentication_serial=serial_text(certificates["authentication"].serial_number),
                signature_serial=serial_text(certificates["signature"].serial_number),
            )
        )  # fmt: skip
        tx.journal("card-for-test", f"card {number}")
    return Card(keys, certificates)


def _certificate(world: World, key: ec.EllipticCurvePrivateKey, serial: int, *, signature: bool) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Testaaja Toini 00900000001")])
    now = world.clock.now()
    usage = x509.KeyUsage(not signature, signature, False, False, False, False, False, False, False)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + timedelta(days=1825))
    return builder.add_extension(usage, critical=True).sign(world.authorities.key, hashes.SHA256())
