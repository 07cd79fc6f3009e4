"""Where the parts of a document are: any header gives an answer, an ambiguous one gives a refusal."""

from __future__ import annotations

import document_families_world as families_world
import document_world as world
import pytest

from sotepki.documents import build_frame, check_frame, open_frame, verify_document
from sotepki.documents.family import algorithm_rules, families, family
from sotepki.documents.making import family_of_kind
from sotepki.documents.outline import outline, signature_entries
from sotepki.documents.vocabulary import hl7
from sotepki.errors import Misuse, Refused
from sotepki.identifiers import Oid
from sotepki.xmldsig import read_xml

SOCIAL, HEALTH = world.unsigned(author=None), families_world.document("visit-note", None)
HEALTH_WITH_ID = families_world.document("visit-note", None, identified=True)
SIGNED = world.signed_by_system()
ID = f'<id root="{world.DOCUMENT}"/>'.encode()
BODY_ID = f' ID="OID{world.DOCUMENT}"'.encode()
COLLECTION = b"<hl7fi:signatureCollection/>"


def changed(document: bytes, old: bytes, new: bytes) -> bytes:
    assert old in document, old
    return document.replace(old, new, 1)


@pytest.mark.parametrize(("document", "name"), [(SOCIAL, b"localSocialHeader"), (HEALTH, b"localHeader")])
@pytest.mark.parametrize("rival", [b"<hl7fi:localSocialHeader/>", b"<hl7fi:localHeader/>"])
def test_two_headers_are_counted_for_the_developer(document: bytes, name: bytes, rival: bytes) -> None:
    """One program would read the header of social welfare, another that of health care."""
    with pytest.raises(Refused, match="has 2 of the header elements"):
        outline(read_xml(changed(document, b"<hl7fi:" + name + b">", rival + b"<hl7fi:" + name + b">")))


