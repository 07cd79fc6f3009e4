"""Personal identity codes anywhere in a document, and ids that should be such codes and are not."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from lxml import etree

from sotepki.documents.content import JSON_ELEMENT, EncodedPart
from sotepki.documents.vocabulary import HETU_ROOT
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.xmldsig import DS, XmlDocument

_CODE = re.compile(rb"(?<![0-9A-Za-z])[0-9]{6}[-+A-FU-Y](?!9)[0-9]{3}[0-9A-Y](?![0-9A-Za-z])")
_CODE_THEREABOUTS = re.compile(rb"(?s:.{0,2}?)(" + _CODE.pattern + rb")")
_SHAPE = b"000000-000"
_STEP, _SAMPLE, _MANY = 3, b"00", 300
_FEW = 50
_HEAD = 64
_TELLING_REFERENCE = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;)[#A-Za-z]")
_TELLING_ESCAPE = re.compile(rb"\\[bfnrtu]")
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)
_SHAPES = bytes(
    ord("0") if chr(code).isdigit() and code < 128 else ord("-") if chr(code) in "-+ABCDEFUVWXY" else ord(".")
    for code in range(256)
)


def real_looking_codes(
    document: XmlDocument, encoded: Mapping[etree._Element, EncodedPart]
) -> Iterator[tuple[str, etree._Element]]:
    """Every text that has the form of a hetu with a right check character and is not of the 900-series, with the
    element where it stands.

    Reads attributes, texts, comments, processing instructions, and what the elements ``encoded`` hold; certificates
    and signature values are left out.
    """
    if _may_hold_codes(document.data, encoded):
        yield from _in_markup(document.root, encoded)
        for aside in _asides(document.data):
            for code in _codes(aside):
                yield code, document.root
    for element, part in encoded.items():
        for text in _readable(part.octets, json=element.tag == JSON_ELEMENT):
            for code in _codes(text):
                yield code, element


def malformed_client_codes(root: etree._Element) -> Iterator[tuple[Refused, etree._Element]]:
    """Ids under the OID of personal identity codes that are not such codes."""
    for attribute in _client_roots()(root):
        element = attribute.getparent()
        if element.get("extension") is None:
            continue
        try:
            Hetu.parse(element.get("extension"), test_only=False)
        except Refused as refusal:
            yield refusal, element


@cache
def _client_roots() -> Any:
    # By attribute, since that takes a third of the time that a condition on every element takes.
    return etree.XPath(f"descendant::*/@root[. = '{HETU_ROOT}']")


def _may_hold_codes(data: bytes, encoded: Mapping[etree._Element, EncodedPart]) -> bool:
    """Whether the markup may hold such a code.

    Looking at the source is much faster than at every attribute. It is enough as long as no character is written
    indirectly and no text is interrupted.
    """
    data = b" ".join(_without_encoded(data, encoded))
    # A single character is found much faster than two, and mostly there is none of these.
    declared = data.find(b"?>") + 2 if data.startswith(b"<?xml ") else 0
    if b"?" in data[declared:] or (b"!" in data and b"<!" in data) or (b"&" in data and b"&#" in data):
        return True
    return next(_read(_shaped(data)), None) is not None


def _without_encoded(data: bytes, encoded: Mapping[etree._Element, EncodedPart]) -> Iterator[bytes]:
    """The source in pieces, without what is searched after decoding: only where it is the whole text between two
    tags, so that no part of another text goes with it.
    """
    spans: list[tuple[int, int]] = []
    for part in encoded.values():
        begin = data.find(part.written[:_HEAD])
        end = begin + len(part.written)
        if (
            begin > 0
            and data.startswith(part.written, begin)
            and data[begin - 1 : begin] + data[end : end + 1] == b"><"
        ):
            spans.append((begin, end))
    last = 0
    for begin, end in sorted(set(spans)):
        yield data[last:begin]
        last = end
    yield data[last:]


def _in_markup(root: etree._Element, encoded: Collection[etree._Element]) -> Iterator[tuple[str, etree._Element]]:
    for element in root.iter("*"):
        silent = str(element.tag).startswith(f"{{{DS}}}") or element in encoded
        values = [] if silent else [str(value) for value in element.attrib.values()]
        text = "" if silent else element.text or ""
        for child in element:
            # A processing instruction interrupts the markup, but not the text that a reader sees.
            if isinstance(child.tag, str):
                values.append(text)
                text = ""
            text += child.tail or ""
        for value in (*values, text):
            if value:
                for code in _codes(value.encode()):
                    yield code, element


def _asides(data: bytes) -> Iterator[bytes]:
    """Comments and processing instructions: nobody is shown them, but who keeps the document keeps them too."""
    for begin, end in ((b"<!--", b"-->"), (b"<?", b"?>")):
        place = data.find(begin)
        while place >= 0 and (stop := data.find(end, place)) >= 0:
            yield data[place:stop]
            place = data.find(begin, stop)


def _codes(octets: bytes) -> Iterator[str]:
    """The codes in a text in any encoding that keeps ASCII, without those of the 900-series."""
    return _read(_matches(octets))


def _read(matches: Iterable[re.Match[bytes]]) -> Iterator[str]:
    """The codes with a right check character among what has the form of one."""
    for match in matches:
        with suppress(Refused):
            yield Hetu.parse(match[1].decode("ascii"), test_only=False).value


def _matches(octets: bytes) -> Iterator[re.Match[bytes]]:
    """The places with the form of a code, which is the first group; one may come twice.

    A code begins with six digits, so at every third byte of a text there are two digits in a row. Plain text has few
    such places, and the expression looks at each: many times as fast as the expression alone.
    """
    sample = octets[::_STEP].translate(_SHAPES)
    places = _places(sample, _SAMPLE, most=len(sample) // _MANY)
    if places is None:
        return _shaped(octets)
    return _at(octets, [max(0, (place - 1) * _STEP + 1) for place in places])


def _shaped(octets: bytes) -> Iterator[re.Match[bytes]]:
    """As ``_matches``, by the whole shape: for text with many digits, such as markup with times and OIDs."""
    shapes = octets.translate(_SHAPES)
    return _at(octets, _places(shapes, _SHAPE, most=len(shapes)) or [])


def _at(octets: bytes, starts: Iterable[int]) -> Iterator[re.Match[bytes]]:
    for start in starts:
        match = _CODE_THEREABOUTS.match(octets, start)
        if match is not None:
            yield match


def _places(octets: bytes, sought: bytes, *, most: int) -> list[int] | None:
    """Where ``sought`` stands; None if at more than ``most`` places."""
    places: list[int] = []
    place = octets.find(sought)
    while place >= 0:
        if len(places) == most:
            return None
        places.append(place)
        place = octets.find(sought, place + 1)
    return places


def _readable(octets: bytes, *, json: bool) -> Iterator[bytes]:
    """The text of an encoded element in every spelling that a reader would see."""
    # A single character is found much faster than an expression.
    if json and b"\\" in octets and _TELLING_ESCAPE.search(octets) is not None:
        # Not by parsing it: of members with the same name, that would show the last one only.
        octets = _ESCAPE.sub(_unescaped, octets)
    yield octets
    places = _places(octets, b"&", most=_FEW)
    if places is None or any(_TELLING_REFERENCE.match(octets, place) for place in places):
        yield html.unescape(octets.decode("utf-8", "replace")).encode("utf-8", "replace")


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """The character for which a JSON escape stands; a blank for white space and for quotes."""
    return chr(int(escape[1], 16)).encode("utf-8", "replace") if escape[1] else b" "
