"""The parts of a social-welfare document that signatures are about, found by their place and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from sotepki.documents.vocabulary import finland, hl7
from sotepki.errors import Refused
from sotepki.xmldsig import DS, XmlDocument

_SIGNATURE = f"{{{DS}}}Signature"
_CLINICAL_DOCUMENT, _ID, _COMPONENT, _BODY = map(hl7, ("ClinicalDocument", "id", "component", "nonXMLBody"))
_HEADER, _COLLECTION = finland("localSocialHeader"), finland("signatureCollection")


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
        header: the only ``localSocialHeader``.
        body: the only ``nonXMLBody``; its ID attribute is ``OID`` + document_id.
        collection: the only ``signatureCollection``, None in an unsigned document.
    """

    document: XmlDocument
    document_id: str
    header: etree._Element
    body: etree._Element
    collection: etree._Element | None

    @property
    def root(self) -> etree._Element:
        return self.document.root

    @property
    def body_identifier(self) -> str:
        return f"OID{self.document_id}"

    @property
    def set_id(self) -> str:
        """``setId/@root`` of the first setId, empty if there is none."""
        element = self.root.find(hl7("setId"))
        return "" if element is None else element.get("root") or ""

    @property
    def version(self) -> int:
        """``versionNumber/@value``, 1 if it is missing or no number."""
        element = self.root.find(hl7("versionNumber"))
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
    children = list(root)
    document_id = _only(root, children, _ID).get("root") or ""
    header = _only(root, children, _HEADER)
    component = _only(root, children, _COMPONENT)
    body = _only(component, list(component), _BODY)
    if not document_id or body.get("ID") != f"OID{document_id}":
        raise Refused(
            f"The body's ID is {str(body.get('ID'))[:120]!r}, the document's id is {document_id[:120]!r}.",
            rule="doc.body.id",
            advice="Write nonXMLBody/@ID as OID followed by ClinicalDocument/id/@root.",
        )
    collections = list(header.iterchildren(_COLLECTION))
    if len(collections) > 1:
        raise Refused("The header has more than one signatureCollection.", rule="doc.structure")
    return Outline(document, document_id, header, body, collections[0] if collections else None)


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
            "The document has a ds:Signature outside localSocialHeader/signatureCollection/signature.",
            rule="doc.signature.stray",
            advice="Put every signature into the collection and nothing else anywhere.",
        )
    return entries


def _entry(element: etree._Element) -> SignatureEntry:
    names = [child.tag for child in element] if element.tag == finland("signature") else []
    if names != [finland("signatureDescription"), finland("signatureTimestamp"), _SIGNATURE]:
        raise Refused(
            "A member of signatureCollection is not a signature with signatureDescription, signatureTimestamp and "
            "ds:Signature, in this order and once each.",
            rule="doc.signature.structure",
        )
    return SignatureEntry(element, element[0], element[1], element[2])


def _only(parent: etree._Element, children: list[etree._Element], name: str) -> etree._Element:
    found = [child for child in children if child.tag == name]
    if len(found) != 1:
        raise Refused(
            f"{_name(parent)} has {len(found)} elements {name.rpartition('}')[2]}, where one is expected.",
            rule="doc.structure",
            advice="Write the document in the structure of social-welfare documents (ClinicalDocument, "
            "localSocialHeader, component/nonXMLBody).",
        )
    return found[0]


def _name(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{name.localname[:60]}" + ("" if name.namespace else " (without a namespace)")
