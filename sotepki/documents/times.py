"""The two ways in which documents write a moment: HL7 TS attributes, and xs:dateTime in signatureTimestamp."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sotepki.clock import HELSINKI

_ZONE_HOURS = r"(?:0\d|1[0-4])"
_TIME_OF_DAY = r"(?:[01]\d|2[0-3])"
_DATE_TIME = re.compile(
    rf"\d{{4}}-\d\d-\d\dT{_TIME_OF_DAY}:\d\d:\d\d(?:\.\d{{1,12}})?(?:Z|[+-]{_ZONE_HOURS}:[0-5]\d)", re.ASCII
)
_TS = re.compile(rf"(\d{{8}})({_TIME_OF_DAY}\d\d(?:\d\d(?:\.\d{{1,4}})?)?)?([+-]{_ZONE_HOURS}[0-5]\d)?", re.ASCII)


def hl7_time(moment: datetime) -> str:
    """``YYYYMMDDHHMMSS+ZZZZ`` in Finnish time, as HL7 TS."""
    return moment.astimezone(HELSINKI).strftime("%Y%m%d%H%M%S%z")


def signature_time(moment: datetime) -> str:
    """xs:dateTime in UTC with six decimals and ``Z`` (docs/field/kanta.md 3.2, row timestamp value: confirmed)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_signature_time(text: str) -> datetime | None:
    """The moment of an xs:dateTime with a time zone; None if it is not one. Decimals beyond six are cut."""
    text = text.strip()
    if _DATE_TIME.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_hl7_time(text: str) -> datetime | None:
    """The moment of an HL7 TS, in Finnish time if no zone is written; None if it is not one. Decimals are cut."""
    match = _TS.fullmatch(text.strip())
    if match is None:
        return None
    day, time, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{(time or '')[:6]:0<6}{zone or ''}")
        return (moment if zone else moment.replace(tzinfo=HELSINKI)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
