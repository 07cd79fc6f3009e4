"""Joint testing as a process: entry rules of the phases, deadlines as reminders, and what a change touches.

The texts and their evidence are in ``process.yaml``. Deadlines remind; they decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from conformance.declaring import Area
from conformance.requirements import Phase
from sotepki.clock import months_after
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Grade, load_yaml, refuse_unknown_keys

_FILE = Path(__file__).resolve().parent / "process.yaml"
_SATURDAY = 5


class CountedTo(StrEnum):
    """The day from which a deadline is counted."""

    TESTING = "testing"
    NOTICE = "notice"
    CERTIFICATE = "certificate"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True)
class Entry:
    """What must hold before a phase begins; ``text`` by language."""

    text: Mapping[str, str]
    source: str
    grade: Grade


@dataclass(frozen=True)
class Deadline:
    """A day that a supplier must not miss.

    Attributes:
        months: so many months before the day it is counted to.
        business_days: or so many business days before; negative means after.
    """

    id: str
    counted_to: CountedTo
    text: Mapping[str, str]
    source: str
    grade: Grade
    months: int = 0
    business_days: int = 0

    def on(self, day: date) -> date:
        """The deadline when the thing itself is on ``day``.

        Public holidays are not counted out, which for a day after the event errs on the early side.
        """
        if self.months:
            return months_after(day, -self.months)
        step, left = (-1 if self.business_days > 0 else 1), abs(self.business_days)
        while left:
            day += timedelta(days=step)
            left -= day.weekday() < _SATURDAY
        return day


@dataclass(frozen=True)
class Process:
    """The contents of ``process.yaml``."""

    entries: Mapping[Phase, Entry]
    deadlines: tuple[Deadline, ...]
    closed_months: frozenset[int]
    closed: Entry
    changes: Mapping[str, frozenset[Area]]


@dataclass(frozen=True)
class Reminder:
    """One line of the calendar: do this by ``day``."""

    day: date
    text: Mapping[str, str]
    source: str
    grade: Grade
    late: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "text": dict(self.text),
            "source": self.source,
            "grade": str(self.grade),
            "late": self.late,
        }


@cache
def process() -> Process:
    """The process as data, read once.

    Raises:
        Fault: the file has an unknown key or value.
    """
    raw = load_yaml(_FILE)
    refuse_unknown_keys(raw, {"phases", "deadlines", "closed", "changes"}, _FILE.name)
    refuse_unknown_keys(raw.get("closed"), {"months", "text", "source", "grade"}, f"{_FILE.name}, closed")
    try:
        closed = dict(raw["closed"])
        months = frozenset(int(month) for month in closed.pop("months"))
        return Process(
            entries={
                Phase(name): Entry(row["entry"], row["source"], Grade(row["grade"]))
                for name, row in raw["phases"].items()
            },
            deadlines=tuple(
                Deadline(
                    id=name,
                    **{**row, "counted_to": CountedTo(row["counted_to"]), "grade": Grade(row["grade"])},
                )
                for name, row in raw["deadlines"].items()
            ),
            closed_months=months,
            closed=Entry(closed["text"], closed["source"], Grade(closed["grade"])),
            changes={name: frozenset(Area(area) for area in areas) for name, areas in raw["changes"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"The file {_FILE.name} is not well formed: {error}.") from None


def areas_of_changes(names: Iterable[str]) -> frozenset[Area]:
    """The areas whose cases a change touches; empty if no change is named.

    Raises:
        Misuse: there is no such kind of change.
    """
    known = process().changes
    found: set[Area] = set()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"There is {', '.join(known)}."
            raise Misuse(f"There is no kind of change {name!r}.", advice=advice, subject=name)
        found |= known[name]
    return frozenset(found)


def reminders(days: Mapping[CountedTo, date], today: date) -> list[Reminder]:
    """The calendar before and after the days that are planned, in order; a day in a closed month is named first."""
    facts = process()
    found = [
        Reminder(row.on(days[row.counted_to]), row.text, row.source, row.grade, row.on(days[row.counted_to]) < today)
        for row in facts.deadlines
        if row.counted_to in days
    ]
    found.sort(key=lambda reminder: reminder.day)
    tested = sorted(days[kind] for kind in (CountedTo.TESTING, CountedTo.NOTICE) if kind in days)
    closed = facts.closed
    barred = [
        Reminder(day, closed.text, closed.source, closed.grade, True)
        for day in tested
        if day.month in facts.closed_months
    ]
    return barred + found
