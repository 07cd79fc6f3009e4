"""Injected time. Nothing else in the package asks the machine what time it is."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

HELSINKI = ZoneInfo("Europe/Helsinki")


class Clock(Protocol):
    """The time of a workspace."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class AdjustableClock(Clock, Protocol):
    """A time that can be moved: that of a workspace whose user wants to see what the next year brings."""

    def advance(self, step: timedelta) -> None:
        """Move the time forward by ``step``."""
        ...


@dataclass
class SystemClock:
    """The machine's time, moved by ``offset`` (a trainer who wants to see next year adds 365 days)."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, step: timedelta) -> None:
        """Move the time forward by ``step``."""
        self.offset += step


@dataclass
class SetClock:
    """A clock that stands still until it is moved; for tests and for reproducible runs."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def advance(self, step: timedelta) -> None:
        """Move the time forward (or back) by ``step``."""
        self.moment += step


def finnish_day(moment: datetime) -> date:
    """The calendar day in Finland at ``moment``."""
    return moment.astimezone(HELSINKI).date()


def written_day(day: date, language: str) -> str:
    """A day as a letter in ``fi`` or ``sv`` has it, 2.3.2026; in another language 2026-03-02."""
    return f"{day.day}.{day.month}.{day.year}" if language in ("fi", "sv") else day.isoformat()


def end_of_finnish_day(day: date) -> datetime:
    """The last second of ``day`` in Finland, in UTC: 20:59:59Z in summer time, 21:59:59Z in winter time.

    This is where DVV's end-entity certificates end (docs/field/pki.md 3, row notBefore / notAfter: confirmed).
    """
    return datetime.combine(day, time(23, 59, 59), HELSINKI).astimezone(UTC)


def months_after(day: date, months: int) -> date:
    """The same day ``months`` later (or before), or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
