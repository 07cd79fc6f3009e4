"""What must never verify: changed, wrapped, ambiguous and hostile documents; each with its rule."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable

import document_world as world
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from sotepki.documents import DocumentReport, verify_document
from sotepki.documents.report import all_rules
from sotepki.evidence import Severity, Verdict
from sotepki.xmldsig import DS

D, FI, V3 = f"{{{DS}}}", "{urn:hl7finland}", "{urn:hl7-org:v3}"
HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


def judged(document: bytes) -> DocumentReport:
    return verify_document(document, world.context())


def rules_of(document: bytes) -> set[str]:
    """The rules that a document breaks; a refusal also means that no content is handed out as verified."""
    report = judged(document)
    assert report.verdict is not Verdict.VALID
    return {finding.rule for finding in report.findings}


def resigned(change: Callable[[etree._Element], None], *, digests: bool = True) -> bytes:
    """A document that its own signer signed in a form changed by ``change``: the cryptography is right."""
    root = etree.fromstring(world.signed_by_professional())
    change(root)
    for reference in root.iter(f"{D}Reference"):
        found = root.xpath("//*[@ID=$value]", value=(reference.get("URI") or "")[1:])
        value = reference.find(f"{D}DigestValue")
        if digests and value is not None and isinstance(found, list) and len(found) == 1:
            octets = etree.tostring(found[0], method="c14n", exclusive=True)
            value.text = base64.b64encode(hashlib.sha256(octets).digest()).decode()
    signed_info = next(root.iter(f"{D}SignedInfo"))
    octets = etree.tostring(signed_info, method="c14n", exclusive=True)
    value = next(root.iter(f"{D}SignatureValue"))
    value.text = base64.b64encode(world.rsa_key("card").sign(octets, padding.PKCS1v15(), hashes.SHA256())).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def test_the_helper_signs_rightly() -> None:
    """If an unchanged document did not verify, every refusal below would prove nothing."""
    assert judged(resigned(lambda root: None)).verdict is Verdict.VALID


# --- changes after signing -----------------------------------------------------------------------------------------


def test_a_changed_body() -> None:
    """One character of the base64 text: the reader must be told that the body is not what was signed."""
    signed = world.signed_by_professional()
    place = signed.index(b'representation="B64">') + 60
    changed = signed[:place] + (b"A" if signed[place : place + 1] != b"A" else b"B") + signed[place + 1 :]
    assert "doc.digest.body" in rules_of(changed)
    assert judged(changed).body_octets is None


def test_a_changed_timestamp() -> None:
    """A signature may not be moved to another day."""
    changed = world.signed_by_professional().replace(b">2026-03-01T09", b">2026-03-01T10")
    assert "doc.digest.timestamp" in rules_of(changed)


def test_a_document_re_indented_after_signing() -> None:
    """The accident of the public specimens: both digest and signature fail, and the cause is named."""
    root = etree.fromstring(world.signed_by_professional())
    etree.indent(root)
    report = judged(etree.tostring(root))
    found = {finding.rule: finding.advice for finding in report.findings}
    assert {"doc.digest.body", "dsig.signature-value"} & set(found)
    assert "re-indented" in found["dsig.signature-value"]


def test_line_ends_changed_to_crlf_do_no_harm_but_written_out_carriage_returns_do() -> None:
    """A parser turns CRLF into LF, so a plain CRLF transfer survives; a reference to CR is another content."""
    signed = world.signed_by_professional()
    assert judged(signed.replace(b"\n", b"\r\n")).verdict is Verdict.VALID
    assert "doc.digest.body" in rules_of(signed.replace(b"\n      <text", b"&#13;\n      <text"))


def test_a_rewritten_prefix_in_the_body() -> None:
    """Exclusive canonicalisation keeps prefixes, so a library that renames them breaks the digest."""
    signed = world.signed_by_professional()
    renamed = signed.replace(b"<hl7fi:json>", b'<x:json xmlns:x="urn:hl7finland">').replace(
        b"</hl7fi:json>", b"</x:json>"
    )
    assert "doc.digest.body" in rules_of(renamed)


def test_a_signature_taken_from_another_document() -> None:
    """The body's identifier and digest bind a signature to its document."""
    other = world.signed_by_professional(world.unsigned(title="Toinen asiakirja"))
    collection = re.search(rb"<hl7fi:signatureCollection.*</hl7fi:signatureCollection>", other, re.DOTALL)
    own = re.search(
        rb"<hl7fi:signatureCollection.*</hl7fi:signatureCollection>", world.signed_by_professional(), re.DOTALL
    )
    assert collection and own
    moved = world.signed_by_professional().replace(own[0], collection[0])
    assert "doc.digest.body" in rules_of(moved)


