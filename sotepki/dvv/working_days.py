"""Finnish working days: Monday to Friday, without public holidays and the eves that are kept as such."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache


def is_working_day(day: date) -> bool:
    """Whether offices work on ``day``; Midsummer Eve and Christmas Eve are days off, as the library has them."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def add_working_days(day: date, count: int) -> date:
    """The ``count``-th working day after ``day``, which itself is not counted."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


@cache
def _holidays(year: int) -> frozenset[date]:
    import holidays  # every command would wait for the calendars of all countries

    return frozenset(holidays.country_holidays("FI", years=year))
