"""What a signer may change in a document and what it must leave as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from sotepki.documents.vocabulary import finland, hl7
from sotepki.errors import Refused
from sotepki.xmldsig import DS, canonicalise, parse

_BODIES = (hl7("nonXMLBody"), hl7("structuredBody"))
_ADDED = tuple(
    map(finland, ("signatureCollection", "assignedAuthorSigner", "signer", "authenticationMethod", "time"))
)


@dataclass(frozen=True)
class Halves:
    """The two halves of a document in canonical form: what is signed, and all the rest without signatures.

    White space between elements of the header does not count; in the body every character does.
    """

    body: bytes
    header: bytes


def halves(document: bytes) -> Halves:
    """Take a document apart.

    Raises:
        Refused: it is not well-formed (``xml.*``).
    """
    root = parse(document)
    body = b"".join(canonicalise(element) for element in root.iter(*_BODIES))
    header = etree.Element("header")
    header.extend(_lines(root))
    return Halves(body, canonicalise(header))


def body_size(document: bytes) -> int:
    """The length of the body in canonical form; 0 if the document cannot be read."""
    try:
        return len(halves(document).body)
    except Refused:
        return 0


def _lines(root: etree._Element) -> Iterator[etree._Element]:
    """One flat element for each element of the header, with its depth, attributes and text."""
    skipped: set[etree._Element] = set()
    for element in root.iter("*"):
        if element.tag in (*_BODIES, *_ADDED) or element.getparent() in skipped:
            skipped.add(element)
            continue
        line = etree.Element(element.tag)
        line.attrib.update(element.attrib)
        line.text = f"{sum(1 for _ in element.iterancestors())} {(element.text or '').strip()}"
        yield line


def signature_values(document: bytes) -> tuple[str, ...]:
    """Every signature value in a document, in order.

    Raises:
        Refused: it is not well-formed (``xml.*``).
    """
    return tuple("".join((e.text or "").split()) for e in parse(document).iter(f"{{{DS}}}SignatureValue"))


def blocks(document: bytes) -> int:
    """How many metadata blocks of a signing professional a document has.

    Raises:
        Refused: it is not well-formed (``xml.*``).
    """
    return sum(1 for _ in parse(document).iter(finland("assignedAuthorSigner")))


def replaced_document(document: bytes) -> str:
    """The id of the document that this one replaces by its relatedDocument RPLC; empty without one.

    Raises:
        Refused: it is not well-formed (``xml.*``).
    """
    for related in parse(document).findall(hl7("relatedDocument")):
        found = related.find(f"{hl7('parentDocument')}/{hl7('id')}")
        if related.get("typeCode") == "RPLC" and found is not None:
            return found.get("root") or ""
    return ""
