"""Changes that a hostile or broken sender makes to a signed document: to bytes, to tags, and between documents."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_TAG = re.compile(rb"<[^<>]{1,400}>")
_ELEMENT = re.compile(rb"<([A-Za-z:][\w:.-]*)[^<>]*>[^<]*</\1>|<[A-Za-z:][^<>]*/>")
_ATTRIBUTE = re.compile(rb"""[\w:.-]+=(?:"[^"<]*"|'[^'<]*')""")
_TEXT = re.compile(rb">([^<>]{1,6000})<")

TOKENS: Sequence[bytes] = (
    b"<", b">", b"/>", b"</", b"&", b"&amp;", b"&#0;", b"&#13;", b"&lt;", b"]]>", b"<![CDATA[", b"<!--", b"-->",
    b"<?x y?>", b"<!DOCTYPE a>", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\r\n", b'"', b"'", b"=", b" ID=\"x\"",
    b' Id="OID1.2.246.10.12345671.93.2026.1"', b' xmlns="urn:hl7-org:v3"', b' xmlns:hl7fi="urn:x"', b' xmlns:ds=""',
    b"#", b"#xpointer(/)", b'URI=""', b"http://www.w3.org/2001/10/xml-exc-c14n#",
    b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", b"http://www.w3.org/TR/1999/REC-xpath-19991116",
    b"http://www.w3.org/2000/09/xmldsig#enveloped-signature", b"http://www.w3.org/2000/09/xmldsig#sha1",
    b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    b"ancestor-or-self::hl7:structuredBody", b'code="4"', b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00",
    b"2026-03-01T09:15:30.123456Z", b"MA==", b"=====", b"A" * 300, b"131052-308T", "äÄ€".encode(), b"1" * 40,
)  # fmt: skip


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """``data`` with one to three changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_CHANGES)(data, others, chance)
    return data


def _token(data: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(TOKENS) + data[place + chance.choice((0, 0, 1, 7)) :]


def _cut(data: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + data[place + chance.randint(1, 60) :]


def _flip(data: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def _swap(data: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    first, second = _piece(_ELEMENT, data, chance), _piece(_ELEMENT, data, chance)
    if first is None or second is None or first.end() > second.start():
        return data
    between = data[first.end() : second.start()]
    return data[: first.start()] + second[0] + between + first[0] + data[second.end() :]


def _copy(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    source, target = _piece(_ELEMENT, chance.choice(others), chance), _piece(_TAG, data, chance)
    if source is None or target is None:
        return data
    return data[: target.end()] + source[0] + data[target.end() :]


def _drop(data: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    found = _piece(chance.choice((_ELEMENT, _ATTRIBUTE)), data, chance)
    return data if found is None else data[: found.start()] + data[found.end() :]


def _attribute(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    target, source = _piece(_ATTRIBUTE, data, chance), _piece(_ATTRIBUTE, chance.choice(others), chance)
    if target is None or source is None:
        return data
    name, value = target[0].partition(b"=")[0], source[0].partition(b"=")[2]
    return data[: target.start()] + name + b"=" + value + data[target.end() :]


def _text(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    target, source = _piece(_TEXT, data, chance), _piece(_TEXT, chance.choice(others), chance)
    if target is None or source is None:
        return data
    new = source[1] if chance.random() < 0.5 else chance.choice(TOKENS)
    return data[: target.start(1)] + new + data[target.end(1) :]


_CHANGES: Sequence[Callable[[bytes, Sequence[bytes], random.Random], bytes]] = (
    _token, _cut, _flip, _swap, _copy, _drop, _attribute, _attribute, _text, _text,
)  # fmt: skip


def _piece(pattern: re.Pattern[bytes], data: bytes, chance: random.Random) -> re.Match[bytes] | None:
    """A match somewhere, found from a random place on, so that long documents need not be searched as a whole."""
    start = chance.randint(0, len(data))
    return pattern.search(data, start) or pattern.search(data)
