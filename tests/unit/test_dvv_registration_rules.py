"""Every rule of contracts, registration points, registrars' rights and their course refuses what it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from office_world import CLINIC, COUNTY, HOMELESS, NURSE, PHYSICIAN, STRANGER
from registration_world import OLD_POINT, Registration, make_registration

from sotepki.dvv.registration.contract_guards import CONTRACT_GUARDS, ContractCase
from sotepki.dvv.registration.course_guards import COURSE_GUARDS, CourseCase
from sotepki.dvv.registration.data import (
    contract_machine,
    course_machine,
    point_machine,
    registration_rules,
    right_machine,
)
from sotepki.dvv.registration.guards import POINT_GUARDS, RIGHT_GUARDS, RightCase
from sotepki.errors import Refused
from sotepki.evidence import Basis, Grade, RuleBook
from sotepki.identifiers import Oid
from sotepki.resources import package_file
from sotepki.states import StateMachine
from sotepki.x509.status import CertificateState, CertificateStatus

UNKNOWN = Oid("1.2.246.10.1.10.0")


@pytest.fixture
def desk(tmp_path: Path) -> Registration:
    return make_registration(tmp_path)


def authorisation(desk: Registration, **changes: object) -> str:
    given = {"organisation": CLINIC, "point": OLD_POINT, "serves_all": False, **changes}
    return desk.drawn_up("authorisation", **given).id


def unequipped(desk: Registration, **lacks: object) -> None:
    point = desk.planned()
    equipment = {"card_readers": 2, "locked_storage": True, "access_control": True, **lacks}
    desk.office.equip(point, by=PHYSICIAN, **equipment)  # type: ignore[arg-type]
    for person in (NURSE, PHYSICIAN):
        desk.registrar(person, point)
    desk.office.open(point)


def point_without_contract(desk: Registration) -> None:
    contract = desk.in_force()
    desk.contracts.end(contract.id, reason="not needed", by=PHYSICIAN)
    desk.office.plan(contract.id, point_id="NEW", name="New TEST", public=True, by=PHYSICIAN)


def old_certificate(desk: Registration) -> None:
    point, number = desk.planned(), desk.trained(NURSE)
    desk.later(days=400)
    desk.office.apply_registrar(NURSE, point, certificate=number, by=PHYSICIAN)


def renewed_on_the_same_course(desk: Registration) -> None:
    desk.opened()
    desk.office.renew(NURSE, "NEW-POINT", certificate=desk.course.certificate(NURSE).number)


def at_a_planned_point(desk: Registration) -> None:
    point = desk.planned()
    desk.registrar(PHYSICIAN, point)
    desk.points.registrar(PHYSICIAN, point_id=point, at=desk.world.clock.now())


def late_exam(desk: Registration) -> None:
    desk.course.enrol(NURSE)
    answers = desk.answers(NURSE)
    desk.later(minutes=61)
    desk.course.submit(NURSE, answers)


def unanswered(desk: Registration) -> None:
    desk.course.enrol(NURSE)
    desk.course.submit(NURSE, dict(list(desk.answers(NURSE).items())[1:]))


def too_early(machine: StateMachine, step: str, guards: dict, case: object) -> None:  # type: ignore[type-arg]
    machine.step(step, state=next(iter(machine.transitions[step].sources)), actor="clock", guards=guards, case=case,
                 subject="test")  # fmt: skip


REFUSALS: dict[str, Callable[[Registration], object]] = {
    "contract.state": lambda d: d.contracts.approve(d.drawn_up().id),
    "contract.actor": lambda d: d.contracts.end(d.in_force().id, reason="x", by="somebody"),
    "contract.organisation-register": lambda d: d.drawn_up(organisation=UNKNOWN),
    "contract.account": lambda d: d.drawn_up(signer=STRANGER),
    "contract.kind": lambda d: d.drawn_up("marriage"),
    "contract.details": lambda d: d.drawn_up(delivery_address=" "),
    "contract.authorised-point": lambda d: authorisation(d, point="NOWHERE"),
    "contract.public-serves-all": lambda d: d.drawn_up(serves_all=False),
    "contract.attachments": lambda d: d.contracts.approve(
        d.contracts.sign(authorisation(d), by=PHYSICIAN, method="bank-codes").id
    ),
    "contract.method": lambda d: d.contracts.sign(d.drawn_up().id, by=PHYSICIAN, method="bank-codes"),
    "contract.signature": lambda d: d.contracts.sign(
        d.drawn_up().id, by=PHYSICIAN, signature=d.card().sign(b"another text")
    ),
    "contract.signature-later": lambda d: d.contracts.send_unsigned(authorisation(d), by=PHYSICIAN),
    "contract.signing-time": lambda d: too_early(
        contract_machine(), "lapse", dict(CONTRACT_GUARDS),
        ContractCase(d.world.clock.now(), "registration-point", sign_by=d.world.clock.now().date()),
    ),
    "contract.reason": lambda d: d.contracts.send_back(d.signed().id, reason=" "),
    "point.state": lambda d: d.office.open(d.opened()),
    "point.actor": lambda d: d.office.equip(d.planned(), by="somebody", card_readers=2),
    "point.id": lambda d: d.office.plan(
        d.in_force().id, point_id=OLD_POINT, name="Again", public=True, by=PHYSICIAN
    ),
    "point.contract": point_without_contract,
    "point.public": lambda d: d.office.plan(
        d.in_force().id, point_id="NEW", name="New TEST", public=False, by=PHYSICIAN
    ),
    "point.registrars": lambda d: d.office.open(d.planned()),
    "point.card-readers": lambda d: unequipped(d, card_readers=1),
    "point.locked-storage": lambda d: unequipped(d, locked_storage=False),
    "point.access-control": lambda d: unequipped(d, access_control=False),
    "point.not-open": at_a_planned_point,
    "point.closing-reason": lambda d: d.office.close(d.opened(), reason="", by="dvv"),
    "registrar.state": lambda d: d.office.grant(NURSE, d.opened()),
    "registrar.actor": lambda d: d.office.apply_registrar(
        NURSE, d.planned(), certificate=d.trained(NURSE), by="dvv"
    ),
    "registrar.point": lambda d: d.office.apply_registrar(
        HOMELESS, d.office.close(d.opened(), reason="moved", by="dvv").id, certificate=d.trained(HOMELESS),
        by=PHYSICIAN,
    ),
    "registrar.course-certificate": lambda d: d.office.apply_registrar(
        PHYSICIAN, d.planned(), certificate=d.trained(NURSE), by=PHYSICIAN
    ),
    "registrar.certificate-age": old_certificate,
    "registrar.renewal": renewed_on_the_same_course,
    "registrar.reason": lambda d: d.office.withdraw(NURSE, d.opened(), reason=" ", by="dvv"),
    "registrar.expiry": lambda d: too_early(
        right_machine(), "expire", dict(RIGHT_GUARDS),
        RightCase(d.world.clock.now().date(), NURSE, valid_to=d.world.clock.now().date()),
    ),
    "course.state": lambda d: (d.trained(NURSE), d.course.exam(NURSE)),
    "course.actor": lambda d: course_machine().step(
        "enrol", state="none", actor="dvv", guards=COURSE_GUARDS, case=CourseCase(d.world.clock.now()),
        subject="course",
    ),
    "course.person": lambda d: d.course.enrol(STRANGER),
    "course.language": lambda d: d.course.enrol(NURSE, language="et"),
    "course.still-time": lambda d: too_early(
        course_machine(), "break-off", dict(COURSE_GUARDS),
        CourseCase(d.world.clock.now(), until=d.world.clock.now()),
    ),
    "course.exam-time": late_exam,
    "course.answers": unanswered,
    "course.pass-mark": lambda d: d.course.set_pass_mark(9, actor="trainer"),
}  # fmt: skip

_ASKED_OF_THE_MACHINE = {"contract.signing-time", "registrar.expiry", "course.actor", "course.still-time"}


@pytest.mark.parametrize("rule", REFUSALS)
def test_rule_refuses(desk: Registration, rule: str) -> None:
    """A step against the rule is refused under its id, with advice, and the refusal is journalled."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](desk)
    assert refused.value.rule == rule
    assert refused.value.advice
    if rule not in (*_ASKED_OF_THE_MACHINE, "point.not-open"):
        assert any(action == "refused" and rule in details for _, action, _, details in desk.world.journal())