# --- wrapping and ambiguity ----------------------------------------------------------------------------------------


def _hostile_body() -> etree._Element:
    text = base64.b64encode(b"<html/>").decode()
    return etree.fromstring(
        '<nonXMLBody xmlns="urn:hl7-org:v3">'
        f'<text mediaType="application/xhtml+xml" representation="B64">{text}</text></nonXMLBody>'
    )


def test_the_signed_body_moved_elsewhere_and_another_in_its_place() -> None:
    """The classic wrapping: the reference still resolves and verifies, but not to the body that is read."""
    root = etree.fromstring(world.signed_by_professional())
    component = root.find(f"{V3}component")
    assert component is not None
    body = component[0]
    component.remove(body)
    fake = _hostile_body()
    fake.set("ID", f"{body.get('ID')}x")
    component.append(fake)
    header = root.find(f"{FI}localSocialHeader")
    assert header is not None
    header.insert(0, body)
    assert "doc.body.id" in rules_of(etree.tostring(root))


def test_a_wrapped_body_with_the_same_identifier() -> None:
    """Two elements with one identifier: verifiers differ in which they take, so neither is taken."""
    root = etree.fromstring(world.signed_by_professional())
    component = root.find(f"{V3}component")
    assert component is not None
    body = component[0]
    fake = _hostile_body()
    fake.set("ID", body.get("ID") or "")
    component.replace(body, fake)
    root.insert(0, body)
    assert rules_of(etree.tostring(root)) == {"xml.id.duplicate"}
    fake.set("Id", fake.attrib.pop("ID"))
    assert rules_of(etree.tostring(root)) == {"xml.id.duplicate"}


def test_a_signed_wrapper_around_another_document() -> None:
    """A second component, a second header or a signature outside the collection is no place for anything."""
    signed = world.signed_by_professional()
    twice = signed.replace(b"</ClinicalDocument>", b"<component/></ClinicalDocument>")
    assert "doc.structure" in rules_of(twice)
    stray = signed.replace(b"<realmCode", f'<ds:Signature xmlns:ds="{DS}"/><realmCode'.encode())
    assert "doc.signature.stray" in rules_of(stray)


def test_a_comment_cannot_hide_a_part_of_the_timestamp() -> None:
    """Canonicalisation drops comments, so the digest agrees; the time that is read must be the whole text."""
    signed = world.signed_by_professional()
    commented = signed.replace(b">2026-03-01T09", b">2026-03-01<!-- x -->T09")
    report = judged(commented)
    assert report.verdict is Verdict.VALID
    assert report.signatures[0].time == world.NOW


def test_a_processing_instruction_in_signed_info_is_never_called_valid() -> None:
    """The schema has no word on it, so it is open and not broken; but what is signed there, nobody here reads."""

    def change(root: etree._Element) -> None:
        next(root.iter(f"{D}SignedInfo")).append(etree.ProcessingInstruction("x", "y"))

    report = judged(resigned(change))
    assert {finding.rule for finding in report.findings} == {"dsig.form"}
    assert report.verdict is Verdict.INDETERMINATE


# --- references ----------------------------------------------------------------------------------------------------


def test_an_external_reference() -> None:
    """A verifier that fetched it would let the signer change the content later, and open the network."""

    def change(root: etree._Element) -> None:
        next(root.iter(f"{D}Reference")).set("URI", "http://127.0.0.1:9/body.xml")

    assert {"dsig.reference.uri", "doc.coverage"} <= rules_of(resigned(change))


