"""Where elements stand in the source bytes, so that a signature can be set in without writing the document anew.

Everything outside the inserted text survives byte for byte: XML declaration, byte order mark, line ends, quotes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from xml.parsers import expat

from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig.parsing import XmlDocument


def spliced(data: bytes, insertions: Iterable[tuple[int, bytes]]) -> bytes:
    """``data`` with texts inserted at byte offsets; those at one offset keep their order."""
    pieces: list[bytes] = []
    last = 0
    for offset, text in sorted(insertions, key=lambda insertion: insertion[0]):
        pieces += (data[last:offset], text)
        last = offset
    pieces.append(data[last:])
    return b"".join(pieces)


def before_end_tag(document: XmlDocument, element: etree._Element) -> int:
    """The byte offset of the end tag of ``element``.

    Raises:
        Refused: the element is written as an empty-element tag, which has no inside (``xml.not-well-formed`` if the
            document is not what the parser read).
    """
    return _offset(document, element, b"</", end=True)


def before_start_tag(document: XmlDocument, element: etree._Element) -> int:
    """The byte offset of the start tag of ``element``."""
    return _offset(document, element, b"<", end=False)


def _offset(document: XmlDocument, element: etree._Element, opening: bytes, *, end: bool) -> int:
    # If the tag's beginning stands once in the whole source it can be no other: in a comment, a CDATA section or a
    # longer name it would count as well. The slow way is for all other sources.
    tag = opening + _written_name(element).encode(document.encoding)
    offset = document.data.find(tag)
    if offset >= 0 and document.data.find(tag, offset + 1) < 0:
        return offset
    start_offset, end_offset = _walk(document, element)
    if end and end_offset == start_offset:
        raise Refused(
            f"The element {_written_name(element)} is empty, so nothing can be set into it.",
            rule="xml.not-well-formed",
            advice="Write it with a start tag and an end tag.",
        )
    return end_offset if end else start_offset


def _written_name(element: etree._Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


class _Places:
    """Expat handlers that note where the n-th element begins and ends."""

    def __init__(self, parser: expat.XMLParserType, data: bytes, ordinal: int) -> None:
        self.start = self.end = -1
        self._parser = parser
        self._data = data
        self._ordinal = ordinal
        self._seen = self._depth = 0

    def begin(self, _name: str, _attributes: object) -> None:
        self._seen += 1
        if self._seen == self._ordinal:
            self.start = self._parser.CurrentByteIndex
            self._depth = 1
        elif self._depth:
            self._depth += 1

    def finish(self, _name: str) -> None:
        if self._depth:
            self._depth -= 1
            if self._depth == 0:
                offset = self._parser.CurrentByteIndex
                self.end = offset if self._data.startswith(b"</", offset) else self.start


def _walk(document: XmlDocument, element: etree._Element) -> tuple[int, int]:
    """Offsets of start tag and end tag; equal when the element is an empty-element tag."""
    ordinal = 1 + sum(1 for _ in element.iterancestors("*")) + sum(1 for _ in _preceding(element))
    parser = expat.ParserCreate()
    places = _Places(parser, document.data, ordinal)
    parser.StartElementHandler = places.begin
    parser.EndElementHandler = places.finish
    try:
        parser.Parse(document.data, True)
    except (expat.ExpatError, ValueError) as error:
        raise Refused(f"The document is not well-formed XML: {error}.", rule="xml.not-well-formed") from None
    if places.start < 0 or places.end < 0:
        raise Refused("The place for the signature was not found.", rule="xml.not-well-formed")
    return places.start, places.end


def _preceding(element: etree._Element) -> Iterable[etree._Element]:
    """All elements that end before ``element`` begins."""
    return cast(list[etree._Element], element.xpath("preceding::*"))