def test_every_rule_has_a_test_that_meets_it() -> None:
    """A rule that nothing can break is not a rule."""
    assert set(REFUSALS) == {
        rule.id for rule in RuleBook.load(package_file("dvv", "registration", "rules_registration.yaml"))
    }


@pytest.mark.parametrize(
    ("machine", "guards"),
    [
        (contract_machine(), CONTRACT_GUARDS),
        (point_machine(), POINT_GUARDS),
        (right_machine(), RIGHT_GUARDS),
        (course_machine(), COURSE_GUARDS),
    ],
)
def test_machine_and_guards_fit(machine: StateMachine, guards: dict[str, object]) -> None:
    """Every guard has a function and guards something; every state is reached; the diagram shows every transition."""
    assert {rule for one in machine.transitions.values() for rule in one.guards} == set(guards)
    reached = {machine.initial}
    for _ in machine.states:
        reached |= {one.target_from(state) for one in machine.transitions.values() for state in one.sources & reached}
    assert reached == set(machine.states)
    assert all(name in machine.mermaid() for name in machine.transitions)


def test_sources_point_into_the_field_notes() -> None:
    """A confirmed rule names where it stands."""
    for rule in registration_rules():
        if rule.grade is Grade.CONFIRMED and rule.basis is not Basis.CHOICE:
            assert "docs/field/" in rule.source, rule.id


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d, s: replace(s, certificate=b"nonsense"), "cannot be read"),
        (lambda d, s: replace(s, signature=s.signature[:-1] + b"\x00\x00"), "does not verify"),
        (lambda d, s: d.card(NURSE).sign(b""), "verify"),
        (lambda d, s: replace(d.card().sign(b"", "authentication")), "not the card's signature certificate"),
    ],
)
def test_signature_that_does_not_count(desk: Registration, spoil: Callable[..., object], words: str) -> None:
    """Garbage, a changed signature, another key: the refusal says which it is, and the contract stays unsigned."""
    drawn = desk.drawn_up()
    with pytest.raises(Refused, match=words):
        desk.contracts.sign(drawn.id, by=PHYSICIAN, signature=spoil(desk, desk.card().sign(drawn.document)))  # type: ignore[arg-type]
    assert desk.contracts.contract(drawn.id).state == "draft"


