"""What was decided about rights, as whoever keeps a copy of the register learns of it: in order, with its day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from databases import database_url
from registers_world import NOON, Registers, open_registers


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def test_decisions_are_told_in_order_to_whoever_must_know(registers: Registers) -> None:
    """The switch "revoke on removal" and every sweep would miss a removal."""
    number, later = registers.number("nurse"), NOON + timedelta(days=3)
    registers.valvira.restrict_right(number, "T06", ["10"], actor="x", reason="x")
    first = registers.valvira.changes()[-1]
    registers.valvira.remove_right(number, "T06", actor="x", reason="x", effective_at=later)
    registers.valvira.restore_right(number, "T06", actor="x", reason="x")
    told = registers.valvira.changes(after=first.number)
    assert [(one.decision, one.code, one.effective_at) for one in told] == [
        ("remove-right", "T06", later),
        ("restore-right", "T06", NOON),
    ]
    assert {one.registration_number for one in told} == {number}
    assert registers.valvira.changes(after=told[-1].number) == []


def test_a_change_tells_the_first_day_of_the_right_and_not_the_day_of_the_decision(registers: Registers) -> None:
    """Who keeps a copy of the register would give access years too early, or miss what is in force from before."""
    hetu, number = registers.hetu("nurse"), registers.number("nurse")
    days = {"T07": date(2030, 1, 1), "T08": date(2026, 1, 1)}
    for code, day in days.items():
        registers.valvira.grant_right(hetu, code, actor="x", valid_from=day)
    why = {"actor": "x", "reason": "x"}
    registers.valvira.remove_right(number, "T07", **why)
    registers.valvira.restore_right(number, "T07", **why)
    winter = timedelta(hours=2)
    began = {code: datetime(day.year, day.month, day.day, tzinfo=UTC) - winter for code, day in days.items()}
    assert [(one.decision, one.effective_at) for one in registers.valvira.changes()] == [
        ("grant-right", began["T07"]), ("grant-right", began["T08"]), ("remove-right", NOON),
        ("restore-right", began["T07"]),
    ]  # fmt: skip


def test_a_grant_that_was_written_down_by_an_earlier_release_tells_its_first_day_too(registers: Registers) -> None:
    """Its entry in the journal holds the day alone, and a workspace lives longer than a release."""
    with registers.records.change("valvira", "x") as tx:
        tx.journal("grant-right", registers.number("nurse").value, code="T07", valid_from="2030-01-01", valid_to="")
    (told,) = registers.valvira.changes()
    assert told.effective_at == datetime(2029, 12, 31, 22, tzinfo=UTC)
