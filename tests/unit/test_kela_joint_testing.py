"""The register of joint tests: Kela's deadlines and order hold, and statements are numbered as in its lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from databases import database_url

from sotepki.clock import SetClock, months_after
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.kela.joint_testing import JointTests, SystemClass
from sotepki.records import Database, JournalEntry, Records, first_break

SUPPLIER = Oid("1.2.246.10.99000106.10.0")


@pytest.fixture
def tests(tmp_path: Path) -> Iterator[JointTests]:
    clock = SetClock(datetime(2026, 1, 30, 12, tzinfo=UTC))
    records = Records(Database(database_url(tmp_path / "db")), clock, tmp_path / "outbox")
    records.database.create_tables()
    yield JointTests(records)
    records.database.close()


def _register(
    tests: JointTests,
    begins_on: date = date(2026, 4, 1),
    kind: SystemClass = SystemClass.A2,
    received_on: date | None = None,
) -> int:
    return tests.register(
        system="Kaarna TEST",
        supplier=SUPPLIER,
        system_class=kind,
        content="sosiaalihuollon asiakastietovaranto",
        begins_on=begins_on,
        actor="vendor",
        received_on=received_on,
    )


def _begun(tests: JointTests) -> int:
    """A joint test of which the registration came in autumn, and which began a fortnight ago."""
    return _register(tests, date(2026, 1, 15), received_on=date(2025, 11, 14))


def _passed(tests: JointTests) -> int:
    number = _begun(tests)
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    tests.finish_phase(number, 1, passed=True, actor="kela")
    return number


@pytest.mark.parametrize("kind", [SystemClass.A1, SystemClass.B])
def test_a_class_that_is_not_jointly_tested_is_sent_away(tests: JointTests, kind: SystemClass) -> None:
    with pytest.raises(Refused) as refused:
        _register(tests, kind=kind)
    assert refused.value.rule == "joint.class"


@pytest.mark.parametrize("kind", [SystemClass.A2, SystemClass.A3, SystemClass.WELLBEING_A])
def test_the_classes_that_are_jointly_tested_are_taken(tests: JointTests, kind: SystemClass) -> None:
    assert tests.state(_register(tests, kind=kind)).system_class is kind


def test_a_supplier_that_is_in_no_register_is_taken(tests: JointTests) -> None:
    """A manufacturer is not refused for an entry that no source asks of it."""
    assert tests.state(_register(tests)).supplier == SUPPLIER


def test_registration_closes_two_months_before_the_beginning(tests: JointTests) -> None:
    assert months_after(date(2026, 1, 30), 2) == date(2026, 3, 30)
    assert months_after(date(2025, 12, 31), 2) == date(2026, 2, 28)
    _register(tests, date(2026, 3, 30))
    with pytest.raises(Refused) as refused:
        _register(tests, date(2026, 3, 29))
    assert refused.value.rule == "joint.deadline"


def test_a_registration_entered_later_counts_from_the_day_it_came(tests: JointTests) -> None:
    _register(tests, date(2026, 2, 14), received_on=date(2025, 12, 14))
    for begins_on, received_on, rule in (
        (date(2026, 2, 13), date(2025, 12, 14), "joint.deadline"),
        (date(2026, 6, 1), date(2026, 1, 31), "joint.received"),
    ):
        with pytest.raises(Refused) as refused:
            _register(tests, begins_on, received_on=received_on)
        assert refused.value.rule == rule


def test_no_phase_is_finished_before_the_test_begins(tests: JointTests) -> None:
    """A result dated before the day that Kela and the supplier agreed on would make the register a fiction."""
    number = _register(tests, date(2026, 3, 30))
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    clock = tests.records.clock
    assert isinstance(clock, SetClock)
    for moment in (clock.moment, datetime(2026, 3, 29, 20, 59, tzinfo=UTC)):
        clock.moment = moment
        with pytest.raises(Refused, match="begins on 2026-03-30") as refused:
            tests.finish_phase(number, 1, passed=True, actor="kela")
        assert refused.value.rule == "joint.begun"
    clock.moment = datetime(2026, 3, 29, 21, 0, tzinfo=UTC)
    tests.finish_phase(number, 1, passed=True, actor="kela")
    assert tests.state(number).phases == {1: True}


def test_there_is_no_joint_testing_in_july(tests: JointTests) -> None:
    with pytest.raises(Refused) as refused:
        _register(tests, date(2026, 7, 1))
    assert refused.value.rule == "joint.july"


def test_testing_begins_only_when_the_pretests_are_in_order(tests: JointTests) -> None:
    number = _begun(tests)
    for errors in (None, 2):
        if errors is not None:
            tests.report_pretests(number, significant_errors=errors, actor="vendor")
        with pytest.raises(Refused) as refused:
            tests.finish_phase(number, 1, passed=True, actor="kela")
        assert refused.value.rule == "joint.pretests"
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    tests.finish_phase(number, 1, passed=True, actor="kela")
    assert tests.state(number).phases == {1: True}


def test_phases_keep_their_order_and_a_failed_one_may_be_repeated(tests: JointTests) -> None:
    number = _begun(tests)
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    for phase in (0, 2, 3, 4):
        with pytest.raises(Refused):
            tests.finish_phase(number, phase, passed=True, actor="kela")
    tests.finish_phase(number, 1, passed=False, actor="kela")
    with pytest.raises(Refused):
        tests.finish_phase(number, 2, passed=True, actor="kela")
    tests.finish_phase(number, 1, passed=True, actor="kela")
    tests.finish_phase(number, 2, passed=True, actor="kela")
    assert tests.state(number).phases == {1: True, 2: True}


def test_no_statement_before_phase_one_nor_with_a_failed_phase(tests: JointTests) -> None:
    number = _begun(tests)
    with pytest.raises(Refused):
        tests.give_statement(number, actor="kela")
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    tests.finish_phase(number, 1, passed=True, actor="kela")
    tests.finish_phase(number, 2, passed=False, actor="kela")
    with pytest.raises(Refused):
        tests.give_statement(number, actor="kela")


def test_no_statement_after_errors_were_reported_at_the_end(tests: JointTests) -> None:
    """A supplier who finds errors once all phases are passed would otherwise be approved with them."""
    number = _passed(tests)
    tests.report_pretests(number, significant_errors=4, actor="vendor")
    with pytest.raises(Refused) as refused:
        tests.give_statement(number, actor="kela")
    assert (refused.value.rule, bool(refused.value.advice)) == ("joint.pretests", True)
    tests.report_pretests(number, significant_errors=0, actor="vendor")
    assert tests.give_statement(number, actor="kela").number == "12026"


def test_statements_are_numbered_within_the_year_and_dated_in_the_finnish_form(tests: JointTests) -> None:
    first, second = _passed(tests), _passed(tests)
    statement = tests.give_statement(first, actor="kela")
    assert (statement.number, statement.date) == ("12026", "30.1.2026")
    assert tests.give_statement(first, actor="kela") == statement, "the same question gets the same statement"
    assert tests.give_statement(second, actor="kela").number == "22026"
    assert [state.statement is not None for state in tests.all()] == [True, True]


def test_an_unknown_joint_test_is_named(tests: JointTests) -> None:
    for call in (
        lambda: tests.state(7),
        lambda: tests.give_statement(7, actor="kela"),
        lambda: tests.report_pretests(7, significant_errors=0, actor="vendor"),
    ):
        with pytest.raises(Refused, match="7"):
            call()


def test_a_refusal_leaves_its_rule_behind_and_every_step_is_in_the_journal(tests: JointTests) -> None:
    with pytest.raises(Refused):
        _register(tests, kind=SystemClass.A1)
    tests.give_statement(_passed(tests), actor="kela")
    with tests.records.look() as session:
        actions = [entry.action for entry in session.query(JournalEntry).order_by(JournalEntry.sequence)]
        assert first_break(session) is None
    assert actions == [
        "refused",
        "joint test registered",
        "pre-test cases reported",
        "joint test phase done",
        "joint testing statement given",
        "approval entered",
    ]
