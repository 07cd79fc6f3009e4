"""A new version of a document: the old signature goes, the relation to the replaced document comes.

A correction or cancellation made from an existing document empties signatureCollection before it is signed anew and
names what it replaces (docs/field/kanta.md 3.4: confirmed). Everything that is not named here stays byte for byte.
"""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import quoteattr

from lxml import etree

from sotepki.documents.family import KindRule
from sotepki.documents.outline import Outline, outline
from sotepki.documents.times import hl7_time
from sotepki.documents.vocabulary import HL7, Relation, finland, hl7
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.xmldsig import (
    attribute_edit,
    before_end_tag,
    before_start_tag,
    element_span,
    empty_element_span,
    read_xml,
    spliced,
)

_SIGNER_BLOCK = tuple(map(finland, ("assignedAuthorSigner", "signer", "authenticationMethod", "time")))
_AFTER_RELATION = tuple(map(hl7, ("authorization", "componentOf", "component")))

Edit = tuple[int, int, bytes]


def correct_document(document: bytes, *, document_oid: Oid, at: datetime, kind: str | None = None) -> bytes:
    """The next version of a document, unsigned, to be changed and signed.

    It has a new id (in the body's ID too), the same setId (where there is none, the old id), the next versionNumber,
    the time ``at`` as effectiveTime, a relatedDocument RPLC to the document it replaces, and neither signatures nor
    the signer's metadata block.

    Args:
        kind: in families that tell kinds by code, the kind of the new document, such as
            ``prescription-cancellation``. Its authors are the first one and the current one, who bears the role of
            the kind (KOR, MIT; docs/field/kanta.md 9, row author roles: confirmed, old). The current author is who
            wrote the version before; if somebody else corrects or cancels, the caller writes that name in.

    Raises:
        Refused: the document is of no family, has no effectiveTime or versionNumber, the new id is the old one, it
            does not become a document of that kind, or it names no author who could bear the role
            (``doc.correction``).
    """
    parts = outline(read_xml(document))
    rule = None if kind is None else _rule(parts, kind)
    if document_oid.value == parts.document_id:
        raise Refused(
            "A corrected document needs an id of its own.",
            rule="doc.correction",
            advice="Give it a new OID; setId stays the same.",
        )
    edits = [
        _attribute(parts, parts.root, hl7("id"), "root", document_oid.value),
        _attribute(parts, parts.root, hl7("effectiveTime"), "value", hl7_time(at)),
        _attribute(parts, parts.root, hl7("versionNumber"), "value", str(parts.version + 1)),
        *_body_identifier(parts, document_oid),
        *_set_identifier(parts),
        *_relation(parts),
        *_signatures(parts),
    ]
    if rule is not None:
        edits += [_attribute(parts, parts.root, hl7("code"), "code", rule.code), *_authors(parts, rule, at)]
    return spliced(document, edits)


def _attribute(parts: Outline, parent: etree._Element, name: str, attribute: str, value: str) -> Edit:
    element = parent.find(name)
    if element is None or element.get(attribute) is None:
        local = name.rpartition("}")[2]
        raise Refused(f"The document has no {local}/@{attribute}, so it has no next version.", rule="doc.correction")
    return attribute_edit(parts.document, element, attribute, value)


def _body_identifier(parts: Outline, document_oid: Oid) -> list[Edit]:
    if parts.body.get("ID") != parts.document_identifier:
        return []
    return [attribute_edit(parts.document, parts.body, "ID", f"OID{document_oid}")]


def _set_identifier(parts: Outline) -> list[Edit]:
    """A setId where there is none: a document without one is the first of its set, which bears that document's id."""
    if parts.set_id:
        return []
    text = _encoded(parts, f'<setId xmlns="{HL7}" root={quoteattr(parts.document_id)}/>')
    empty = parts.root.find(hl7("setId"))
    if empty is not None:
        return [(*element_span(parts.document, empty), text)]
    version = parts.root.find(hl7("versionNumber"))
    place = before_start_tag(parts.document, parts.root[0] if version is None else version)
    return [(place, place, text)]


def _encoded(parts: Outline, text: str) -> bytes:
    return text.encode(parts.document.encoding, "xmlcharrefreplace")


def _relation(parts: Outline) -> list[Edit]:
    """The relation to this document in the place of its relation to an earlier one, or before what follows it."""
    replaced = quoteattr(parts.document_id)
    set_id = quoteattr(parts.set_id or parts.document_id)
    text = _encoded(
        parts,
        f'<relatedDocument xmlns="{HL7}" typeCode="{Relation.REPLACES}"><parentDocument><id root={replaced}/>'
        f'<setId root={set_id}/><versionNumber value="{parts.version}"/></parentDocument></relatedDocument>',
    )
    earlier = [r for r in parts.root.findall(hl7("relatedDocument")) if r.get("typeCode") == Relation.REPLACES]
    if earlier:
        first, *rest = [element_span(parts.document, related) for related in earlier]
        return [(*first, text), *((begin, end, b"") for begin, end in rest)]
    follower = next((e for e in parts.root if e.tag in _AFTER_RELATION or e is parts.header), parts.header)
    place = before_start_tag(parts.document, follower)
    return [(place, place, text)]


def _signatures(parts: Outline) -> list[Edit]:
    """Empty the collection, and take the block of the signer out."""
    edits: list[Edit] = []
    collection = parts.collection
    if collection is not None and empty_element_span(parts.document, collection) is None and len(collection):
        begin = element_span(parts.document, collection[0])[0]
        edits.append((begin, before_end_tag(parts.document, collection), b""))
    for element in parts.header:
        if element.tag in _SIGNER_BLOCK:
            edits.append((*element_span(parts.document, element), b""))
    return edits


def _rule(parts: Outline, kind: str) -> KindRule:
    rule = parts.family.kinds.get(kind)
    if rule is None or not rule.code or not rule.replaces:
        raise Refused(
            f"A {parts.family.title.lower()} does not become a {kind}.",
            rule="doc.correction",
            advice=f"Known are {', '.join(k.id for k in parts.family.kinds.values() if k.replaces) or 'none'}.",
        )
    return rule


def _authors(parts: Outline, rule: KindRule, at: datetime) -> list[Edit]:
    """The first author unchanged, and the last one in the role of the kind; those between are left out."""
    authors = parts.root.findall(hl7("author"))
    function = authors[-1].find(hl7("functionCode")) if authors else None
    if function is None or function.get("code") is None:
        raise Refused(
            f"The document names no author in a role, so nobody becomes the author ({rule.role}) of a {rule.id}.",
            rule="doc.correction",
            advice="Build the new document, with its author, instead of making it from this one.",
        )
    document, last = parts.document, authors[-1]
    changes = [attribute_edit(document, function, "code", rule.role)]
    time = last.find(hl7("time"))
    if time is not None and time.get("value") is not None:
        changes.append(attribute_edit(document, time, "value", hl7_time(at)))
    dropped = [(*element_span(document, author), b"") for author in authors[1:-1]]
    if len(authors) > 1 or function.get("code") == rule.role:
        return [*changes, *dropped]
    begin, end = element_span(document, last)
    inner = [(first - begin, after - begin, text) for first, after, text in changes]
    indent = document.data[document.data.rindex(b">", 0, begin) + 1 : begin]
    return [(end, end, indent + spliced(document.data[begin:end], inner))]
