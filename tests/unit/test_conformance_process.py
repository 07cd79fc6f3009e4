"""Joint testing as a process: what is chosen, what bars a phase, and the days that must not be missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conformance import CaseVerdict, Selection
from conformance.catalogue import catalogue
from conformance.declaring import Area
from conformance.process import CountedTo, areas_of_changes, process, reminders
from conformance.report import Earlier, report_data, write_report
from conformance.requirements import Phase, Role, SystemClass, requirements
from conformance.running import RunOptions, run
from conformance.sut.facets import SystemFailed, SystemUnderTest
from conformance.verdicts import CaseResult, Summary
from sotepki.clock import SystemClock, months_after
from sotepki.errors import Misuse

TODAY = date(2027, 1, 15)


def test_pre_test_cases_come_first_and_phases_in_their_order() -> None:
    phases = [list(Phase).index(case.phase) for case in catalogue()]
    assert phases == sorted(phases)


def test_class_and_role_choose_the_cases() -> None:
    """A sender of documents must not be bothered with what only a card user does."""
    chosen = Selection(system_class=SystemClass.A2, roles=frozenset({Role.APPLICANT})).choose(catalogue())
    assert 0 < len(chosen) < len(catalogue())
    for case in chosen:
        actors = [requirements()[name].actor for name in case.requirements]
        assert any(Role.APPLICANT in actor.roles and SystemClass.A2 in actor.classes for actor in actors), case.id


def test_a_change_chooses_what_it_touches() -> None:
    assert Area.SIGNATURES in areas_of_changes(["signing"])
    assert Area.TLS in areas_of_changes(["signing", "tls"])
    assert Area.TLS not in areas_of_changes(["signing"])
    with pytest.raises(Misuse, match="Did you mean signing"):
        areas_of_changes(["sining"])


def test_every_area_is_touched_by_some_change() -> None:
    """A change that no case looks at would never be tested again."""
    assert areas_of_changes(process().changes) == frozenset(Area)


@pytest.mark.parametrize(
    ("counted_to", "day", "expected"),
    [
        (CountedTo.TESTING, date(2027, 4, 30), date(2027, 2, 28)),
        (CountedTo.NOTICE, date(2027, 3, 1), date(2027, 2, 1)),
        (CountedTo.CERTIFICATE, date(2027, 8, 31), date(2027, 2, 28)),
        (CountedTo.DEPLOYMENT, date(2027, 3, 5), date(2027, 3, 9)),  # Friday: Tuesday is the second business day
    ],
)
def test_deadlines_are_counted(counted_to: CountedTo, day: date, expected: date) -> None:
    (reminder,) = reminders({counted_to: day}, TODAY)
    assert (reminder.day, reminder.late) == (expected, False)
    assert set(reminder.text) == {"fi", "sv", "en"} and reminder.source and reminder.grade


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (2, date(2027, 3, 3)),
        (6, date(2027, 2, 25)),
        (-1, date(2027, 3, 8)),
        (-6, date(2027, 3, 15)),
        (0, date(2027, 3, 5)),
    ],
)
def test_business_days_are_counted_both_ways_over_weekends(days: int, expected: date) -> None:
    deadline = replace(process().deadlines[0], months=0, business_days=days)
    assert deadline.on(date(2027, 3, 5)) == expected


def test_the_calendar_is_in_the_order_of_days_and_today_is_not_late() -> None:
    days = {
        CountedTo.DEPLOYMENT: date(2027, 3, 5),
        CountedTo.TESTING: date(2027, 5, 30),
        CountedTo.NOTICE: date(2027, 4, 9),
    }
    found = reminders(days, date(2027, 3, 9))
    assert [(one.day, one.late) for one in found] == [
        (date(2027, 3, 9), False), (date(2027, 3, 9), False), (date(2027, 3, 30), False),
    ]  # fmt: skip
    assert [one.late for one in reminders(days, date(2027, 3, 10))] == [True, True, False]


@pytest.mark.parametrize("tested", [CountedTo.TESTING, CountedTo.NOTICE])
def test_testing_in_july_and_a_missed_deadline_are_told(tested: CountedTo) -> None:
    """A system is not tested in July, neither for the first time nor after a change."""
    found = reminders({tested: date(2027, 7, 5), CountedTo.CERTIFICATE: date(2027, 7, 5)}, date(2027, 6, 20))
    assert ["July" in one.text["en"] for one in found] == [True, False, False]
    assert all(reminder.late for reminder in found)


def test_months_are_counted_to_the_end_of_a_short_month() -> None:
    assert months_after(date(2028, 3, 31), -1) == date(2028, 2, 29)
    assert months_after(date(2027, 1, 31), -2) == date(2026, 11, 30)


class Broken:
    def csrs(self) -> dict[object, bytes]:
        raise SystemFailed("It crashed.")


def test_a_phase_is_not_entered_while_the_one_before_it_fails(tmp_path: Path) -> None:
    early = next(c for c in catalogue() if c.area is Area.CSR)
    late = next(c for c in catalogue() if list(Phase).index(c.phase) > list(Phase).index(early.phase))
    sut = SystemUnderTest("Fake TEST", "files", csrs=Broken())  # type: ignore[arg-type]
    selection = Selection(cases=frozenset({early.id, late.id}))
    summary = run(sut, tmp_path, selection=selection, options=RunOptions(obey_phases=True))
    assert [r.verdict for r in summary.results] == [CaseVerdict.FAIL, CaseVerdict.WAITING]
    assert early.id in summary.results[1].reason
    rows = report_data(sut, summary)["process"]
    assert [row["open"] for row in rows if row["phase"] == late.phase] == [False]


def test_what_waits_can_be_resumed_and_the_rest_is_kept(tmp_path: Path) -> None:
    first, second = catalogue()[:2]
    now = SystemClock().now()
    sut = SystemUnderTest("Fake TEST", "files")
    old = (CaseResult(first.id, CaseVerdict.PASS), CaseResult(second.id, CaseVerdict.WAITING, "Nobody came."))
    write_report(tmp_path, sut, Summary("Fake TEST", now, now, old))
    earlier = Earlier.load(tmp_path)
    waiting = earlier.cases_with(CaseVerdict.WAITING)
    assert waiting == {second.id}
    summary = run(sut, tmp_path, selection=Selection(cases=waiting), options=RunOptions(resumed=earlier))
    assert {r.case: r.verdict for r in summary.results} == {first.id: CaseVerdict.PASS, second.id: CaseVerdict.SKIP}


def test_the_run_of_another_system_is_not_resumed(tmp_path: Path) -> None:
    """Its results would stand in the report as those of this one."""
    first, second = catalogue()[:2]
    now, other = SystemClock().now(), SystemUnderTest("Other TEST", "files")
    old = (CaseResult(first.id, CaseVerdict.PASS), CaseResult(second.id, CaseVerdict.WAITING, "Nobody came."))
    write_report(tmp_path / "old", other, Summary("Other TEST", now, now, old))
    resumed = RunOptions(resumed=Earlier.load(tmp_path / "old"))
    mine = SystemUnderTest("Fake TEST", "files")
    with pytest.raises(Misuse, match="of the system 'Other TEST', not of 'Fake TEST'"):
        run(mine, tmp_path / "new", selection=Selection(cases=frozenset({second.id})), options=resumed)
    assert not (tmp_path / "new").exists()
