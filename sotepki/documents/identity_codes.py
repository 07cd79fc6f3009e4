"""Personal identity codes anywhere in a document, and ids that should be such codes and are not."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import hyperscan
from lxml import etree

from sotepki.documents.content import JSON_ELEMENT, EncodedPart
from sotepki.documents.vocabulary import HETU_ROOT
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.xmldsig import DS, XmlDocument

_FORM = rb"[0-9]{6}[-+A-FU-Y][0-8][0-9]{2}[0-9A-Y]"
"""A code that is not of the 900-series: six digits, separator, three digits, check character."""

_LENGTH = 11
_CODE = re.compile(rb"(?<![0-9A-Za-z])" + _FORM + rb"(?![0-9A-Za-z])")
_HEAD = 64
_TELLING_REFERENCE = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;)[#A-Za-z]")
_TELLING_ESCAPE = re.compile(rb"\\[bfnrtu]")
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)


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
    return next(_codes(data), None) is not None


def _without_encoded(data: bytes, encoded: Mapping[etree._Element, EncodedPart]) -> Iterator[bytes]:
    """The source in pieces, without what is searched after decoding: only where it is the whole text between two
    tags, so that no part of another text goes with it.
    """
    last = 0
    for part in encoded.values():
        begin = data.find(part.written[:_HEAD], last)
        end = begin + len(part.written)
        if (
            begin > 0
            and data[begin - 1 : begin] + data[end : end + 1] == b"><"
            and data.startswith(part.written, begin)
        ):
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
    for end in _ends(octets):
        match = _CODE.match(octets, end - _LENGTH)
        if match is not None:
            with suppress(Refused):
                yield Hetu.parse(match[0].decode("ascii"), test_only=False).value


def _ends(octets: bytes) -> list[int]:
    """Where something ends that has the form of a code, whatever stands before and after it."""
    ends: list[int] = []

    def note(_expression: int, _begin: int, end: int, _flags: int, _context: object) -> None:
        ends.append(end)

    database = _forms()
    # Threads must not share the room in which hyperscan works.
    database.scan(octets, match_event_handler=note, scratch=hyperscan.Scratch(database))
    return ends


@cache
def _forms() -> hyperscan.Database:
    # Nearly all text holds no code, and re takes some forty times as long to find that out.
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[_FORM], ids=[0], flags=[0], elements=1)
    return database


def _readable(octets: bytes, *, json: bool) -> Iterator[bytes]:
    """The text of an encoded element in every spelling that a reader would see."""
    # A single character is found much faster than an expression.
    if json and b"\\" in octets and _TELLING_ESCAPE.search(octets) is not None:
        # Not by parsing it: of members with the same name, that would show the last one only.
        octets = _ESCAPE.sub(_unescaped, octets)
    yield octets
    if any(_TELLING_REFERENCE.match(octets, place) for place in _places(octets, b"&")):
        yield html.unescape(octets.decode("utf-8", "replace")).encode("utf-8", "replace")


def _places(octets: bytes, sought: bytes) -> Iterator[int]:
    """Where ``sought`` stands; a single character is found much faster than by an expression that begins with it."""
    place = octets.find(sought)
    while place >= 0:
        yield place
        place = octets.find(sought, place + 1)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """The character for which a JSON escape stands; a blank for white space and for quotes."""
    return chr(int(escape[1], 16)).encode("utf-8", "replace") if escape[1] else b" "