@pytest.mark.parametrize(
    ("document", "old", "new", "rule"),
    [
        (SOCIAL, BODY_ID, b"", "doc.body.id"),
        (SOCIAL, BODY_ID, b' ID="OID1"', "doc.body.id"),
        (HEALTH, b"<structuredBody>", b"<structuredBody>", ""),
        (HEALTH_WITH_ID, BODY_ID, BODY_ID, ""),
        (HEALTH_WITH_ID, BODY_ID, b' ID="OID1"', "doc.body.id"),
        (HEALTH_WITH_ID, BODY_ID, b' ID="body"', ""),
        (SOCIAL, BODY_ID, b' ID="body"', "doc.body.id"),
        (HEALTH, ID, b"<id/>", "doc.body.id"),
        (HEALTH, ID, b'<id root=""/>', "doc.body.id"),
        (SOCIAL, ID, ID + ID, "doc.structure"),
        (SOCIAL, ID, b"", "doc.structure"),
        (SOCIAL, b"</hl7fi:localSocialHeader>", COLLECTION + b"</hl7fi:localSocialHeader>", ""),
        (SOCIAL, b"</hl7fi:localSocialHeader>", COLLECTION * 2 + b"</hl7fi:localSocialHeader>", "doc.structure"),
        (SOCIAL, b"</nonXMLBody>", b"</nonXMLBody><structuredBody/>", "doc.structure"),
        (HEALTH, b"<structuredBody>", b"<nonXMLBody/><structuredBody>", "doc.structure"),
        (HEALTH, b"<structuredBody>", b"<structuredBody/><structuredBody>", "doc.structure"),
        (HEALTH, b"<hl7fi:localHeader>", b"<hl7fi:localSocialHeader/><hl7fi:localHeader>", "doc.structure"),
        (HEALTH, b"<hl7fi:localHeader>", b"<hl7fi:localHeader/><hl7fi:localHeader>", "doc.structure"),
        (SOCIAL, b"<ClinicalDocument ", b'<x xmlns="urn:x"/><ClinicalDocument ', "xml.not-well-formed"),
    ],
)
def test_a_document_has_one_of_each_part_or_is_refused(document: bytes, old: bytes, new: bytes, rule: str) -> None:
    """The part that is signed would not be the part that is read."""
    data = changed(document, old, new)
    if not rule:
        assert outline(read_xml(data)).document_id == str(world.DOCUMENT)
        return
    with pytest.raises(Refused) as caught:
        outline(read_xml(data))
    assert caught.value.rule == rule
    assert [finding.rule for finding in verify_document(data, world.context()).findings] == [rule]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"<hl7fi:signatureCollection ", b"<hl7fi:signatureCollection ", ""),
        (b"<hl7fi:signatureDescription ", b"<hl7fi:x/><hl7fi:signatureDescription ", "doc.signature.structure"),
        (b"</ds:Signature>", b"</ds:Signature><hl7fi:x/>", "doc.signature.structure"),
        (b"</hl7fi:signatureCollection>", b"<hl7fi:x/></hl7fi:signatureCollection>", "doc.signature.structure"),
        (
            b"</hl7fi:signatureCollection>",
            b"<hl7fi:signature/></hl7fi:signatureCollection>",
            "doc.signature.structure",
        ),
        (b"<title>", b'<x:Signature xmlns:x="http://www.w3.org/2000/09/xmldsig#"/><title>', "doc.signature.stray"),
    ],
)
def test_every_member_of_the_collection_is_a_whole_signature(old: bytes, new: bytes, rule: str) -> None:
    """Another library would take the stray signature, or the entry that is skipped here."""
    parts = outline(read_xml(changed(SIGNED, old, new)))
    if not rule:
        assert len(signature_entries(parts)) == 1
        return
    with pytest.raises(Refused) as caught:
        signature_entries(parts)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            b"signatureTimestamp",
            b"signatureMoment",
            "it is signature with signatureDescription, signatureMoment, Signature.",
        ),
        (b"</hl7fi:signatureCollection>", b"<hl7fi:x/></hl7fi:signatureCollection>", "it is x with nothing in it."),
        (
            b"</hl7fi:signatureCollection>",
            b"<?x y?></hl7fi:signatureCollection>",
            "it is a processing instruction with nothing in it.",
        ),
        (
            b"</hl7fi:signatureCollection>",
            b"<hl7fi:signature><?x y?></hl7fi:signature></hl7fi:signatureCollection>",
            "it is signature with nothing in it.",
        ),
        (
            b"</ds:Signature>",
            b"</ds:Signature>" + b"<hl7fi:x/>" * 1000,
            "it is signature with signatureDescription, signatureTimestamp, Signature, x, x and more.",
        ),
    ],
)
def test_a_member_that_is_no_signature_is_described(old: bytes, new: bytes, found: str) -> None:
    """Whoever wrote it sees which element is missing, misspelt or too many."""
    with pytest.raises(Refused) as caught:
        signature_entries(outline(read_xml(SIGNED.replace(old, new))))
    assert caught.value.sentence.endswith(found)
    report = verify_document(SIGNED.replace(old, new), world.context())
    assert [finding.rule for finding in report.findings] == ["doc.signature.structure"]


@pytest.mark.parametrize(
    ("written", "version"),
    [
        (b'value="12"', 12),
        (b'value="12345678"', 12345678),
        (b'value="' + b"9" * 5000 + b'"', 1),
        (b'value="-2"', 1),
        (b'value="two"', 1),
        ('value="٢"'.encode(), 1),
        (b'value=""', 1),
        (b"", 1),
    ],
)
def test_a_version_that_is_no_number_is_the_first_one(written: bytes, version: int) -> None:
    """A number of five thousand digits would stop the verifier instead of being reported."""
    data = changed(SIGNED, b'<versionNumber value="1"', b"<versionNumber " + written)
    assert verify_document(data, world.context()).version == version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<effectiveTime value=", b"<effectiveTime nullFlavor="),
        (b"<setId root=", b"<setId extension="),
        (b"<code code=", b"<code nullFlavor="),
        (b'<id root="1.2.246.21" extension="010181-900C"/>', b'<id root="1.2.246.21"/>'),
        (b"<recordTarget>", b"<recordTarget/><recordTarget>"),
    ],
)
def test_a_header_with_less_in_it_is_judged_by_what_is_signed(old: bytes, new: bytes) -> None:
    """Headers are not signed: a missing attribute may neither stop the verifier nor condemn a good signature."""
    assert verify_document(changed(SIGNED, old, new), world.context()).verdict == "valid"