@pytest.mark.parametrize("uri", ["", "#", "#xpointer(/)", "#nowhere", "file:///etc/passwd", "OID1"])
def test_references_that_resolve_to_nothing_of_ours(uri: str) -> None:
    """Every form but '#identifier' is refused, also those that the standard would allow."""

    def change(root: etree._Element) -> None:
        next(root.iter(f"{D}Reference")).set("URI", uri)

    assert "doc.coverage" in rules_of(resigned(change))


def test_a_missing_reference() -> None:
    """A signature over the timestamp alone says nothing about the body."""

    def change(root: etree._Element) -> None:
        reference = next(root.iter(f"{D}Reference"))
        parent = reference.getparent()
        assert parent is not None
        parent.remove(reference)

    assert "doc.coverage" in rules_of(resigned(change))


def test_an_extra_reference_and_one_element_twice() -> None:
    """Exactly two elements are covered, each once; a third or a repetition hides something."""

    def twice(root: etree._Element) -> None:
        signed_info = next(root.iter(f"{D}SignedInfo"))
        signed_info.append(etree.fromstring(etree.tostring(signed_info[2])))

    def third(root: etree._Element) -> None:
        signed_info = next(root.iter(f"{D}SignedInfo"))
        extra = etree.fromstring(etree.tostring(signed_info[2]))
        signature = next(root.iter(f"{FI}signature"))
        extra.set("URI", f"#{signature.find(f'{FI}signatureDescription')}")
        root[0].set("ID", "extra")
        extra.set("URI", "#extra")
        signed_info.append(extra)

    assert rules_of(resigned(twice)) == {"doc.coverage"}
    assert rules_of(resigned(third)) == {"doc.coverage"}


def test_the_timestamp_of_another_signature() -> None:
    """A signature has to cover its own timestamp, not its neighbour's."""
    first = world.signed_by_professional()
    second = world.signed_by_system(first)
    stamps = re.findall(rb'URI="#(CDA-timestamp[^"]*)"', second)
    root = etree.fromstring(second)
    references = list(root.iter(f"{D}Reference"))
    references[3].set("URI", f"#{stamps[0].decode()}")
    assert "doc.coverage" in rules_of(etree.tostring(root))


# --- algorithms and keys -------------------------------------------------------------------------------------------


def test_hmac_with_the_public_key_as_secret() -> None:
    """The key confusion: anybody knows the public key, so anybody could make such a value."""
    root = etree.fromstring(world.signed_by_professional())
    next(root.iter(f"{D}SignatureMethod")).set("Algorithm", HMAC)
    public = world.rsa_key("card").public_key()
    secret = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    octets = etree.tostring(next(root.iter(f"{D}SignedInfo")), method="c14n", exclusive=True)
    value = hmac.new(secret, octets, "sha256").digest()
    next(root.iter(f"{D}SignatureValue")).text = base64.b64encode(value).decode()
    assert "dsig.algorithm.signature" in rules_of(etree.tostring(root))


