"""A provider's duties: access tied to rights in force, the sweep, and the list of what joining Kanta needs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from office_world import COUNTY, DUAL, HOSPITAL, NOW, NURSE, PHYSICIAN, World, make_world, right

from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Severity
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.provider import (
    InformationSystem,
    JoiningFacts,
    Provider,
    provider_rules,
    tasks,
)
from sotepki.provider.task_list import load_tasks
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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    world = make_world(tmp_path)
    revoked: set[int] = set()

    def status(certificate: x509.Certificate) -> CertificateStatus:
        if certificate.serial_number in revoked:
            return CertificateStatus(CertificateState.REVOKED, NOW, x509.ReasonFlags.key_compromise)
        return GOOD

    return Place(world, Provider(world.records, world.rights, world.organisations, COUNTY, status), revoked)


def restricted(place: Place) -> None:
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri", restrictions=("10",))]
    place.grant(PHYSICIAN, "prescribing")


def elsewhere(place: Place) -> None:
    place.provider.access.grant(Oid("1.2.246.10.1.10.0"), place.number(PHYSICIAN), "patient-records", actor="x")


REFUSALS: dict[str, Callable[[Place], object]] = {
    "access.organisation": elsewhere,
    "access.task": lambda place: place.grant(PHYSICIAN, "coffee"),
    "access.right": lambda place: place.provider.grant_access(
        RegistrationNumber("00999999999"), "patient-records", actor="x"
    ),
    "access.prescriber": lambda place: place.grant(NURSE, "prescribing"),
    "access.restriction": restricted,
    "access.twice": lambda place: (place.grant(NURSE), place.grant(NURSE)),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_access_refused(place: Place, rule: str) -> None:
    """Access against the rule is refused under its id with advice, and leaves a trace."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](place)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule != "access.task":
        assert any(action == "refused" and rule in details for _, action, _, details in place.world.journal())


def test_rules_are_all_used_and_all_tested() -> None:
    """The rule book, the code and the tests name the same rules."""
    rules = {rule.id for rule in provider_rules()}
    room = Path(__file__).parents[2] / "sotepki" / "provider"
    used = {
        node.value
        for path in room.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("access.", "join.")) and " " not in node.value
    } - {"access.granted", "access.ended", "access.swept"}
    assert used == rules
    assert {one for one in rules if one.startswith("access.")} == set(REFUSALS)
    assert {one for one in rules if one.startswith("join.")} == set(OPEN_WITHOUT)


def test_a_right_restricted_in_one_thing_still_carries_another_task(place: Place) -> None:
    """A physician who may not prescribe may still read patient records; a second free right carries prescribing."""
    place.world.rights.held[DUAL] = [
        right("001", "lääkäri", restrictions=("10",)), right("T02", "hammaslääkäri"),
    ]  # fmt: skip
    assert place.grant(DUAL, "prescribing")
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri", restrictions=("10",))]
    assert place.grant(PHYSICIAN, "patient-records")


def test_access_is_gone_the_moment_the_right_is(place: Place) -> None:
    """A removal is seen at once, before any sweep."""
    place.grant(PHYSICIAN)
    assert place.provider.may(place.number(PHYSICIAN), "patient-records")
    place.world.rights.held[PHYSICIAN] = []
    assert not place.provider.may(place.number(PHYSICIAN), "patient-records")
    assert not place.provider.may(place.number(NURSE), "patient-records")


def test_sweep_ends_what_lost_its_right_and_nothing_else(place: Place) -> None:
    """The sweep names each person, task and reason, and a second one has nothing left to do."""
    place.grant(PHYSICIAN)
    place.grant(PHYSICIAN, "prescribing")
    place.grant(NURSE)
    place.world.rights.held[PHYSICIAN] = []
    sweep = place.provider.sweep()
    assert (sweep.checked, len(sweep.ended), len(sweep.reasons)) == (3, 2, 2)
    assert {(one.registration_number, one.ended_by) for one in sweep.ended} == {
        (place.number(PHYSICIAN), "access.right")
    }
    assert "no right in force" in sweep.reasons[0]
    assert [one.registration_number for one in place.provider.access.held(COUNTY)] == [place.number(NURSE)]
    again = place.provider.sweep()
    assert (again.checked, again.ended) == (1, ())
    place.world.rights.held[PHYSICIAN] = [right("001", "lääkäri")]
    assert not place.provider.may(place.number(PHYSICIAN), "patient-records")
    assert place.grant(PHYSICIAN)


def test_sweep_looks_at_one_organisation(place: Place) -> None:
    """The staff of another organisation is another provider's duty."""
    place.provider.access.grant(HOSPITAL, place.number(PHYSICIAN), "patient-records", actor="x")
    place.world.rights.held[PHYSICIAN] = []
    assert place.provider.sweep().checked == 0
    assert len(place.provider.access.held(HOSPITAL)) == 1


def test_access_taken_away_by_hand(place: Place) -> None:
    """A task can be ended for a reason of the provider's own, once."""
    place.grant(NURSE)
    ended = place.provider.access.end(
        COUNTY, place.number(NURSE), "patient-records", actor="head nurse", reason="left the ward"
    )
    assert ended.ended_by == "left the ward"
    with pytest.raises(Misuse):
        place.provider.access.end(COUNTY, place.number(NURSE), "patient-records", actor="x", reason="again")


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


