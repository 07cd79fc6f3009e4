"""Supervision: the life of a system and of a deviation, bars by evidence and time, every refusal by its rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import database_url
from registers_world import NOON, Registers, open_registers

from sotepki.errors import Misuse, Refused
from sotepki.records import Records, first_break
from sotepki.resources import package_file
from sotepki.valvira.supervision import (
    EvidenceKind,
    MissingJointTest,
    Role,
    Supervision,
    as_json,
    deviation_machine,
    system_machine,
)
from sotepki.valvira.supervision.data import supervision_rules

TODAY = date(2026, 5, 4)
CERTIFICATE, JOINT_TEST = EvidenceKind.SECURITY_CERTIFICATE, EvidenceKind.JOINT_TEST


class Desk:
    """Supervision with short words for the tests."""

    def __init__(self, registers: Registers) -> None:
        self.registers = registers
        self.office = Supervision(registers.records)

    def notified(self, system_class: str = "A2", **changed: str) -> str:
        fields = {
            "name": "Kaiku", "version": "4.2", "kind": "information-system", "purpose": "potilastiedot",
            "producer": "Kaarna Oy TEST",
        }  # fmt: skip
        return self.office.notify(**{**fields, **changed}, system_class=system_class, actor="x").id

    def attach(self, system: str, kind: EvidenceKind, issued_on: date = TODAY, valid_to: date | None = None) -> None:
        self.office.attach(system, kind, number="1", issuer="x", issued_on=issued_on, valid_to=valid_to, actor="x")

    def registered(self, system_class: str = "A2") -> str:
        system = self.notified(system_class)
        self.attach(system, CERTIFICATE)
        self.attach(system, JOINT_TEST)
        self.step(system, "register")
        return system

    def step(self, system: str, name: str, role: Role = Role.AUTHORITY, reason: str = "test") -> str:
        return self.office.step(system, name, role=role, actor="x", reason=reason).state

    def deviation(self, system: str, weight: str = "significant", description: str = "x") -> str:
        return self.office.report_deviation(
            system, weight=weight, description=description, reported_by="x", actor="x"
        ).id

    def handle(self, deviation: str, name: str, role: Role = Role.AUTHORITY, deadline: date | None = None) -> str:
        return self.office.deviation_step(
            deviation, name, role=role, actor="x", reason="test", deadline=deadline
        ).state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox", world=False) as registers:
        yield Desk(registers)


@pytest.mark.parametrize(
    ("system_class", "evidence", "rule"),
    [
        ("A1", [], "supervision.security-certificate"),
        ("A1", [CERTIFICATE], None),
        ("A2", [JOINT_TEST], "supervision.security-certificate"),
        ("A2", [CERTIFICATE, JOINT_TEST], None),
        ("A3", [CERTIFICATE, JOINT_TEST], None),
        ("B", [], None),
    ],
)
def test_a_class_is_registered_with_its_evidence_and_not_without(
    desk: Desk, system_class: str, evidence: list[EvidenceKind], rule: str | None
) -> None:
    system = desk.notified(system_class)
    assert not desk.office.usability(system).allowed, "a system that was only notified is not used"
    for kind in evidence:
        desk.attach(system, kind)
    if rule is None:
        assert desk.step(system, "register") == "registered"
        assert desk.office.usability(system).allowed
        return
    with pytest.raises(Refused) as caught:
        desk.step(system, "register")
    assert caught.value.rule == rule
    assert desk.office.system(system).state == "notified"


def test_two_processes_bar_a_system_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one leaves it to the other; it was refused before, whatever command it had come for."""
    system = desk.registered()
    desk.registers.advance(days=365 * 3 + 2)
    first: list[str] = []

    def overtaken(self: Records, *arguments: Any, **more: Any) -> object:
        monkeypatch.undo()
        first.extend(desk.office.follow_time())
        return self.change(*arguments, **more)

    monkeypatch.setattr(Records, "change", overtaken)
    assert desk.office.follow_time() == []
    assert first == [system]
    assert [step.name for step in desk.office.system(system).history].count("bar") == 1


