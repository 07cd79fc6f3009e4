"""Periods of rights: from the first moment of a Finnish day, until a removal or the end of the last day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sotepki.clock import HELSINKI
from sotepki.errors import Fault

_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def start_of_finnish_day(day: date) -> datetime:
    """The first moment of ``day`` in Finland, in UTC."""
    return datetime.combine(day, time(0), HELSINKI).astimezone(UTC)


def in_reach(day: date) -> bool:
    """Whether a day is one that the register can hold: a bound against typing mistakes, not a rule of law."""
    return _FIRST_YEAR <= day.year <= _LAST_YEAR


def over_at(valid_to: date | None, ended_at: datetime | None) -> datetime | None:
    """The first moment at which a right is not in force any more; None until further notice."""
    ends = [ended_at] if ended_at else []
    if valid_to:
        ends.append(start_of_finnish_day(valid_to + timedelta(days=1)))
    return min(ends, default=None)


def overlap(first: tuple[datetime, datetime | None], second: tuple[datetime, datetime | None]) -> bool:
    """Whether two periods (beginning, first moment after) have a moment in common."""
    return (second[1] is None or first[0] < second[1]) and (first[1] is None or second[0] < first[1])


def aware(at: datetime) -> datetime:
    """``at`` itself; a time without a zone is refused, since it would be read as another moment elsewhere."""
    if at.tzinfo is None:
        raise Fault("A register was asked about a time without a time zone.")
    return at
