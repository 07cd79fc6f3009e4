"""Personal identity codes anywhere in a document, and ids that should be such codes and are not."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, cast

from lxml import etree

from sotepki.documents.content import EncodedPart
from sotepki.documents.vocabulary import HETU_ROOT
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.xmldsig import DS, XmlDocument

_HETU = re.compile(rb"(?<![0-9A-Za-z])[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y](?![0-9A-Za-z])")
_SHAPE = b"000000-000"
_HEAD = 64
_TELLING_REFERENCE = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;)")
_SHAPES = bytes(
    ord("0") if chr(code).isdigit() and code < 128 else ord("-") if chr(code) in "-+ABCDEFUVWXY" else ord(".")
    for code in range(256)
)


def codes_in_document(
    document: XmlDocument, encoded: Mapping[etree._Element, EncodedPart]
) -> Iterator[tuple[str, etree._Element]]:
    """Every text that has the form of a hetu with a right check character, with the element where it stands.

    Reads attributes, texts, and what the elements ``encoded`` hold; certificates and signature values are left out.
    """
    if _may_hold_others(document.data, encoded):
        yield from _in_markup(document.root, encoded)
    for element, part in encoded.items():
        for text in _readable(part.octets):
            for code in _codes(text):
                yield code, element


def malformed_client_codes(root: etree._Element) -> Iterator[tuple[Refused, etree._Element]]:
    """Ids that say they are personal identity codes and are none."""
    for element in cast(list[etree._Element], _client_ids()(root)):
        try:
            Hetu.parse(element.get("extension") or "", test_only=False)
        except Refused as refusal:
            yield refusal, element


@cache
def _client_ids() -> Any:
    return etree.XPath(f"descendant::*[@root='{HETU_ROOT}' and @extension]")


def _may_hold_others(data: bytes, encoded: Mapping[etree._Element, EncodedPart]) -> bool:
    """Whether the markup may hold a code that is not of the 900-series.

    Looking at the source is much faster than at every attribute. It is enough as long as no character is written
    indirectly and no text is interrupted.
    """
    for part in encoded.values():
        # What is searched after decoding is left out here, exactly as it stands and only once.
        written = part.written.encode()
        begin = data.find(written[:_HEAD])
        if begin >= 0 and data[begin : begin + len(written)] == written:
            data = data[:begin] + b" " + data[begin + len(written) :]
    # A single character is found much faster than two, and mostly there is none of these.
    if (b"&" in data and b"&#" in data) or (b"!" in data and b"<!" in data) or data.count(b"?") > 2:
        return True
    return any(not Hetu(code).is_test for code in _codes(data))


def _in_markup(root: etree._Element, encoded: Collection[etree._Element]) -> Iterator[tuple[str, etree._Element]]:
    for element in root.iter("*"):
        if str(element.tag).startswith(f"{{{DS}}}") or element in encoded:
            values: tuple[object, ...] = (element.tail,)
        else:
            values = (element.text, element.tail, *element.attrib.values())
        for value in values:
            if value:
                for code in _codes(str(value).encode()):
                    yield code, element


def _codes(octets: bytes) -> Iterator[str]:
    """The codes in a text in any encoding that keeps ASCII.

    Their shape is searched for first, which is many times as fast as the expression.
    """
    shape = octets.translate(_SHAPES)
    place = shape.find(_SHAPE)
    while place >= 0:
        match = _HETU.match(octets, place)
        if match is not None:
            with suppress(Refused):
                yield Hetu.parse(match[0].decode("ascii"), test_only=False).value
        place = shape.find(_SHAPE, place + 1)


def _readable(octets: bytes) -> Iterator[bytes]:
    """The text of an encoded element in every spelling that a reader would see."""
    yield octets
    if _TELLING_REFERENCE.search(octets) is not None:
        yield html.unescape(octets.decode("utf-8", "replace")).encode("utf-8", "replace")
    if b"\\" in octets:
        try:
            yield json.dumps(json.loads(octets), ensure_ascii=False).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            return
