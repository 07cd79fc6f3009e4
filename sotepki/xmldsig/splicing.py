"""Where elements stand in the source bytes, so that a signature can be set in without writing the document anew.

Everything outside the inserted text survives byte for byte: XML declaration, byte order mark, line ends, quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast
from xml.parsers import expat
from xml.sax.saxutils import escape

from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig.parsing import XmlDocument


def spliced(data: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """``data`` with ranges of bytes replaced: (begin, end, text), an insertion where begin equals end."""
    source = memoryview(data)  # slices of it are copied once, when they are joined
    pieces: list[bytes | memoryview] = []
    last = 0
    for begin, end, text in sorted(edits):
        pieces += (source[last:begin], text)
        last = end
    pieces.append(source[last:])
    return b"".join(pieces)


def before_end_tag(document: XmlDocument, element: etree._Element) -> int:
    """The byte offset of the end tag of ``element``.

    Raises:
        Refused: the element is written as an empty-element tag, which has no inside (``xml.not-well-formed`` if the
            document is not what the parser read).
    """
    offset = _only_place(document, b"</" + _written_name(element, document))
    if offset is not None:
        return offset
    places = _walk(document, element)
    if places.empty:
        raise Refused(
            f"The element {etree.QName(element).localname} is empty, so nothing can be set into it.",
            rule="xml.not-well-formed",
            advice="Write it with a start tag and an end tag.",
        )
    return places.end


def before_start_tag(document: XmlDocument, element: etree._Element) -> int:
    """The byte offset of the start tag of ``element``."""
    offset = _only_place(document, b"<" + _written_name(element, document))
    return _walk(document, element).start if offset is None else offset


def empty_element_span(document: XmlDocument, element: etree._Element) -> tuple[int, int] | None:
    """Begin and end of ``element`` if it is written as an empty-element tag, else None."""
    if len(element) or element.text:
        return None
    places = _walk(document, element)
    return (places.start, places.end) if places.empty else None


def element_span(document: XmlDocument, element: etree._Element) -> tuple[int, int]:
    """Begin of the start tag and end of the end tag of ``element``."""
    places = _walk(document, element)
    if places.empty:
        return places.start, places.end
    return places.start, document.data.index(b">", places.end) + 1


def attribute_edit(document: XmlDocument, element: etree._Element, name: str, value: str) -> tuple[int, int, bytes]:
    """The edit that gives the attribute ``name`` of ``element`` (without a prefix) another value.

    Raises:
        Refused: the element does not have the attribute (``xml.not-well-formed``).
    """
    start = _walk(document, element).start
    tag = _START_TAG.match(document.data, start)
    if tag is not None:
        for found in _ATTRIBUTE.finditer(document.data, start, tag.end()):
            if found[1] == name.encode():
                text = escape(value, {'"': "&quot;", "'": "&apos;"}).encode(document.encoding, "xmlcharrefreplace")
                return found.start(2) + 1, found.end(2) - 1, text
    raise Refused(f"The element has no attribute {name}.", rule="xml.not-well-formed")


_ATTRIBUTE = re.compile(rb"""\s([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")


def _only_place(document: XmlDocument, tag: bytes) -> int | None:
    """Where ``tag`` stands, if only once in the whole source: then it can be no other.

    In a comment, in a CDATA section or as the beginning of a longer name it would count as well; such sources, and
    elements written as empty-element tags, take the slow way.
    """
    first, last = document.data.find(tag), document.data.rfind(tag)
    return first if 0 <= first == last else None


def _written_name(element: etree._Element, document: XmlDocument) -> bytes:
    local = etree.QName(element).localname
    name = f"{element.prefix}:{local}" if element.prefix else local
    return name.encode(document.encoding)


_START_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*(/?)>""")


class _Places:
    """Expat handlers that note where the n-th element begins and ends; ``end`` is after an empty-element tag."""

    def __init__(self, parser: expat.XMLParserType, data: bytes, ordinal: int) -> None:
        self.start = self.end = -1
        self.empty = False
        self._parser = parser
        self._data = data
        self._ordinal = ordinal
        self._seen = self._depth = 0

    def begin(self, _name: str, _attributes: object) -> None:
        self._seen += 1
        if self._seen == self._ordinal:
            self._depth = 1
            self.start = self._parser.CurrentByteIndex
            tag = _START_TAG.match(self._data, self.start)
            if tag is not None and tag[1]:
                self.empty, self.end = True, tag.end()
        elif self._depth:
            self._depth += 1

    def finish(self, _name: str) -> None:
        if self._depth:
            self._depth -= 1
            if self._depth == 0 and not self.empty:
                self.end = self._parser.CurrentByteIndex


def _walk(document: XmlDocument, element: etree._Element) -> _Places:
    """Find an element by its number in document order, with a second parser that knows byte offsets."""
    ordinal = 1 + sum(1 for _ in element.iterancestors("*")) + sum(1 for _ in _preceding(element))
    # The encoding that was admitted, as in the first parser: expat does not know every spelling of its name.
    parser = expat.ParserCreate(document.encoding)
    places = _Places(parser, document.data, ordinal)
    parser.StartElementHandler = places.begin
    parser.EndElementHandler = places.finish
    try:
        parser.Parse(document.data, True)
    except (expat.ExpatError, ValueError) as error:
        raise Refused(f"The document is not well-formed XML: {error}.", rule="xml.not-well-formed") from None
    if places.start < 0 or places.end < 0:
        raise Refused("The place for the signature was not found.", rule="xml.not-well-formed")
    return places


def _preceding(element: etree._Element) -> Iterable[etree._Element]:
    """All elements that end before ``element`` begins."""
    return cast(list[etree._Element], element.xpath("preceding::*"))