@pytest.mark.parametrize(
    ("element", "algorithm", "rule"),
    [
        ("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "dsig.algorithm.signature"),
        ("SignatureMethod", "http://www.w3.org/2007/05/xmldsig-more#sha3-256-rsa-MGF1", "dsig.algorithm.unlisted"),
        ("DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#md5", "dsig.algorithm.unlisted"),
        ("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116", "dsig.transform"),
        ("Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116", "dsig.transform"),
        ("Transform", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", "dsig.transform"),
        ("CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", "dsig.transform"),
    ],
)
def test_algorithms_outside_the_list(element: str, algorithm: str, rule: str) -> None:
    """What is not on the list is not run: an XSLT transform is a program of the sender's."""

    def change(root: etree._Element) -> None:
        next(root.iter(f"{D}{element}")).set("Algorithm", algorithm)

    assert rule in rules_of(resigned(change))


def test_key_values_and_other_key_forms() -> None:
    """A bare key has no owner; only a certificate says whose signature it is."""

    def change(root: etree._Element) -> None:
        data = next(root.iter(f"{D}X509Data"))
        data.clear()
        etree.SubElement(data, f"{D}X509SubjectName").text = "CN=anybody"

    assert "dsig.key-info" in rules_of(resigned(change))


def test_a_certificate_of_somebody_else() -> None:
    """The value must verify with the very certificate that is shown."""
    wrong = base64.b64encode(
        world.certificate(
            world.rsa_key("thief"), str(world.AUTHOR.registration_number), world.key_usage(non_repudiation=True)
        ).public_bytes(serialization.Encoding.DER)
    )
    signed = re.sub(rb"(<ds:X509Certificate>)[^<]*", rb"\g<1>" + wrong, world.signed_by_professional())
    assert "dsig.signature-value" in rules_of(signed)


def test_ecdsa_in_der_is_named_as_such() -> None:
    """The commonest mistake with elliptic curves: DER instead of r and s."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    root = etree.fromstring(world.signed_by_system())
    value = next(root.iter(f"{D}SignatureValue"))
    raw = base64.b64decode(value.text or "")
    der = encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    value.text = base64.b64encode(der).decode()
    report = judged(etree.tostring(root))
    assert any(f.rule == "dsig.signature-value" and "DER" in f.advice for f in report.findings)


# --- hostile files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"garbage",
        b"\xff\xfe<\x00",
        b'<!DOCTYPE ClinicalDocument [<!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument>&x;</ClinicalDocument>',
        b"<a>" * 5000,
        b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>",
    ],
)
def test_files_that_are_no_document(data: bytes) -> None:
    """Every file gets an answer that is not valid, with one finding."""
    assert len(rules_of(data)) == 1


def test_a_truncated_document_at_every_length() -> None:
    """A transfer that broke off must never be taken for the whole."""
    signed = world.signed_by_professional()
    for length in range(0, len(signed) - 20, 97):
        assert judged(signed[:length]).verdict is not Verdict.VALID


def test_fifty_megabytes_are_answered_at_once() -> None:
    """A huge file is refused by its length, without being parsed."""
    begin = time.monotonic()
    assert rules_of(world.signed_by_professional() + b" " * 50_000_000) == {"xml.too-large"}
    assert time.monotonic() - begin < 2


def test_thousands_of_signatures_are_not_verified_one_by_one() -> None:
    """A small file must not be able to ask for hours of work."""
    signed = world.signed_by_professional()
    entry = re.search(rb"<hl7fi:signature .*</hl7fi:signature>", signed, re.DOTALL)
    assert entry
    copies = b"".join(re.sub(rb'ID="', b'ID="c%d.' % n, entry[0]) for n in range(200))
    begin = time.monotonic()
    assert "doc.signature.too-many" in rules_of(signed.replace(entry[0], entry[0] + copies))
    assert time.monotonic() - begin < 2


_SIGNED = world.signed_by_professional()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_changes_of_bytes_give_a_report(data: st.DataObject) -> None:
    """Whatever a broken transfer or a fuzzer does to a signed document, the answer is a report; and a document whose
    signed elements changed is never valid with other content than what was signed."""
    mutated = bytearray(_SIGNED)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        end = min(len(mutated), place + data.draw(st.integers(0, 40)))
        mutated[place:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"<", b">", b"&", b'"', b"ID=", b"]]>"])
        )
    report = judged(bytes(mutated))
    assert all(finding.rule in all_rules().rules or finding.rule.startswith("path.") for finding in report.findings)
    if report.verdict is Verdict.VALID:
        assert report.body_octets == judged(_SIGNED).body_octets
        assert not any(finding.severity is Severity.ERROR for finding in report.findings)
    report.as_dict()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_changes_inside_the_certificate_give_a_report(data: st.DataObject) -> None:
    """Certificates are parsed too; any DER inside must end in a finding."""
    der = bytearray(world.card_certificate().public_bytes(serialization.Encoding.DER))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    text = base64.b64encode(bytes(der))
    report = judged(re.sub(rb"(<ds:X509Certificate>)[^<]*", rb"\g<1>" + text, _SIGNED))
    report.as_dict()