def test_a_certificate_lasts_three_years_then_the_clock_bars_the_use(desk: Desk) -> None:
    """A provider would go on with a system whose security nobody has looked at."""
    system = desk.registered()
    last = date(2029, 5, 4)
    assert desk.office.system(system).evidence[0].valid_to == last
    desk.registers.advance(days=365 * 3 - 100)
    assert [one.rule for one in desk.office.usability(system).findings] == ["supervision.renewal"]
    assert desk.office.follow_time() == []
    desk.registers.advance(days=102)
    assert desk.office.follow_time() == [system]
    assert desk.office.follow_time() == []
    found = desk.office.system(system)
    assert (found.state, found.history[-1].role) == ("barred", Role.CLOCK)
    assert desk.office.usability(system, NOON + timedelta(days=1)).allowed, "what was true stays true"
    assert not desk.office.usability(system).allowed
    desk.attach(system, CERTIFICATE, date(2029, 5, 5))
    assert desk.step(system, "release") == "registered"


def test_a_system_without_a_joint_test_is_registered_with_a_warning_until_the_statement_comes(desk: Desk) -> None:
    """The newer page allows the use under conditions: an office that barred it would be stricter than its source."""
    system = desk.notified("A2")
    desk.attach(system, CERTIFICATE)
    assert desk.step(system, "register") == "registered"
    found = desk.office.usability(system)
    assert found.allowed
    assert [one.rule for one in found.findings] == ["supervision.joint-test.conditions"]
    desk.attach(system, JOINT_TEST)
    assert desk.office.usability(system).findings == ()


def test_the_switch_bars_a_system_without_a_joint_test_as_the_older_page_does(desk: Desk) -> None:
    system = desk.notified("A2")
    desk.attach(system, CERTIFICATE)
    desk.office = Supervision(desk.registers.records, missing_joint_test=MissingJointTest.BAR)
    with pytest.raises(Refused) as caught:
        desk.step(system, "register")
    assert caught.value.rule == "supervision.joint-test"
    desk.attach(system, JOINT_TEST)
    assert desk.step(system, "register") == "registered"


def test_a_significant_deviation_keeps_the_bar_until_it_is_closed(desk: Desk) -> None:
    system = desk.registered()
    deviation = desk.deviation(system)
    assert desk.step(system, "bar") == "barred"
    with pytest.raises(Refused) as caught:
        desk.step(system, "release")
    assert caught.value.rule == "supervision.deviation.open"
    assert desk.handle(deviation, "take-up") == "under-review"
    assert desk.handle(deviation, "require-measures", deadline=TODAY + timedelta(days=30)) == "measures-required"
    assert desk.handle(deviation, "report-correction", Role.PRODUCER) == "corrected"
    assert desk.handle(deviation, "close") == "closed"
    assert [step.name for step in desk.office.deviation(deviation).history] == [
        "report", "take-up", "require-measures", "report-correction", "close",
    ]  # fmt: skip
    assert desk.step(system, "release") == "registered"
    assert desk.deviation(system, "other")
    assert len(desk.office.deviations()) == 2


def test_a_report_of_a_change_does_not_lift_the_bar_either(desk: Desk) -> None:
    """Hospitals would use a system with a dangerous fault again because its producer sent in a form."""
    system = desk.registered()
    deviation = desk.deviation(system)
    desk.step(system, "bar")
    assert desk.step(system, "report-change", Role.PRODUCER) == "notified"
    with pytest.raises(Refused) as caught:
        desk.step(system, "register")
    assert caught.value.rule == "supervision.deviation.open"
    assert not desk.office.usability(system).allowed
    desk.handle(deviation, "take-up")
    desk.handle(deviation, "close")
    assert desk.step(system, "register") == "registered"


def test_the_day_for_measures_is_set_where_measures_are_required_and_nowhere_else(desk: Desk) -> None:
    """The producer could give himself the rest of the century, and a closed deviation a day in the past."""
    deviation, day = desk.deviation(desk.registered()), TODAY + timedelta(days=30)
    for name, role in (
        ("take-up", Role.AUTHORITY), ("report-correction", Role.PRODUCER), ("close", Role.AUTHORITY),
    ):  # fmt: skip
        for other in (date(2099, 1, 1), date(1999, 1, 1)):
            with pytest.raises(Misuse, match=f"The step '{name}' sets no day"):
                desk.handle(deviation, name, role, deadline=other)
        desk.handle(deviation, name, role)
        if name == "take-up":
            desk.handle(deviation, "require-measures", deadline=day)
        assert desk.office.deviation(deviation).deadline == day


