"""Kela's register of approved systems and notices of change: which version is covered, and what a change needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import database_url

from sotepki.clock import SetClock
from sotepki.errors import Refused
from sotepki.evidence import RuleBook
from sotepki.identifiers import Oid
from sotepki.kela import Approvals, ChangeNotice, ChangeNotices, JointTestRole, JointTests, SystemClass
from sotepki.records import Database, Records
from sotepki.resources import package_file

SUPPLIER, OTHER = Oid("1.2.246.10.99000106.10.0"), Oid("1.2.246.10.99000093.10.0")
FIRST, NOTICE = "TEST-KJ-0001", "TEST-KM-0001"


@dataclass
class Kela:
    clock: SetClock
    tests: JointTests
    approvals: Approvals
    notices: ChangeNotices

    def test(
        self, version: str = "1", system: str = "Kaiku", supplier: Oid = SUPPLIER, content: str = "archive"
    ) -> int:
        today = self.clock.now().date()
        return self.tests.register(
            system=system, version=version, supplier=supplier, system_class=SystemClass.A2, content=content,
            begins_on=today, received_on=today - timedelta(days=70), actor="x",
        )  # fmt: skip

    def approve(
        self, version: str = "1", system: str = "Kaiku", supplier: Oid = SUPPLIER, content: str = "archive"
    ) -> int:
        number = self.test(version, system, supplier, content)
        self.tests.report_pretests(number, significant_errors=0, actor="x")
        self.tests.finish_phase(number, 1, passed=True, actor="x")
        self.tests.give_statement(number, actor="x")
        return number

    def change(self, kind: str = "kanta-functions", version: str = "2", **changes: object) -> ChangeNotice:
        wanted = {"description": "new message", "effective_on": date(2026, 4, 1), **changes}
        return self.notices.report(FIRST, kind, version=version, actor="x", **wanted)  # type: ignore[arg-type]


@pytest.fixture
def kela(tmp_path: Path) -> Iterator[Kela]:
    clock = SetClock(datetime(2026, 1, 30, 12, tzinfo=UTC))
    records = Records(Database(database_url(tmp_path / "db")), clock, tmp_path / "outbox")
    records.database.create_tables()
    yield Kela(clock, JointTests(records), Approvals(records), ChangeNotices(records))
    records.database.close()


REFUSALS: dict[str, Callable[[Kela], object]] = {
    "joint.state": lambda kela: kela.tests.finish_phase(kela.approve(), 2, passed=True, actor="x"),
    "joint.actor": lambda kela: kela.tests.finish_phase(
        kela.test(), 1, passed=True, actor="x", role=JointTestRole.SUPPLIER
    ),
    "joint.described": lambda kela: kela.test(version=" "),
    "approval.known": lambda kela: kela.approvals.approval("TEST-KJ-7"),
    "approval.state": lambda kela: (kela.approve(), kela.approve("2"), kela.change(version="3")),
    "approval.actor": lambda kela: (
        kela.approve(),
        kela.approvals.withdraw(FIRST, reason="faulty", actor="x", role=JointTestRole.SUPPLIER),
    ),
    "approval.reason": lambda kela: (kela.approve(), kela.approvals.withdraw(FIRST, reason="", actor="x")),
    "approval.version": lambda kela: (kela.approve(), kela.approvals.require("Kaiku", "2")),
    "change.known": lambda kela: kela.notices.accept(NOTICE, actor="x"),
    "change.kind": lambda kela: kela.change("coffee"),
    "change.described": lambda kela: kela.change(description=""),
    "change.no-notice": lambda kela: kela.change("other"),
    "change.deadline": lambda kela: (kela.approve(), kela.change(effective_on=date(2026, 2, 27))),
    "change.state": lambda kela: (
        kela.approve(), kela.change(), kela.notices.accept(NOTICE, actor="x"), kela.notices.accept(NOTICE, actor="x"),
    ),
    "change.actor": lambda kela: (
        kela.approve(), kela.change(), kela.notices.accept(NOTICE, actor="x", role=JointTestRole.SUPPLIER),
    ),
    "change.reason": lambda kela: (
        kela.approve(), kela.change(), kela.notices.require_test(NOTICE, reason="", actor="x"),
    ),
    "change.tested": lambda kela: (
        kela.approve(), kela.change(), kela.notices.require_test(NOTICE, reason="new interface", actor="x"),
        kela.notices.accept(NOTICE, joint_test=kela.test("2"), actor="x"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", REFUSALS)
def test_a_step_refused(kela: Kela, rule: str) -> None:
    """What the rule forbids is refused under its id with advice."""
    with pytest.raises(Refused) as refused:
        REFUSALS[rule](kela)
    assert refused.value.rule == rule
    assert refused.value.advice


def test_every_rule_has_its_refusal() -> None:
    book = RuleBook.load(package_file("kela", "rules_approvals.yaml"))
    assert {rule.id for rule in book} == set(REFUSALS)


def test_a_statement_replaces_the_version_before_it_and_nothing_else(kela: Kela) -> None:
    """Systems of others, or for other content, would drop out of the register without a word."""
    kela.approve(system="Another")
    kela.approve(supplier=OTHER)
    kela.approve(content="prescriptions")
    kela.approve("1")
    kela.approve("2")
    assert [one.state for one in kela.approvals.all()] == ["approved", "approved", "approved", "replaced", "approved"]


def test_a_withdrawn_or_replaced_entry_does_not_bar_the_next_statement(kela: Kela) -> None:
    kela.approve("1")
    kela.approve("2")
    kela.approvals.withdraw("TEST-KJ-0002", reason="faulty", actor="x")
    kela.approve("3")
    assert [one.state for one in kela.approvals.all()] == ["replaced", "withdrawn", "approved"]


@pytest.mark.parametrize(
    ("tested", "settles"),
    [
        ({"version": "2"}, True),
        ({"version": "3"}, False),
        ({"version": "2", "system": "Another"}, False),
        ({"version": "2", "supplier": OTHER}, False),
    ],
)
def test_only_a_joint_test_of_that_version_of_that_system_settles_a_change(
    kela: Kela, tested: dict[str, Any], settles: bool
) -> None:
    kela.approve("1")
    kela.change(version="2")
    kela.notices.require_test(NOTICE, reason="new interface", actor="x")
    number = kela.approve(**tested, content="prescriptions")
    if settles:
        assert kela.notices.accept(NOTICE, joint_test=number, actor="x").state == "accepted"
        return
    with pytest.raises(Refused) as refused:
        kela.notices.accept(NOTICE, joint_test=number, actor="x")
    assert refused.value.rule == "change.tested"


@pytest.mark.parametrize("named", [77, "untested", "foreign"])
def test_a_joint_test_that_is_named_without_need_is_looked_at_too(kela: Kela, named: int | str) -> None:
    """The register would hold a change as tested by a test that is not there, not finished, or of another system."""
    kela.approve()
    kela.change()
    number = named if isinstance(named, int) else kela.test("2") if named == "untested" else kela.approve(system="B")
    with pytest.raises(Refused, match=r"change\.tested"):
        kela.notices.accept(NOTICE, joint_test=number, actor="x")
    assert kela.notices.accept(NOTICE, actor="x").joint_test is None


def test_a_change_that_was_tested_without_being_asked_is_accepted_with_its_test(kela: Kela) -> None:
    """A supplier that tests more than Kela wants would have no way to say so."""
    kela.approve()
    kela.change()
    assert kela.notices.accept(NOTICE, joint_test=kela.approve("2"), actor="x").joint_test == 2


def test_the_statement_brings_the_version_into_the_register(kela: Kela) -> None:
    kela.approve()
    entry = kela.approvals.require("Kaiku", "1")
    assert (entry.id, entry.state, entry.statement, entry.versions) == (FIRST, "approved", "12026", ("1",))
    assert kela.approvals.coverage("Korpi", "1").approval is None


def test_a_later_version_replaces_the_one_before(kela: Kela) -> None:
    """Two versions approved at once would let a hospital stay on the one that Kela has left behind."""
    kela.approve()
    kela.approve("2")
    kela.approve("1", system="Korpi")
    assert [one.state for one in kela.approvals.all()] == ["replaced", "approved", "approved"]
    assert "not covered" in kela.approvals.coverage("Kaiku", "1").reason
    assert kela.approvals.require("Kaiku", "2").id == "TEST-KJ-0002"


def test_an_accepted_change_is_covered_and_a_reported_one_is_not(kela: Kela) -> None:
    kela.approve()
    kela.change()
    assert kela.approvals.coverage("Kaiku", "2").approval is None
    kela.notices.accept(NOTICE, actor="x")
    assert kela.approvals.require("Kaiku", "2").versions == ("1", "2")


def test_an_urgent_fix_is_live_before_the_decision_and_not_after_it_was_taken_back(kela: Kela) -> None:
    kela.approve()
    kela.change("urgent-fix", "1.1", effective_on=None)
    assert "before Kela's decision" in kela.approvals.coverage("Kaiku", "1.1").reason
    kela.notices.cancel(NOTICE, actor="x")
    assert kela.approvals.coverage("Kaiku", "1.1").approval is None


def test_a_change_that_is_tested_comes_in_with_its_own_statement(kela: Kela) -> None:
    kela.approve()
    kela.change()
    kela.notices.require_test(NOTICE, reason="new interface", actor="x")
    done = kela.notices.accept(NOTICE, joint_test=kela.approve("2"), actor="x")
    assert (done.state, done.joint_test) == ("accepted", 2)
    assert kela.approvals.require("Kaiku", "2").id == "TEST-KJ-0002"
    with pytest.raises(Refused, match=r"change\.state"):
        kela.notices.cancel(NOTICE, actor="x")


def test_a_withdrawn_system_is_not_covered(kela: Kela) -> None:
    kela.approve()
    assert kela.approvals.withdraw(FIRST, reason="faulty signatures", actor="x").state == "withdrawn"
    assert kela.approvals.coverage("Kaiku", "1").reason == f"{FIRST} is withdrawn"


def test_a_withdrawn_system_gets_no_change_accepted(kela: Kela) -> None:
    """A notice that was reported before would bring a version into an entry that Kela has taken off the register."""
    kela.approve()
    kela.change()
    kela.approvals.withdraw(FIRST, reason="faulty signatures", actor="x")
    with pytest.raises(Refused, match=r"approval\.state"):
        kela.notices.accept(NOTICE, actor="x")


def test_a_required_test_is_not_the_one_that_the_system_came_in_with(kela: Kela) -> None:
    kela.approve()
    kela.change("certificate-renewal", "1", effective_on=date(2026, 9, 1))
    kela.notices.require_test(NOTICE, reason="new interface", actor="x")
    with pytest.raises(Refused, match=r"change\.tested"):
        kela.notices.accept(NOTICE, joint_test=1, actor="x")


def test_what_to_do_depends_on_whether_the_system_was_ever_approved(kela: Kela) -> None:
    with pytest.raises(Refused, match=r"approval\.version") as never:
        kela.approvals.require("Kaiku", "1")
    kela.approve()
    with pytest.raises(Refused, match=r"approval\.version") as other:
        kela.approvals.require("Kaiku", "2")
    assert ("joint testing" in never.value.advice, "notice" in other.value.advice) == (True, True)


def test_a_change_without_a_day_is_told_to_name_one(kela: Kela) -> None:
    kela.approve()
    with pytest.raises(Refused, match=r"change\.deadline") as refused:
        kela.change(effective_on=None)
    assert "Name the day" in refused.value.advice


def test_a_change_is_not_tested_in_july(kela: Kela) -> None:
    """A supplier would plan for a month in which nobody tests; a certificate may end in July all the same."""
    kela.approve()
    with pytest.raises(Refused, match=r"joint\.july"):
        kela.change(effective_on=date(2026, 7, 1))
    assert kela.change(effective_on=date(2026, 8, 1)).state == "reported"
    assert kela.change("certificate-renewal", "1", effective_on=date(2026, 7, 31)).state == "reported"


@pytest.mark.parametrize("text", ["Kaiku 131052-308T", "", "x" * 10_000, "a\x07b"])
def test_texts_of_the_register_are_one_line_and_name_nobody(kela: Kela, text: str) -> None:
    with pytest.raises(Refused, match=r"joint\.described"):
        kela.test(system=text)


def test_a_cancelled_joint_test_has_no_statement(kela: Kela) -> None:
    number = kela.test()
    kela.tests.cancel(number, actor="x")
    with pytest.raises(Refused, match=r"joint\.state"):
        kela.tests.give_statement(number, actor="x")
    assert kela.tests.state(number).as_dict()["state"] == "cancelled"


def test_renewal_is_taken_up_six_months_before_the_certificate_ends(kela: Kela) -> None:
    kela.approve()
    with pytest.raises(Refused, match=r"change\.deadline"):
        kela.change("certificate-renewal", "1", effective_on=date(2026, 7, 29))
    assert kela.change("certificate-renewal", "1", effective_on=date(2026, 7, 30)).state == "reported"
