"""A hospital's provider office with everything that joining Kanta needs, for tests that take one thing away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from office_world import COUNTY, NOW, NURSE, PHYSICIAN, World, make_world

from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.provider import InformationSystem, JoiningFacts, Provider, SupportContact, join_data
from sotepki.provider.plans import Plan, PlanState, plan_kinds
from sotepki.x509.status import CertificateState, CertificateStatus

GOOD = CertificateStatus(CertificateState.GOOD)


@dataclass
class Place:
    """A hospital with its provider's office; ``revoked`` holds serial numbers."""

    world: World
    provider: Provider
    revoked: set[int]

    def number(self, person: Hetu) -> RegistrationNumber:
        return self.world.rights.numbers[person]

    def grant(self, person: Hetu, task: str = "patient-records") -> object:
        return self.provider.grant_access(self.number(person), task, actor="head nurse")


def make_place(tmp_path: Path) -> Place:
    """A place in a new world; everybody in it holds the rights of the world."""
    world = make_world(tmp_path)
    revoked: set[int] = set()

    def status(certificate: x509.Certificate) -> CertificateStatus:
        if certificate.serial_number in revoked:
            return CertificateStatus(CertificateState.REVOKED, NOW, x509.ReasonFlags.key_compromise)
        return GOOD

    return Place(world, Provider(world.records, world.rights, world.organisations, COUNTY, status), revoked)


SUPPORT = SupportContact("Lähituki TEST", "tuki@tunturilaakso.test.example", "+358 40 000 0000", "day and night")


def certificate(*, organisation: Oid = COUNTY, client: bool, days: int = 300, serial: int = 7) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.SERIAL_NUMBER, organisation.value),
            x509.NameAttribute(NameOID.COMMON_NAME, "a.test.example"),
        ]
    )
    end = NOW + timedelta(days=days)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), serial, NOW - timedelta(days=9), end)
    if client:
        usage: x509.ExtensionType = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    else:
        usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    return builder.add_extension(usage, critical=False).sign(key, hashes.SHA256())


SYSTEM = InformationSystem("Testijärjestelmä", "A-1", "A3", date(2027, 1, 1), "20142026", approval="TEST-KJ-0001")
REPOSITORY, PRESCRIPTIONS, PHARMACY = "patient-data-repository", "prescriptions", "pharmacy"


def plan(kind: str, **changes: object) -> Plan:
    found = Plan(
        organisation=COUNTY, kind=kind, version=2, state=PlanState.APPROVED, author="x", begun_at=NOW,
        approved_at=NOW, approved_by="director", ended_at=None, reviewed_on=NOW.date(),
        review_by=date(2027, 1, 15), parts={},
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


PLANS = {kind: plan(kind) for kind in plan_kinds()}


def ready_facts() -> JoiningFacts:
    return JoiningFacts(
        organisation=COUNTY,
        service=REPOSITORY,
        system=SYSTEM,
        certificates=(certificate(client=True, serial=7), certificate(client=False, serial=8)),
        plans=PLANS,
        support=SUPPORT,
        access_point="Välityspalvelu Silta Oy TEST",
        models={model: date(2026, 2, 1) for model in join_data().models},
    )


def in_register(place: Place, **changes: object) -> None:
    known = place.world.organisations.known
    known[COUNTY] = replace(known[COUNTY], **changes)  # type: ignore[arg-type]


def prepare(place: Place, service: str) -> JoiningFacts:
    """Everything that a list asks for is there."""
    place.grant(NURSE)
    if service == PRESCRIPTIONS:
        place.grant(PHYSICIAN, "prescribing")
    if service == PHARMACY:
        place.grant(NURSE, "dispensing")
        in_register(place, kind="pharmacy", long_name="Koivuniemen apteekki TEST")
    return replace(ready_facts(), service=service)
