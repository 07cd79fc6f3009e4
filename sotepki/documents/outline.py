"""The parts of a document that signatures are about, found by their place in its family and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TypeAlias

from lxml import etree

from sotepki.documents.family import (
    BodyReference,
    Family,
    KindRule,
    body_names,
    families,
    families_by_header,
    family_of,
)
from sotepki.documents.vocabulary import finland, hl7
from sotepki.errors import Refused
from sotepki.xmldsig import DS, XmlDocument

_SIGNATURE = f"{{{DS}}}Signature"
_CLINICAL_DOCUMENT, _ID, _CODE, _SET_ID, _VERSION = map(
    hl7, ("ClinicalDocument", "id", "code", "setId", "versionNumber")
)

_DOCUMENT_IDENTIFIER = re.compile(r"OID[0-9.]*")
"""An ID that names a document; in health care other forms are not known to be wrong (docs/field/kanta.md 3.1)."""

_NAMED = 5
"""How many elements a sentence names; a hostile document has thousands."""

Children: TypeAlias = Mapping[str, Sequence[etree._Element]]
"""The child elements of one element by name, in lxml's form; those of one name in their order."""


@dataclass(frozen=True, eq=False)
class SignatureEntry:
    """One ``signature`` of the collection with its three parts."""

    element: etree._Element
    description: etree._Element
    timestamp: etree._Element
    signature: etree._Element


@dataclass(frozen=True, eq=False)
class Outline:
    """Where things are in a document.

    Attributes:
        document_id: ``ClinicalDocument/id/@root``.
        header: the only element of the family's header, ``localSocialHeader`` or ``localHeader``.
        body: the only body. In social welfare its ID attribute is ``OID`` + document_id; elsewhere it has none, that
            one, or one that names no document.
        collection: the only ``signatureCollection``, None in an unsigned document.
        top: the children of ClinicalDocument.
    """

    document: XmlDocument
    family: Family
    document_id: str
    header: etree._Element
    body: etree._Element
    collection: etree._Element | None
    top: Children = field(repr=False)

    @property
    def root(self) -> etree._Element:
        return self.document.root

    @cached_property
    def entries(self) -> Children:
        """The children of the family's header."""
        return _by_name(self.header)

    @property
    def body_identifier(self) -> str:
        """What the body's ID attribute is, or would be if it had one."""
        return self.body.get("ID") or self.document_identifier

    @property
    def document_identifier(self) -> str:
        """The ID by which a body names its document."""
        return f"OID{self.document_id}"

    @property
    def filtered(self) -> tuple[str, ...]:
        """The body's name, if documents of this family may refer to it by the XPath transform."""
        forms = {reference.form for reference in self.family.references}
        return (self.family.body.path[-1],) if BodyReference.XPATH in forms else ()

    @cached_property
    def kind(self) -> KindRule | None:
        """The kind of document by its type code; None where the family does not tell kinds by code."""
        code = first(self.top, _CODE)
        if code is None:
            return None
        return self.family.kind_of_code(code.get("code") or "", code.get("codeSystem") or "")

    @property
    def set_id(self) -> str:
        """``setId/@root`` of the first setId, empty if there is none."""
        element = first(self.top, _SET_ID)
        return "" if element is None else element.get("root") or ""

    @cached_property
    def version(self) -> int:
        """``versionNumber/@value``, 1 if it is missing or no number."""
        element = first(self.top, _VERSION)
        text = element.get("value") or "" if element is not None else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def outline(document: XmlDocument) -> Outline:
    """Find the parts of a document.

    Raises:
        Refused: ``doc.family``, ``doc.structure`` or ``doc.body.id``.
    """
    root = document.root
    if root.tag != _CLINICAL_DOCUMENT:
        raise Refused(
            f"The document element is {_name(root)}, not ClinicalDocument of urn:hl7-org:v3.",
            rule="doc.family",
            advice="Give the CDA document itself, without its message frame.",
        )
    top = _by_name(root)
    family = _family(top)
    document_id = _only(root, _ID, top).get("root") or ""
    header = _at(root, family.header.path, top)
    body = _at(root, family.body.path, top)
    _refuse_rivals(body)
    identifier = body.get("ID")
    names_document = family.body.identified or _DOCUMENT_IDENTIFIER.fullmatch(identifier or "")
    if not document_id or (names_document and identifier != f"OID{document_id}"):
        raise Refused(
            f"The body's ID is {str(identifier)[:120]!r}, the document's id is {document_id[:120]!r}.",
            rule="doc.body.id",
            advice=f"Write {family.body.name}/@ID as OID followed by ClinicalDocument/id/@root.",
        )
    collections = list(header.iterchildren(family.carrier.path[-1]))
    if len(collections) > 1:
        raise Refused("The header has more than one signatureCollection.", rule="doc.structure")
    return Outline(document, family, document_id, header, body, collections[0] if collections else None, top)


