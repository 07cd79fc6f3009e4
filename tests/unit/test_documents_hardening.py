"""Hardening of the verifier beyond the corpus: bad files, identifiers, the XPath form, one parser for everything."""

from __future__ import annotations

import base64
import gzip
import io
import re
import time
import tracemalloc
import zipfile
from pathlib import Path

import document_world as world
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

import sotepki
from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.corpus import CorpusWorld
from sotepki.documents.corpus.resigning import resign, text64
from sotepki.documents.diagnosis import diagnose
from sotepki.evidence import Verdict
from sotepki.xmldsig import DS, canonicalise, read_xml, reread
from sotepki.xmldsig.canonical import filtered_octets

D = f"{{{DS}}}"
V3 = "{urn:hl7-org:v3}"


@pytest.fixture(scope="module")
def corpus() -> CorpusWorld:
    return CorpusWorld()


def rules_of(document: bytes, corpus: CorpusWorld) -> tuple[Verdict, set[str]]:
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, revocation=False, profiles=False)
    report = verify_document(document, context)
    return report.verdict, {finding.rule for finding in report.findings}


# --- bad files -----------------------------------------------------------------------------------------------------


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.xml", data)
    return stream.getvalue()


SIGNED = world.signed_by_professional()


@pytest.mark.parametrize(
    ("data", "rule", "says"),
    [
        (b"", "xml.empty", "empty"),
        (b"Hei!", "xml.not-well-formed", "not an XML document"),
        (zipped(SIGNED), "xml.not-well-formed", "zip"),
        (gzip.compress(SIGNED, mtime=0), "xml.not-well-formed", "gzip"),
        (b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", "xml.not-well-formed", "encrypted"),
        (b"-----BEGIN PKCS7-----\n", "xml.not-well-formed", "PEM"),
        (b"%PDF-1.7", "xml.not-well-formed", "PDF"),
        (SIGNED.decode().encode("utf-16"), "xml.encoding", "UTF-8"),
        (SIGNED.decode().encode("utf-16-be"), "xml.encoding", "UTF-8"),
    ],
)
def test_a_wrong_file_is_named_for_what_it_is(data: bytes, rule: str, says: str) -> None:
    """Who sent the zip instead of the document learns it from the first sentence."""
    report = verify_document(data, world.context())
    assert report.verdict is not Verdict.VALID
    assert [finding.rule for finding in report.findings] == [rule]
    assert says in report.findings[0].message + report.findings[0].advice


def test_a_byte_order_mark_is_read() -> None:
    """Editors on Windows write one; it is legal and no part of what is signed."""
    assert verify_document(b"\xef\xbb\xbf" + SIGNED, world.context()).verdict is Verdict.VALID


def test_two_hundred_megabytes_cost_nothing() -> None:
    """A huge file is refused by its length: at once, and without a second copy of it in memory."""
    huge = SIGNED + b" " * 200_000_000
    tracemalloc.start()
    begin = time.monotonic()
    report = verify_document(huge, world.context())
    took, (_, peak) = time.monotonic() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [finding.rule for finding in report.findings] == ["xml.too-large"]
    assert took < 1
    assert peak < 1_000_000


# --- identifiers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["ID", "Id", "id", "iD", "xml:id", "x:Id", "x:ID", "x:iD", "iD ", "x:id\n"])
def test_no_other_element_may_bear_a_referenced_identifier(attribute: str) -> None:
    """Whatever spelling another verifier would resolve, the value stands once."""
    signed = SIGNED.replace(
        b"<title>", f'<title xmlns:x="urn:x" {attribute}="OID{world.DOCUMENT}">'.encode()
    )  # fmt: skip
    assert [f.rule for f in verify_document(signed, world.context()).findings] == ["xml.id.duplicate"]


def test_hl7_id_elements_are_no_identifiers() -> None:
    """The many id elements of a CDA document must not be taken for attributes."""
    signed = SIGNED.replace(b"<title>", b'<title xmlns:x="urn:x"><x:id iDentity="1"/>')
    assert verify_document(signed, world.context()).verdict is Verdict.VALID


# --- the XPath form ------------------------------------------------------------------------------------------------


def test_the_filtered_form_is_that_of_a_real_xpath_engine(corpus: CorpusWorld) -> None:
    """No XPath is run here; what is digested must be what an engine selects from the canonical document."""
    root = read_xml(corpus.bases["health"]).root
    whole = etree.fromstring(etree.tostring(root, method="c14n", exclusive=True))
    found = whole.xpath("//*[ancestor-or-self::h:structuredBody][1]", namespaces={"h": "urn:hl7-org:v3"})
    assert isinstance(found, list)
    alone = etree.fromstring(etree.tostring(found[0], with_tail=False))
    assert filtered_octets(root, f"{V3}structuredBody") == etree.tostring(alone, method="c14n")


def test_the_declaration_of_the_xpaths_prefix_is_not_signed(corpus: CorpusWorld) -> None:
    """The edge of the 2015 specimen: exclusive canonicalisation leaves xmlns:hl7 out, since no element uses it."""
    document = corpus.bases["health"]
    assert rules_of(document, corpus) == (Verdict.VALID, set())
    signed_info = next(read_xml(document).root.iter(f"{D}SignedInfo"))
    assert b"xmlns:hl7" not in canonicalise(signed_info)
    rebound = document.replace(b'xmlns:hl7="urn:hl7-org:v3"', b'xmlns:hl7="urn:other"')
    assert canonicalise(next(read_xml(rebound).root.iter(f"{D}SignedInfo"))) == canonicalise(signed_info)
    verdict, rules = rules_of(rebound, corpus)
    assert verdict is Verdict.INVALID and "doc.coverage" in rules


def test_a_signer_that_wrote_the_declaration_into_signed_info_is_diagnosed(corpus: CorpusWorld) -> None:
    """Rendering xmlns:hl7 is the fault that the specimen tempts to; the diagnosis names the canonicalisation."""
    root = etree.fromstring(corpus.bases["health"])
    signature = next(root.iter(f"{D}Signature"))
    method = next(signature.iter(f"{D}CanonicalizationMethod"))
    exclusive = method.get("Algorithm") or ""
    octets = etree.tostring(next(signature.iter(f"{D}SignedInfo")), method="c14n", exclusive=True)
    key = corpus.identities["card"].key
    assert isinstance(key, rsa.RSAPrivateKey) and "exc-c14n" in exclusive
    rendered = octets.replace(b"<ds:XPath>", b'<ds:XPath xmlns:hl7="urn:hl7-org:v3">')
    value = signature.find(f"{D}SignatureValue")
    assert value is not None
    value.text = text64(key.sign(rendered, padding.PKCS1v15(), hashes.SHA256()))
    found = diagnose(etree.tostring(root))
    assert [(one.part, one.accidents) for one in found] == [("SignatureValue", ("namespace.unused",))]


@pytest.mark.parametrize("size", [1, 400])
def test_the_structured_body_is_handed_out_as_its_own_tree(corpus: CorpusWorld, size: int) -> None:
    """A caller reads the tree of the report, in which nothing from outside the body can be."""
    root = etree.fromstring(corpus.bases["health"])
    body = next(root.iter(f"{V3}structuredBody"))
    for number in range(size):
        etree.SubElement(body, f"{V3}component").text = str(number)
    resign(next(root.iter(f"{D}Signature")), corpus.identities["card"].key)
    context = VerificationContext((corpus.root,), corpus.at, corpus.intermediates, revocation=False, profiles=False)
    report = verify_document(etree.tostring(root), context)
    assert (report.verdict, report.family) == (Verdict.VALID, "patient-record")
    tree = report.tree()
    assert tree is not None
    assert tree.tag == f"{V3}structuredBody" and tree.getparent() is None
    assert len(tree) == size + 1
    assert report.signatures[0].covered == (
        "/ClinicalDocument/component/structuredBody",
        "/ClinicalDocument/localHeader/signatureCollection/signature/signatureTimestamp",
    )


# --- one parser, linear cost ---------------------------------------------------------------------------------------


def test_one_parser_configuration_for_the_whole_project() -> None:
    """A second XML parser would be a second set of holes; only the corpus, which reads its own documents, has one."""
    package = Path(sotepki.__file__).parent
    corpus = (package / "documents" / "corpus").glob("*.py")
    allowed = {"xmldsig/parsing.py", *(str(path.relative_to(package)) for path in corpus)}
    pattern = re.compile(r"etree\.(fromstring|parse|XML|iterparse|XMLParser)\(|minidom|ElementTree|make_parser")
    users = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8").replace("_ElementTree", ""))
    }
    assert users - allowed == set()


