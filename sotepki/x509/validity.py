"""Validity periods of profiles: how long at most, and where the end falls."""

from __future__ import annotations

from datetime import datetime, timedelta

from sotepki.clock import end_of_finnish_day, finnish_day, months_after
from sotepki.x509.profile_values import ValidityValue
from sotepki.x509.profiles import Profile


def default_not_after(profile: Profile, not_before: datetime) -> datetime:
    """The latest end that a profile allows for a beginning, in UTC to the second.

    An end-entity certificate ends with the last Finnish day before the anniversary of its beginning, so that it never
    lasts longer than the whole years it may. Decoded ones last exactly 1 and 2 years and end with a Finnish day
    (docs/field/pki.md 5.7 and 5.9, rows validity: confirmed); a public server certificate of 2023 begins at
    Finnish midnight and ends with the day before the same date. A 29 February counts as the 28th.
    """
    return latest_end(profile.value("validity", ValidityValue), not_before)


def latest_end(value: ValidityValue, not_before: datetime) -> datetime:
    """See ``default_not_after``."""
    start = not_before.replace(microsecond=0)
    if value.end_of_finnish_day:
        day = months_after(finnish_day(start), 12 * value.years) + timedelta(days=value.days - value.less_days - 1)
        return end_of_finnish_day(day)
    moved = datetime.combine(months_after(start.date(), 12 * value.years), start.timetz())
    return moved + timedelta(days=value.days - value.less_days)


def latest_tolerated_end(value: ValidityValue, not_before: datetime) -> datetime:
    """The latest end that is still within the years or days of a profile, for certificates of other makers.

    Whether the day of the anniversary itself may be used up is not known, so it counts whole.
    """
    latest = latest_end(value, not_before)
    return end_of_finnish_day(finnish_day(latest) + timedelta(days=1)) if value.end_of_finnish_day else latest


def ends_with_finnish_day(moment: datetime) -> bool:
    """Whether a moment is the last second of a day in Finland; one at the rim of the calendar is not."""
    try:
        return moment == end_of_finnish_day(finnish_day(moment))
    except (OverflowError, ValueError):  # 99991231235959Z, "no end" (RFC 5280 4.1.2.5), is a day later in Finland
        return False