def test_a_notice_goes_back_and_forth_and_a_change_is_handled_anew(desk: Desk) -> None:
    system = desk.registered()
    assert desk.step(system, "report-change", Role.PRODUCER) == "notified"
    assert desk.step(system, "return") == "returned"
    assert desk.step(system, "complete", Role.PRODUCER) == "notified"
    assert desk.step(system, "register") == "registered"
    assert desk.step(system, "withdraw", Role.PRODUCER) == "withdrawn"
    assert [one.id for one in desk.office.systems()] == [system]


def _with(action: Callable[[Desk, str], object]) -> Callable[[Desk], object]:
    return lambda desk: action(desk, desk.registered())


REFUSALS: list[tuple[str, Callable[[Desk], object]]] = [
    ("supervision.system.known", lambda d: d.office.system("TEST-IS-0001")),
    ("supervision.system.known", lambda d: d.office.usability("'; DROP TABLE")),
    ("supervision.system.class", lambda d: d.notified("C")),
    ("supervision.system.class", lambda d: d.notified(kind="toaster")),
    ("supervision.system.described", lambda d: d.notified(name=" ")),
    ("supervision.system.described", lambda d: d.notified(purpose="x" * 501)),
    ("supervision.system.described", lambda d: d.notified(producer="a\x00")),
    ("supervision.state", _with(lambda d, s: d.step(s, "register"))),
    ("supervision.actor", _with(lambda d, s: d.step(s, "bar", Role.PRODUCER))),
    ("supervision.reason", _with(lambda d, s: d.step(s, "bar", reason=" "))),
    ("supervision.reason", _with(lambda d, s: d.step(s, "bar", reason="of 170181-936V"))),
    ("supervision.reason", _with(lambda d, s: d.deviation(s, description=""))),
    ("supervision.security-certificate", lambda d: d.step(d.notified("A1"), "register")),
    ("supervision.evidence.described", _with(lambda d, s: d.office.attach(
        s, CERTIFICATE, number="", issuer="x", issued_on=TODAY, actor="x"))),
    ("supervision.evidence.period", _with(lambda d, s: d.attach(s, CERTIFICATE, TODAY + timedelta(days=1)))),
    ("supervision.evidence.period", _with(lambda d, s: d.attach(s, CERTIFICATE, TODAY, date(2029, 5, 5)))),
    ("supervision.evidence.period", _with(lambda d, s: d.attach(s, JOINT_TEST, TODAY, date(2026, 5, 3)))),
    ("supervision.deviation.known", lambda d: d.office.deviation("TEST-DEV-0001")),
    ("supervision.deviation.weight", _with(lambda d, s: d.deviation(s, "grave"))),
    ("supervision.deviation.deadline", _with(lambda d, s: (
        d.handle(d.deviation(s), "take-up"), d.handle("TEST-DEV-0001", "require-measures", deadline=TODAY)))),
]  # fmt: skip

TESTED_ABOVE = {
    "supervision.joint-test", "supervision.joint-test.conditions", "supervision.deviation.open",
    "supervision.renewal", "supervision.registered",
}  # fmt: skip


@pytest.mark.parametrize(("rule", "action"), REFUSALS)
def test_a_refusal_names_its_rule_and_leaves_the_journal_whole(
    desk: Desk, rule: str, action: Callable[[Desk], object]
) -> None:
    with pytest.raises(Refused) as caught:
        action(desk)
    assert caught.value.rule == rule
    assert caught.value.advice
    with desk.registers.records.look() as session:
        assert first_break(session) is None


def test_every_rule_has_its_test_and_is_used() -> None:
    rules = set(supervision_rules().rules)
    assert {rule for rule, _ in REFUSALS} | TESTED_ABOVE == rules
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in package_file("valvira", "supervision").rglob("*")
        if path.suffix in (".py", ".yaml") and path.name != "rules.yaml"
    )
    assert [rule for rule in sorted(rules) if rule not in text] == []


def test_machines_are_drawn_and_values_are_json(desk: Desk) -> None:
    assert "registered --> barred: bar" in system_machine().mermaid()
    assert deviation_machine().final_states() == ("closed",)
    system = desk.registered()
    told = json.dumps(as_json(desk.office.system(system)))
    assert '"valid_to": "2029-05-04"' in told
    assert json.dumps(as_json(desk.office.usability(system)))


def test_a_29th_of_february_has_a_day_three_years_later(desk: Desk) -> None:
    system = desk.notified("A1")
    desk.attach(system, CERTIFICATE, date(2024, 2, 29))
    assert desk.office.system(system).evidence[0].valid_to == date(2027, 2, 28)
