"""Other spellings and moments that a changed signatureTimestamp may have had when it was signed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from lxml import etree

from sotepki.clock import HELSINKI
from sotepki.documents.times import read_hl7_time, read_signature_time
from sotepki.xmldsig import canonicalise

_SPAN = 3600


def timestamp_candidates(
    timestamp: etree._Element, *, prefixes: Sequence[str] = ()
) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Canonical forms of the timestamp with other texts: other spellings of the same moment, other seconds within an
    hour, and the moments that the document writes elsewhere.
    """
    octets = canonicalise(timestamp, prefixes=prefixes)
    match = re.fullmatch(rb"(<[^<>]*>)([^<>]*)(</[^<>]*>)", octets, re.DOTALL)
    if match is None:
        return
    text = match[2].decode()
    for other in _texts(text, timestamp):
        if other != text:
            yield ("timestamp.changed",), match[1] + other.encode() + match[3]


def _texts(text: str, timestamp: etree._Element) -> Iterator[str]:
    yield text.strip()
    yield f"\n{text.strip()}\n"
    now = read_signature_time(text)
    root = timestamp.getroottree().getroot()
    values = (element.get("value") or "" for element in root.iter("{*}effectiveTime", "{*}time", "{*}creationTime"))
    others = {moment for value in values if (moment := read_hl7_time(value)) is not None}
    for moment in ([now] if now else []) + sorted(others):
        yield from _spellings(moment)
    if now is None:
        return
    fraction = re.search(r"\.\d+", text)
    for shift in range(-_SPAN, _SPAN + 1):
        yield from _seconds(now + timedelta(seconds=shift) if _near(now) else now, fraction[0] if fraction else "")
    for step in range(1, 10000):
        yield re.sub(r"\.\d+|(?=Z|[+-]\d\d:\d\d$)", f".{step:04d}", text, count=1)
    for step in range(1000):
        yield re.sub(r"\.\d+|(?=Z|[+-]\d\d:\d\d$)", f".{step:03d}", text, count=1)


def _near(moment: datetime) -> bool:
    return 1900 < moment.year < 9000


def _spellings(moment: datetime) -> Iterator[str]:
    local = moment.astimezone(HELSINKI) if _near(moment) else moment
    for at in (moment.astimezone(UTC), local):
        stem, zone = at.strftime("%Y-%m-%dT%H:%M:%S"), at.strftime("%z")
        zones = ("Z", "+00:00", "") if at.utcoffset() == timedelta(0) else (f"{zone[:3]}:{zone[3:]}", "")
        micro = f"{at.microsecond:06d}"
        fractions = ["", *(f".{micro[:digits]}" for digits in range(1, 7)), f".{micro}0", f".{micro}000"]
        fractions.append(f".{micro.rstrip('0')}" if at.microsecond else "")
        for fraction in dict.fromkeys(fractions):
            for ending in zones:
                yield stem + fraction + ending


def _seconds(moment: datetime, fraction: str) -> Iterator[str]:
    utc, local = moment.astimezone(UTC), moment.astimezone(HELSINKI) if _near(moment) else moment
    zone = local.strftime("%z")
    yield utc.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
    yield local.strftime("%Y-%m-%dT%H:%M:%S") + fraction + f"{zone[:3]}:{zone[3:]}"
    if fraction:
        yield utc.strftime("%Y-%m-%dT%H:%M:%SZ")