def test_octets_that_were_written_here_are_read_by_the_same_parser() -> None:
    """Neither entities nor comments come back on the second reading."""
    assert reread(b"<a>1<!-- x -->2</a>").text == "12"


def test_cost_grows_with_size_and_not_faster() -> None:
    """Eight times the document may cost about eight times the time; a square would be sixty-four."""

    def seconds(paragraphs: int) -> float:
        document = world.signed_by_professional(world.unsigned(paragraphs=("TESTI " * 100,) * paragraphs))
        best = 9.0
        for _ in range(5):
            begin = time.process_time()
            assert verify_document(document, world.context()).verdict is Verdict.VALID
            best = min(best, time.process_time() - begin)
        return best

    small, large = seconds(200), seconds(1600)
    assert large / small < 24


def test_deep_and_wide_documents_are_answered_at_once() -> None:
    """Depth and number of nodes are bounded before anything walks the tree."""
    begin = time.process_time()
    for inside in (b"<x>" * 300 + b"</x>" * 300, b"<x/>" * 500_000, b'<x a="1"/>' * 300_000):
        document = SIGNED.replace(b"<title>", b"<title>" + inside)
        assert verify_document(document, world.context()).verdict is not Verdict.VALID
    assert time.process_time() - begin < 40, "something walked the tree before its bounds were asked"