def first(children: Children, name: str) -> etree._Element | None:
    """The first child of a name, if there is one."""
    return next(iter(children.get(name, ())), None)


def _by_name(element: etree._Element) -> Children:
    children: dict[str, list[etree._Element]] = {}
    for child in element.iterchildren("*"):
        children.setdefault(str(child.tag), []).append(child)
    return children


def signature_entries(parts: Outline) -> tuple[SignatureEntry, ...]:
    """The signatures of the collection, each with its description, timestamp and ds:Signature.

    Raises:
        Refused: ``doc.signature.missing``, ``doc.signature.structure`` or ``doc.signature.stray``.
    """
    if parts.collection is None or len(parts.collection) == 0:
        raise Refused(
            "The document is not signed: it has no signatureCollection with a signature.",
            rule="doc.signature.missing",
            advice="Sign it before it is sent.",
        )
    entries = tuple(_entry(element) for element in parts.collection)
    if len(entries) != sum(1 for _ in parts.root.iter(_SIGNATURE)):
        raise Refused(
            f"The document has a ds:Signature outside {parts.family.header.name}/signatureCollection/signature.",
            rule="doc.signature.stray",
            advice="Put every signature into the collection and nothing else anywhere.",
        )
    return entries


def _entry(element: etree._Element) -> SignatureEntry:
    names = [child.tag for child in element] if element.tag == finland("signature") else []
    if names != [finland("signatureDescription"), finland("signatureTimestamp"), _SIGNATURE]:
        raise Refused(
            "A member of signatureCollection is not a signature with signatureDescription, signatureTimestamp and "
            f"ds:Signature, in this order and once each: it is {_name(element)} with {_names(element)}.",
            rule="doc.signature.structure",
        )
    return SignatureEntry(element, element[0], element[1], element[2])


def _family(top: Children) -> Family:
    headers = [header for name in families_by_header() for header in top.get(name, ())]
    family = family_of(headers[0], first(top, _CODE)) if headers else None
    if family is None or len(headers) != 1:
        names = " and ".join(sorted({known.header.name for known in families().values()}))
        raise Refused(
            f"ClinicalDocument has {len(headers)} of the header elements {names}, where one is expected.",
            rule="doc.structure",
            advice="Write localSocialHeader of urn:hl7finland for social welfare, localHeader for health care.",
        )
    return family


def _at(root: etree._Element, path: tuple[str, ...], top: Children) -> etree._Element:
    element = _only(root, path[0], top)
    for name in path[1:]:
        element = _only(element, name)
    return element


def _refuse_rivals(body: etree._Element) -> None:
    """A body of another family beside the signed one would be shown by a reader that looks for that kind first."""
    parent = body.getparent()
    if parent is not None and sum(1 for _ in parent.iterchildren(*body_names())) > 1:
        raise Refused(
            "The document has two bodies beside each other.",
            rule="doc.structure",
            advice="Write one body: nonXMLBody in social welfare, structuredBody in health care.",
        )


def _only(parent: etree._Element, name: str, children: Children | None = None) -> etree._Element:
    """The only child of a name; ``children`` are those of ``parent``, if they were asked for already."""
    found = list(parent.iterchildren(name)) if children is None else children.get(name, ())
    if len(found) != 1:
        raise Refused(
            f"{_name(parent)} has {len(found)} elements {name.rpartition('}')[2]}, where one is expected.",
            rule="doc.structure",
            advice="Write the document in the structure of its family: ClinicalDocument with localSocialHeader and "
            "component/nonXMLBody, or with localHeader and component/structuredBody.",
        )
    return found[0]


def _names(element: etree._Element) -> str:
    """The first children of an element, for a sentence."""
    first_few = [_name(child) for child in islice(element.iterchildren("*"), _NAMED)]
    more = " and more" if len(element) > _NAMED else ""
    return (", ".join(first_few) or "nothing in it") + more


def _name(element: etree._Element) -> str:
    if isinstance(element, etree._ProcessingInstruction):
        return "a processing instruction"
    name = etree.QName(element)
    return f"{name.localname[:60]}" + ("" if name.namespace else " (without a namespace)")