def test_card_of_another_person_signs_nothing(desk: Registration) -> None:
    """A colleague's card makes a good signature, and it is not the signer's."""
    drawn = desk.drawn_up()
    with pytest.raises(Refused, match="another person"):
        desk.contracts.sign(drawn.id, by=PHYSICIAN, signature=desk.card(NURSE).sign(drawn.document))


def test_revoked_or_foreign_card_signs_nothing(desk: Registration) -> None:
    """A card that was reported lost, and one of another authority, sign no contract."""
    drawn = desk.drawn_up()
    signature = desk.card().sign(drawn.document)
    for one in desk.world.authorities.ledger:
        one.status = CertificateStatus(CertificateState.REVOKED, desk.world.clock.now(), x509.ReasonFlags.unspecified)
    with pytest.raises(Refused, match="revoked"):
        desk.contracts.sign(drawn.id, by=PHYSICIAN, signature=signature)
    desk.world.authorities.ledger.clear()
    with pytest.raises(Refused, match="not issued here"):
        desk.contracts.sign(drawn.id, by=PHYSICIAN, signature=signature)


def test_the_organisation_of_the_contract(desk: Registration) -> None:
    """A user of one account draws up nothing for another organisation."""
    with pytest.raises(Refused) as refused:
        desk.drawn_up(signer=NURSE, organisation=COUNTY)
    assert refused.value.rule == "contract.account"