SYSTEM = InformationSystem("Testijärjestelmä", "A-1", "A3", date(2027, 1, 1), "20142026")


def ready_facts() -> JoiningFacts:
    return JoiningFacts(
        organisation=COUNTY,
        system=SYSTEM,
        certificates=(certificate(client=True, serial=7), certificate(client=False, serial=8)),
        plan_approved_on=date(2026, 1, 15),
        access_point="Välityspalvelu Silta Oy TEST",
        staff_trained_on=date(2026, 2, 1),
        operating_models_agreed_on=date(2026, 2, 1),
    )


def without_register(facts: JoiningFacts, place: Place) -> JoiningFacts:
    del place.world.organisations.known[COUNTY]
    return facts


def without_rights(facts: JoiningFacts, place: Place) -> JoiningFacts:
    del place.world.rights.held[NURSE]
    return facts


OPEN_WITHOUT: dict[str, Callable[[JoiningFacts, Place], JoiningFacts]] = {
    "join.organisation-register": without_register,
    "join.system-registered": lambda facts, _: replace(facts, system=replace(SYSTEM, register_entry="")),
    "join.security-certificate": lambda facts, _: replace(
        facts, system=replace(SYSTEM, security_certificate_to=date(2026, 3, 1))
    ),
    "join.joint-test": lambda facts, _: replace(facts, system=replace(SYSTEM, joint_test="")),
    "join.server-certificate": lambda facts, _: replace(facts, certificates=facts.certificates[1:]),
    "join.system-signature-certificate": lambda facts, _: replace(facts, certificates=facts.certificates[:1]),
    "join.plan": lambda facts, _: replace(facts, plan_approved_on=None),
    "join.access-point": lambda facts, _: replace(facts, access_point=""),
    "join.staff-rights": without_rights,
    "join.staff-trained": lambda facts, _: replace(facts, staff_trained_on=date(2026, 3, 3)),
    "join.operating-models": lambda facts, _: replace(facts, operating_models_agreed_on=None),
}


def test_ready(place: Place) -> None:
    """With everything in place nothing is open, and every item says what meets it."""
    place.grant(NURSE)
    readiness = place.provider.readiness(ready_facts())
    assert readiness.open == ()
    assert readiness.ready
    assert all(item.reason for item in readiness.items)
    assert [item.rule for item in readiness.items] == list(OPEN_WITHOUT)


@pytest.mark.parametrize("rule", OPEN_WITHOUT)
def test_each_open_item_has_its_reason(place: Place, rule: str) -> None:
    """Each missing thing opens its own item and no other; only what is firmly known stands in the way."""
    place.grant(NURSE)
    readiness = place.provider.readiness(OPEN_WITHOUT[rule](ready_facts(), place))
    (item,) = readiness.open
    assert item.rule == rule
    assert item.finding is not None
    assert item.reason in item.finding.message
    assert readiness.ready == (provider_rules()[rule].effective is not Severity.ERROR)


def test_only_warnings_for_what_no_source_says() -> None:
    """Training and operating models are recalled, and a missing joint test is settled by no page: they only warn."""
    for rule in ("join.staff-trained", "join.operating-models", "join.joint-test"):
        assert provider_rules()[rule].effective is Severity.WARNING


def test_revoked_expired_and_foreign_certificates_do_not_count(place: Place) -> None:
    """The reason names the certificate and what is wrong with it."""
    place.grant(NURSE)
    place.revoked.add(7)
    facts = ready_facts()
    revoked = {item.rule: item.reason for item in place.provider.readiness(facts).open}
    assert revoked == {"join.server-certificate": "the certificate 7 is revoked"}
    expired = replace(facts, certificates=(certificate(client=True, days=-1), facts.certificates[1]))
    assert "not valid at" in place.provider.readiness(expired).open[0].reason
    foreign = replace(facts, certificates=(certificate(client=False, organisation=HOSPITAL),))
    open_rules = [item.rule for item in place.provider.readiness(foreign).open]
    assert "join.system-signature-certificate" in open_rules


def test_prescriptions_alone_need_no_system_signature(place: Place) -> None:
    """Without the Patient Data Repository the item is not on the list."""
    readiness = place.provider.readiness(replace(ready_facts(), patient_data=False))
    assert "join.system-signature-certificate" not in [item.rule for item in readiness.items]


@pytest.mark.parametrize(("system_class", "met"), [("A1", True), ("B", True), ("A2", False), ("", False)])
def test_joint_testing_is_for_a2_and_a3(place: Place, system_class: str, met: bool) -> None:
    """Classes A1 and B have no joint test; an unknown class stays open."""
    facts = replace(ready_facts(), system=replace(SYSTEM, system_class=system_class, joint_test=""))
    (item,) = [item for item in place.provider.readiness(facts).items if item.rule == "join.joint-test"]
    assert item.met is met


def test_task_file_with_a_typo_is_a_fault(tmp_path: Path) -> None:
    """A mistyped key in the tasks stops the program instead of opening a task to everybody."""
    path = tmp_path / "tasks.yaml"
    path.write_text("a: {title: A, registers: [Terhikki], prescriber: false, bared_by: []}\n")
    with pytest.raises(Fault, match="bared_by"):
        load_tasks(path)
    assert set(tasks()) == {"patient-records", "prescribing", "dispensing", "client-records"}