@pytest.mark.parametrize(
    ("header", "system", "expected"),
    [
        ("localHeader", "1.2.246.537.5.40105.2006", "prescription"),
        ("localHeader", "1.2.246.537.6.12.2002", "patient-record"),
        ("localHeader", "", "patient-record"),
        ("localSocialHeader", "1.2.246.537.5.40105.2006", "social-welfare"),
    ],
)
def test_the_family_follows_from_header_and_type(header: str, system: str, expected: str) -> None:
    """A prescription judged as a visit note would need no prescriber."""
    body = "nonXMLBody" if header == "localSocialHeader" else "structuredBody"
    text = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:f="urn:hl7finland"><id root="1.2"/>'
        f'<code code="1" codeSystem="{system}"/><f:{header}/><component><{body} ID="OID1.2"/></component>'
        "</ClinicalDocument>"
    )
    parts = outline(read_xml(text.encode()))
    assert (parts.family.id, parts.kind is not None) == (expected, expected == "prescription")
    assert parts.family is families()[expected]


@pytest.mark.parametrize(
    ("kind", "code", "role"),
    [
        ("prescription", "1", "LAL"),
        ("prescription-correction", "3", "KOR"),
        ("prescription-cancellation", "2", "MIT"),
        ("dispensing", "4", "LTE"),
        ("renewal-request", "8", None),
    ],
)
def test_a_document_says_in_codes_what_it_is_and_what_its_author_did(kind: str, code: str, role: str | None) -> None:
    """A pharmacy's system tells a dispensing from a prescription by these codes (docs/field/kanta.md 9)."""
    parts = outline(read_xml(families_world.document(kind, families_world.PRESCRIBER if role else None)))
    written = parts.root.find(hl7("code"))
    assert written is not None
    assert (written.get("code"), written.get("codeSystem")) == (code, "1.2.246.537.5.40105.2006")
    assert parts.kind is not None and parts.kind.id == kind
    functions = parts.root.iterfind(f"{hl7('author')}/{hl7('functionCode')}")
    assert [function.get("code") for function in functions] == ([role] if role else [])


@pytest.mark.parametrize(
    ("kind", "interaction", "requests"),
    [
        ("client-plan", "RCMR_IN200002FI01", ("SP1", "SP17")),
        ("visit-note", "RCMR_IN100002FI01", ()),
        ("prescription", "RCMR_IN100002FI01", ()),
    ],
)
def test_a_document_travels_in_the_message_of_its_family(
    kind: str, interaction: str, requests: tuple[str, ...]
) -> None:
    """Kanta's access point looks at the name of the message first (docs/field/kanta.md 6)."""
    data = build_frame(
        families_world.document(kind), message_id=Oid("1.2.3"), sender=world.ORGANISATION.oid, at=world.NOW
    )
    assert open_frame(data).name == interaction
    assert family_of_kind(kind).frame.requests == requests


@pytest.mark.parametrize(("kind", "warned"), [("visit-note", set()), ("client-plan", {"frame.family"})])
def test_another_message_that_is_known_to_carry_documents_is_read(kind: str, warned: set[str]) -> None:
    """docs/field/kanta.md 6: a hospital's RCMR_IN100016FI01 must not be called no frame at all."""
    document = families_world.document(kind)
    data = build_frame(document, message_id=Oid("1.2.3"), sender=world.ORGANISATION.oid, at=world.NOW)
    name = family_of_kind(kind).frame.interaction.encode()
    frame = open_frame(data.replace(name, b"RCMR_IN100016FI01"))
    assert (frame.document, frame.name, frame.service_request) == (document, "RCMR_IN100016FI01", "")
    found = check_frame(frame, verify_document(document, world.context()))
    assert {(one.rule, str(one.severity)) for one in found} == {(rule, "warning") for rule in warned}


def test_what_a_signature_is_made_with_unless_somebody_asks_for_more() -> None:
    """The one digest and the one canonicalisation that the specimens have (docs/field/kanta.md 3.2)."""
    rules = algorithm_rules()
    assert rules.digests[0].uri == "http://www.w3.org/2001/04/xmlenc#sha256"
    assert rules.signature_methods[0].uri == "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    assert rules.canonicalisations[0].uri == "http://www.w3.org/2001/10/xml-exc-c14n#"
    assert [row.uri for row in rules.signature_methods if "sha1" in row.uri] == []


def test_a_family_that_is_not_known_is_named_with_those_that_are() -> None:
    """A mistyped name would end in a traceback."""
    with pytest.raises(Misuse, match="known are patient-record, prescription, social-welfare"):
        family("letter")
