"""A new version of a document at the edges: several earlier versions, missing attributes, order of the header."""

from __future__ import annotations

import re

import document_families_world as families_world
import document_world as world
import pytest
from lxml import etree

from sotepki.documents import SignatureKind, correct_document
from sotepki.documents.vocabulary import hl7
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.xmldsig import read_xml

NEXT = Oid("1.2.246.10.12345671.93.2026.2")
EARLIER = b'<relatedDocument typeCode="%b"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument>'


def corrected(document: bytes, kind: str | None = None) -> etree._Element:
    return read_xml(correct_document(document, document_oid=NEXT, at=world.NOW, kind=kind)).root


def replaced(root: etree._Element) -> list[str | None]:
    """What the document says that it replaces."""
    related = [one for one in root.findall(hl7("relatedDocument")) if one.get("typeCode") == "RPLC"]
    return [one.get("root") for part in related for one in part.iterfind(f"{hl7('parentDocument')}/{hl7('id')}")]


@pytest.mark.parametrize("kind", ["client-plan", "visit-note", "prescription"])
@pytest.mark.parametrize("before", [b"", b"<authorization/>", b"<relatedDocument typeCode='APND'/>"])
def test_the_relation_stands_where_the_schema_of_cda_wants_it(kind: str, before: bytes) -> None:
    """Other systems validate the header by its schema: relatedDocument, authorization, componentOf, then the body."""
    document = families_world.document(kind)
    at = document.index(b"<componentOf>") if b"<componentOf>" in document else document.index(b"<hl7fi:local")
    names = [etree.QName(one).localname for one in corrected(document[:at] + before + document[at:])]
    place = len(names) - 1 - names[::-1].index("relatedDocument")
    after = [name for name in names[place + 1 :] if name in ("authorization", "componentOf", "component")]
    assert after == [name for name in names if name in ("authorization", "componentOf", "component")]
    assert any(name.startswith("local") for name in names[place:])


def test_several_relations_to_earlier_versions_become_one() -> None:
    """A reader that takes the first relation would go on showing the version before last."""
    document = world.unsigned().replace(
        b"<component>", (EARLIER % b"RPLC") * 2 + (EARLIER % b"APND") + b"<component>", 1
    )
    root = corrected(document)
    assert replaced(root) == [str(world.DOCUMENT)]
    assert [one.get("typeCode") for one in root.findall(hl7("relatedDocument"))] == ["RPLC", "APND"]


def test_nothing_of_the_earlier_signer_is_left() -> None:
    """The next signature would stand under the name and the time of who signed before."""
    left = {etree.QName(one).localname for one in corrected(world.signed_by_professional()).iter("*")}
    assert not left & {"assignedAuthorSigner", "signer", "authenticationMethod", "Signature", "signatureTimestamp"}
    header = corrected(world.signed_by_professional()).find("{urn:hl7finland}localSocialHeader")
    assert header is not None and header.find("{urn:hl7finland}time") is None


@pytest.mark.parametrize("attribute", ["effectiveTime value", "versionNumber value"])
def test_a_document_without_time_or_version_has_no_next_one(attribute: str) -> None:
    """One sentence with the rule instead of a document that two readers number differently."""
    name, _, value = attribute.partition(" ")
    document = world.unsigned().replace(f"<{name} {value}=".encode(), f"<{name} x=".encode(), 1)
    with pytest.raises(Refused, match=name) as caught:
        corrected(document)
    assert caught.value.rule == "doc.correction"


@pytest.mark.parametrize(
    ("document", "kind"),
    [("prescription", "dispensing"), ("prescription", "visit-note"), ("visit-note", "visit-note")],
)
def test_only_corrections_and_cancellations_stand_in_for_another(document: str, kind: str) -> None:
    """A prescription would turn into a dispensing that nobody made."""
    with pytest.raises(Refused) as caught:
        corrected(families_world.document(document), kind)
    assert caught.value.rule == "doc.correction"


@pytest.mark.parametrize("written", [b"", b'<setId nullFlavor="UNK"/>'])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF8"])
def test_a_document_without_a_set_id_gives_its_id_to_the_set(written: bytes, encoding: str) -> None:
    """The relation names a set of which the new version would not be a part; Kanta would hold two sets."""
    source, found = re.subn(rb"<setId [^>]*>", written, world.unsigned())
    root = corrected(source.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode(), 1))
    assert found == 1
    names = [etree.QName(one).localname for one in root]
    assert names[names.index("versionNumber") - 1] == "setId"
    assert {one.get("root") for one in root.iter(hl7("setId"))} == {str(world.DOCUMENT)}
    assert [one.get("root") for one in root.findall(hl7("setId"))] == [str(world.DOCUMENT)]


def test_an_author_without_a_time_is_given_none() -> None:
    """The element says that the time is not known, which is not changed by a correction."""
    signed = families_world.signed("prescription", SignatureKind.PROFESSIONAL)
    at = signed.index(b"<author>")
    document = signed[:at] + signed[at:].replace(b"<time value=", b"<time nullFlavor=", 1)
    roles = corrected(document, "prescription-cancellation").findall(f"{hl7('author')}/{hl7('functionCode')}")
    assert [role.get("code") for role in roles] == ["LAL", "MIT"]
