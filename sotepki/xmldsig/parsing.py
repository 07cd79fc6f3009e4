"""The one parser configuration for XML from anywhere: any bytes give a tree or a ``Refused``, never a surprise.

No DTD, no entities, no network, bounded size, depth and number of nodes. Comments are dropped while reading, so a
comment inside a text can never split what a person or a program reads. Attributes that serve as identifiers are
collected once; a value that stands twice is refused, because two verifiers could resolve it to different elements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from lxml import etree

from sotepki.errors import Refused

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class XmlLimits:
    """Bounds of one document: bytes, levels of nesting, and markup characters (elements, attributes)."""

    size: int = 20 * MEBIBYTE
    depth: int = 100
    markup: int = 400_000


DEFAULT_LIMITS = XmlLimits()


@dataclass(frozen=True, eq=False)
class XmlDocument:
    """A document that passed the hardened parser.

    Attributes:
        data: the bytes as they came.
        root: the document element.
        encoding: the character encoding in which ``data`` is written, as a Python codec name.
        identified: every element that carries an identifier attribute, by its value.
    """

    data: bytes
    root: etree._Element
    encoding: str
    identified: Mapping[str, etree._Element]

    @cached_property
    def case_variants(self) -> frozenset[str]:
        """Identifiers, case folded, of which the document has more than one spelling."""
        seen: set[str] = set()
        twice: set[str] = set()
        for identifier in self.identified:
            folded = identifier.casefold()
            (twice if folded in seen else seen).add(folded)
        return frozenset(twice)


def parse(data: bytes, *, limit: int = DEFAULT_LIMITS.size) -> etree._Element:
    """The document element of ``data``; ``limit`` is the greatest length in bytes.

    Raises:
        Refused: as ``read_xml``.
    """
    return read_xml(data, XmlLimits(size=limit)).root


def read_xml(data: bytes, limits: XmlLimits = DEFAULT_LIMITS) -> XmlDocument:
    """Read a document.

    Raises:
        Refused: ``xml.empty``, ``xml.too-large``, ``xml.encoding``, ``xml.dtd``, ``xml.not-well-formed``,
            ``xml.too-deep``, ``xml.too-many-nodes`` or ``xml.id.duplicate``.
    """
    encoding = _admitted(data, limits)
    try:
        root = etree.fromstring(data, _parser(encoding))
    except (etree.XMLSyntaxError, ValueError) as error:
        if _EXCESSIVE_DEPTH in str(error):
            raise _too_deep(limits) from None
        raise _not_well_formed(error) from None
    if _deeper_than(limits.depth)(root):
        raise _too_deep(limits)
    return XmlDocument(data, root, encoding, _identified(root))


def reread(octets: bytes) -> etree._Element:
    """The root of octets that were written here, read by the same parser; their bounds were kept when they came in.

    Raises:
        Refused: ``xml.not-well-formed``, which only unusual namespace names can bring about.
    """
    try:
        return etree.fromstring(octets, _parser("utf-8"))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _not_well_formed(error) from None


def without_blank_text(octets: bytes) -> etree._Element:
    """As ``reread``, without the white space between elements."""
    try:
        return etree.fromstring(octets, _parser("utf-8", blank_text=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _not_well_formed(error) from None


def path_of(element: etree._Element) -> str:
    """Where an element stands, in local names: ``/ClinicalDocument/author[2]/time``."""
    path = ""
    node: etree._Element | None = element
    while node is not None:
        tag, parent = str(node.tag), node.getparent()
        alike = [node] if parent is None else list(parent.iterchildren(tag))
        number = "" if len(alike) == 1 else f"[{alike.index(node) + 1}]"
        path = f"/{tag.rpartition('}')[2]}{number}{path}"
        node = parent
    return path


_PROLOG = re.compile(
    rb"""(?:\xef\xbb\xbf)?
         (?:<\?xml\s[^>]{0,200}?(?:encoding\s*=\s*["'](?P<encoding>[A-Za-z0-9._-]{1,40})["'][^>]{0,100}?)?\?>)?+
         (?:\s|<\?(?![xX][mM][lL][\s?]).*?\?>|<!--.*?-->)*+
         (?P<root><[A-Za-z_:\x80-\xff])?""",
    re.DOTALL | re.VERBOSE,
)
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
}
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "compressed with gzip",
    b"7z\xbc\xaf": "a 7z archive",
    b"%PDF": "a PDF document",
    b"\x30\x80": "a DER structure, perhaps an encrypted message",
    b"\x30\x82": "a DER structure, perhaps an encrypted message",
    b"-----BEGIN": "in PEM, perhaps an encrypted message",
}
_SMALL = MEBIBYTE


def _admitted(data: bytes, limits: XmlLimits) -> str:
    """The encoding of bytes that may go to the parser. Looks only at the length and at what precedes the root."""
    if len(data) > limits.size:
        raise Refused(
            f"The document is longer than {limits.size} bytes, which is the most that is read.",
            rule="xml.too-large",
            advice="Send one document at a time.",
        )
    match = _PROLOG.match(data)
    if match is None or match["root"] is None:
        raise _not_xml(data, match.end() if match else 0)
    declared = (match["encoding"] or b"utf-8").decode("ascii").lower()
    if declared not in _ENCODINGS:
        raise Refused(
            f"The document declares the encoding {declared}, which is not read here.",
            rule="xml.encoding",
            advice="Write the document in UTF-8.",
        )
    if len(data) > _SMALL and data.count(b"<") + data.count(b"=") > limits.markup:
        raise Refused(
            f"The document has more than {limits.markup} tags and attributes.",
            rule="xml.too-many-nodes",
            advice="Send one document at a time.",
        )
    return _ENCODINGS[declared]


def _not_xml(data: bytes, position: int) -> Refused:
    """Why the bytes at ``position`` do not begin a document element."""
    if not data.strip(b"\x00 \t\r\n"):
        return Refused("The document is empty.", rule="xml.empty", advice="Send the XML document.")
    for magic, kind in _OTHER_FILES.items():
        if data.startswith(magic):
            return Refused(
                f"The file is {kind}, not an XML document.",
                rule="xml.not-well-formed",
                advice="Send the XML document as it is, not zipped, encrypted or wrapped.",
            )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:4].count(0) >= 1:
        return Refused(
            "The document is not in UTF-8 (it looks like UTF-16 or UTF-32).",
            rule="xml.encoding",
            advice="Write the document in UTF-8.",
        )
    if data[position : position + 9].upper() == b"<!DOCTYPE":
        return Refused(
            "The document has a document type declaration (DTD), which is not read.",
            rule="xml.dtd",
            advice="Leave the DOCTYPE out; Kanta documents have none.",
        )
    return Refused(
        "The file is not an XML document: it does not begin with a tag.",
        rule="xml.not-well-formed",
        advice="Send the XML document as it is, not zipped, encrypted or wrapped.",
    )


_EXCESSIVE_DEPTH = "Excessive depth"
"""libxml2 stops of itself at 2048 levels; that is a bound like ours, and not a fault of the XML."""


def _too_deep(limits: XmlLimits) -> Refused:
    return Refused(
        f"The document is nested deeper than {limits.depth} elements.",
        rule="xml.too-deep",
        advice="Send the document itself; no Kanta document is nested so deeply.",
    )


def _not_well_formed(error: Exception) -> Refused:
    text = re.sub(r"\s*\(<string>, line \d+\)$", "", str(error)).strip()
    text = "".join(c if c.isprintable() else "?" for c in text)[:160]
    return Refused(
        f"The document is not well-formed XML: {text or 'the parser gave no reason'}.",
        rule="xml.not-well-formed",
        advice="Open it in an XML editor and mend the place that is named.",
    )


@cache
def _parser(encoding: str, *, blank_text: bool = True) -> etree.XMLParser:
    # The encoding that was admitted is the one that is used, whatever an odd declaration may make libxml2 think.
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=True,  # the bounds above are ours; libxml2 would refuse ten million octets of text
        recover=False,
        remove_comments=True,
        remove_blank_text=not blank_text,
        collect_ids=False,
    )


@cache
def _deeper_than(depth: int) -> Any:
    return etree.XPath("boolean(" + "/*" * (depth + 1) + ")")


# One comparison for each attribute with all spellings at once; what else it lets through is sorted out in Python.
# Asking each attribute for its name in lower case takes twice as long, and nothing cheaper sees ``wsu:Id``.
_ID_SPELLINGS = frozenset({"ID", "Id", "iD", "id"})
_PERHAPS_IDENTIFIERS = f"descendant-or-self::*/@*[contains('{''.join(sorted(_ID_SPELLINGS))}', local-name())]"


@cache
def _perhaps_identifiers() -> Any:
    return etree.XPath(_PERHAPS_IDENTIFIERS)


def _identified(root: etree._Element) -> dict[str, etree._Element]:
    """Elements by identifier; all spellings of the attribute count alike, in any namespace, since verifiers differ in
    what they resolve.
    """
    identified: dict[str, etree._Element] = {}
    for value in _perhaps_identifiers()(root):
        if value.attrname.rpartition("}")[2] not in _ID_SPELLINGS:
            continue
        text = str(value).strip()
        if text in identified:
            raise Refused(
                f"The identifier {text[:80]!r} stands at two places of the document.",
                rule="xml.id.duplicate",
                advice="Give every element with an ID attribute its own value.",
            )
        identified[text] = value.getparent()
    return identified