# --- identity codes ------------------------------------------------------------------------------------------------


def codes_found(document: bytes) -> bool:
    report = verify_document(document, world.context())
    return "doc.hetu.test-only" in {finding.rule for finding in report.findings}


def test_a_short_body_cannot_hide_the_end_of_an_identity_code() -> None:
    """The body's text is base64 and would, taken out of the source wherever it stands, take a real code apart."""
    unsigned = world.unsigned().replace(b'displayName="Asiakkuus"', b'displayName="131052-308T"')
    start = unsigned.index(b">", unsigned.index(b'representation="B64"')) + 1
    assert codes_found(unsigned[:start] + b"308T" + unsigned[unsigned.index(b"<", start) :])


def test_a_title_that_begins_like_the_body_is_searched_all_the_same() -> None:
    """What is searched after decoding is left out of the source; a title as long as the body is no body."""
    unsigned = world.unsigned()
    start = unsigned.index(b">", unsigned.index(b'representation="B64"')) + 1
    body = unsigned[start : unsigned.index(b"<", start)]
    title = body[:100] + b" 131052-308T " + body[113:]
    begin = unsigned.index(b"<title>") + len(b"<title>")
    assert codes_found(unsigned[:begin] + title + unsigned[unsigned.index(b"</title>") :])


@pytest.mark.parametrize(
    "json",
    [
        b'{"a": "131052-308T"}',
        b'{"a": "\\u003131052-308T"}',
        b'{"a": "\\n131052-308T"}',
        b'{"a": "131052\\u002d308T", "a": "x"}',
        b'{"a": "x &amp; &lt; 131052&#45;308T"}',
    ],
)
def test_an_identity_code_in_the_json_is_found_however_it_is_written(json: bytes) -> None:
    """Escapes and members that stand twice are read differently by different programs; one of them shows the code."""
    unsigned = world.unsigned()
    start = unsigned.index(b">", unsigned.index(b"<json") if b"<json" in unsigned else unsigned.index(b":json")) + 1
    assert codes_found(unsigned[:start] + base64.b64encode(json) + unsigned[unsigned.index(b"<", start) :])
