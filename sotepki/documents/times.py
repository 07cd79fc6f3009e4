"""The two ways in which documents write a moment: HL7 TS attributes, and xs:dateTime in signatureTimestamp."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from sotepki.clock import HELSINKI

_DATE_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_TS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(?:\.\d{1,4})?)?)?([+-]\d{4})?", re.ASCII)


def hl7_time(moment: datetime) -> str:
    """``YYYYMMDDHHMMSS+ZZZZ`` in Finnish time, as HL7 TS."""
    return moment.astimezone(HELSINKI).strftime("%Y%m%d%H%M%S%z")


def signature_time(moment: datetime) -> str:
    """xs:dateTime in UTC with six decimals and ``Z`` (docs/field/kanta.md 3.2, row timestamp value: confirmed)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_signature_time(text: str) -> datetime | None:
    """The moment of an xs:dateTime with a time zone; None if it is not one. Decimals beyond six are cut."""
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None or match[8] is None:
        return None
    microsecond = int((match[7] or "0")[:6].ljust(6, "0"))
    try:
        year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
        return datetime(year, month, day, hour, minute, second, microsecond, _zone(match[8])).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_hl7_time(text: str) -> datetime | None:
    """The moment of an HL7 TS, in Finnish time if no zone is written; None if it is not one."""
    match = _TS.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        zone = _zone(f"{match[7][:3]}:{match[7][3:]}") if match[7] else HELSINKI
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("no such time zone")
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
