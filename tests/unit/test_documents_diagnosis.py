"""The usual accidents, each committed with lxml, pyca or an edit of the bytes, and named by the diagnosis."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import document_world as world
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree

from sotepki.documents import verify_document
from sotepki.documents.corpus import CorpusWorld
from sotepki.documents.diagnosis import accidents, diagnose
from sotepki.evidence import Verdict
from sotepki.xmldsig import DS

D = f"{{{DS}}}"
EXC, INC = "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def named(document: bytes, *certificates: x509.Certificate) -> dict[str, set[str]]:
    """Accidents by the part they explain; the document must be one that does not verify."""
    assert verify_document(document, world.context()).verdict is not Verdict.VALID
    found: dict[str, set[str]] = {}
    for diagnosis in diagnose(document, certificates):
        found.setdefault(diagnosis.part, set()).update(diagnosis.accidents)
        assert diagnosis.text()
    return found


def c14n(element: etree._Element, *, exclusive: bool = True) -> bytes:
    """Canonical form by lxml alone; an inclusive one of the element with its context written out."""
    if not exclusive:
        element = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(element, method="c14n", exclusive=exclusive)


def text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sign_with(
    change: Callable[[etree._Element], None] = lambda root: None,
    *,
    digest: Callable[[bytes], bytes] = lambda octets: hashlib.sha256(octets).digest(),
    form: Callable[[etree._Element], bytes] = c14n,
    info_form: Callable[[etree._Element], bytes] = c14n,
    value: Callable[[bytes], bytes] | None = None,
    document: bytes | None = None,
) -> bytes:
    """A document signed by a vendor's code with a fault in it: ``change`` edits the tree before, the others replace
    what the vendor's code does for digests and value."""
    root = etree.fromstring(document or world.signed_by_professional())
    change(root)
    for reference in root.iter(f"{D}Reference"):
        found = root.xpath("//*[@ID=$value]", value=(reference.get("URI") or "")[1:])
        assert isinstance(found, list)
        target = reference.find(f"{D}DigestValue")
        assert target is not None
        target.text = text64(digest(form(found[0])))
    octets = info_form(next(root.iter(f"{D}SignedInfo")))
    make = value or (lambda data: world.rsa_key("card").sign(data, padding.PKCS1v15(), hashes.SHA256()))
    next(root.iter(f"{D}SignatureValue")).text = text64(make(octets))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def method(algorithm: str) -> Callable[[etree._Element], None]:
    """Name this canonicalisation everywhere."""

    def change(root: etree._Element) -> None:
        for element in root.iter(f"{D}Transform", f"{D}CanonicalizationMethod"):
            element.set("Algorithm", algorithm)

    return change


def test_a_good_document_has_no_diagnosis_and_the_faulty_signer_is_right_without_faults() -> None:
    """Otherwise every accident below would prove nothing."""
    assert diagnose(world.signed_by_professional()) == ()
    assert verify_document(sign_with(), world.context()).verdict is Verdict.VALID


@pytest.mark.parametrize("space", ["  ", "\t", "    "])
def test_indented_after_signing(space: str) -> None:
    """The accident of the public specimens."""
    minified = etree.fromstring(world.unsigned(), etree.XMLParser(remove_blank_text=True))
    signed = etree.fromstring(world.signed_by_professional(etree.tostring(minified)))
    etree.indent(signed, space)
    found = named(etree.tostring(signed))
    assert found["body"] == {"whitespace.indented"}
    assert found["SignatureValue"] == {"whitespace.indented"}


def test_indented_again_after_signing() -> None:
    """Java's Transformer with INDENT doubles the white space that is there; none was removed."""
    signed = etree.fromstring(world.signed_by_professional())
    etree.indent(signed, "      ")
    assert named(etree.tostring(signed))["body"] == {"whitespace.indented"}


def test_white_space_removed_after_signing() -> None:
    """A parser that drops ignorable white space; the indented form is found again."""
    signed = etree.fromstring(world.signed_by_professional(), etree.XMLParser(remove_blank_text=True))
    assert named(etree.tostring(signed)) == {"body": {"whitespace.removed"}}


def test_carriage_returns_signed_in_memory() -> None:
    """Text nodes with CRLF in a tree are signed as &#xD;; a plain writer then loses them."""
    signed = sign_with(form=lambda element: c14n(element).replace(b"\n", b"&#xD;\n"))
    assert named(signed) == {"body": {"line-ends.carriage-return"}}
    written = world.signed_by_professional().replace(b"\n      <text", b"&#13;\n      <text")
    assert named(written) == {"body": {"line-ends.carriage-return"}}


def test_encoding_changed_after_signing() -> None:
    """A document read as text and written in another encoding than it declares."""
    health = CorpusWorld().bases["health"]
    text = health.decode()
    assert "ä" in text
    wrong_bytes = text.encode("cp1252")
    wrong_declaration = re.sub(rb"encoding=.UTF-8.", b"encoding='ISO-8859-1'", health)
    assert named(wrong_bytes) == {"document": {"encoding.declaration"}}
    assert named(wrong_declaration) == {"body": {"encoding.declaration"}}


def test_digest_over_another_encoding() -> None:
    """A hash fed with text in the platform's encoding instead of the canonical octets."""
    change = world.signed_by_professional().replace(b"<hl7fi:json>", "<hl7fi:json ä='ä'>".encode())
    signed = sign_with(form=lambda element: c14n(element).decode().encode("latin-1"), document=change)
    assert named(signed)["body"] == {"encoding.digest"}


def test_prefixes_rewritten() -> None:
    """A data binding that writes its own prefixes."""
    signed = world.signed_by_professional()
    body = signed.replace(b"<hl7fi:json>", b'<ns3:json xmlns:ns3="urn:hl7finland">')
    assert named(body.replace(b"</hl7fi:json>", b"</ns3:json>")) == {"body": {"prefix.renamed"}}
    whole = re.sub(rb"(</?)ds:", rb"\1ns2:", signed).replace(b"xmlns:ds=", b"xmlns:ns2=")
    assert named(whole) == {"SignatureValue": {"prefix.renamed"}}
    default = re.sub(rb"(</?)ds:", rb"\1", signed).replace(b"xmlns:ds=", b"xmlns=")
    assert named(default) == {"SignatureValue": {"prefix.renamed"}}


def test_inclusive_instead_of_exclusive_and_the_reverse() -> None:
    """The library's default was used, the other form was named."""
    inclusive = sign_with(form=lambda e: c14n(e, exclusive=False), info_form=lambda e: c14n(e, exclusive=False))
    assert named(inclusive) == {
        "body": {"c14n.inclusive-done"},
        "timestamp": {"c14n.inclusive-done"},
        "SignatureValue": {"c14n.inclusive-done"},
    }
    exclusive = sign_with(method(INC))
    assert set().union(*named(exclusive).values()) == {"c14n.exclusive-done"}


def test_digested_from_a_tree_without_namespaces() -> None:
    """A parser of the JDK that is not told of namespaces, and a tag with a prefix made by createElement."""
    default, prefixed = b' xmlns="urn:hl7-org:v3"', b' xmlns:hl7fi="urn:hl7finland"'

    def parsed(element: etree._Element) -> bytes:
        return c14n(element).replace(default, b"").replace(prefixed, b"")

    def built(element: etree._Element) -> bytes:
        octets = c14n(element)
        return octets.replace(prefixed, default) if b"signatureTimestamp" in octets else octets

    assert named(sign_with(form=parsed)) == {"body": {"namespace.unaware"}, "timestamp": {"namespace.unaware"}}
    assert named(sign_with(form=built)) == {"timestamp": {"namespace.unaware"}}


def test_unused_namespaces_under_inclusive_canonicalisation() -> None:
    """A tool that tidies the root element, or adds its own declaration there."""
    signed = sign_with(
        method(INC), form=lambda e: c14n(e, exclusive=False), info_form=lambda e: c14n(e, exclusive=False)
    )
    assert verify_document(signed, world.context()).verdict is Verdict.VALID
    tidied = re.sub(rb' xmlns:xsi="[^"]*"| xsi:schemaLocation="[^"]*"', b"", signed)
    added = signed.replace(b"<ClinicalDocument ", b'<ClinicalDocument xmlns:voc="urn:hl7-org:v3/voc" ')
    for document in (tidied, added):
        assert set().union(*named(document).values()) == {"namespace.unused"}


def test_base64_broken_into_lines() -> None:
    """A mail gateway or a pretty-printer that folds long texts."""
    signed = world.signed_by_professional()

    def folded(match: re.Match[bytes]) -> bytes:
        return match[1] + b"\n".join(match[2][at : at + 76] for at in range(0, len(match[2]), 76)) + b"<"

    assert named(re.sub(rb'("B64">)([^<]*)<', folded, signed)) == {"body": {"whitespace.base64"}}
    value = re.sub(rb"(DigestValue>)([^<]{20})", b"\\1\\2\n", signed, count=1)
    assert named(value) == {"SignatureValue": {"whitespace.base64"}}


def test_wrong_digest_algorithm_named_and_hexadecimal_digest() -> None:
    """Code and constant differ; or the digest went through a hex string."""
    assert named(sign_with(digest=lambda o: hashlib.sha512(o).digest()))["body"] == {"digest.algorithm"}
    assert named(sign_with(digest=lambda o: hashlib.sha1(o).digest()))["timestamp"] == {"digest.algorithm"}
    assert named(sign_with(digest=lambda o: hashlib.sha256(o).hexdigest().encode()))["body"] == {"digest.hexadecimal"}


def test_wrong_certificate_in_key_info() -> None:
    """The authentication certificate of the same card is shown; the right one is among the card's certificates."""
    other = world.certificate(world.rsa_key("other"), "12345678901", world.key_usage(digital_signature=True))
    shown = base64.b64encode(other.public_bytes(serialization.Encoding.DER))
    signed = re.sub(rb"(X509Certificate>)[^<]*", rb"\g<1>" + shown, world.signed_by_professional(), count=1)
    assert named(signed, world.card_certificate()) == {"SignatureValue": {"certificate.other"}}
    assert named(signed) == {"SignatureValue": set()}


def test_signers_certificate_behind_another_that_is_not_its_issuer() -> None:
    """All certificates of a card, the wrong one first; of a chain, the order does not matter."""
    other = base64.b64encode(world.system_certificate().public_bytes(serialization.Encoding.DER))
    first = b"<ds:X509Certificate>" + other + b"</ds:X509Certificate>"
    signed = world.signed_by_professional().replace(b"<ds:X509Data>", b"<ds:X509Data>" + first)
    assert named(signed) == {"SignatureValue": {"certificate.order"}}


def elliptic_value(form: Callable[[int, int], bytes]) -> bytes:
    """A system's document whose ECDSA value is written by ``form``."""
    signed = world.signed_by_system()
    raw = base64.b64decode(re.findall(rb"SignatureValue>([^<]*)<", signed)[0])
    new = base64.b64encode(form(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big")))
    return re.sub(rb"(SignatureValue>)[^<]*", lambda match: match[1] + new, signed, count=1)


def test_ecdsa_value_in_der() -> None:
    """What OpenSSL and Java give."""
    assert named(elliptic_value(encode_dss_signature)) == {"SignatureValue": {"value.der"}}


def test_ecdsa_value_raw_but_not_of_fixed_length() -> None:
    """The reverse: raw numbers that went through code for DER carry its sign octet, or lose their zeros."""
    padded = elliptic_value(lambda r, s: b"\x00" + r.to_bytes(48, "big") + s.to_bytes(48, "big"))
    assert named(padded) == {"SignatureValue": {"value.der-expected"}}


@pytest.mark.parametrize(
    ("change", "accident"),
    [
        (lambda raw: raw[::-1], "value.reversed"),
        (base64.b64encode, "value.encoded-twice"),
        (lambda raw: raw.hex().encode(), "value.encoded-twice"),
    ],
)
def test_value_in_another_form(change: Callable[[bytes], bytes], accident: str) -> None:
    """Byte order of another interface; base64 or hexadecimal once too often."""
    signed = world.signed_by_professional()
    raw = base64.b64decode(re.findall(rb"SignatureValue>([^<]*)<", signed)[0])
    new = base64.b64encode(change(raw))
    document = re.sub(rb"(SignatureValue>)[^<]*", lambda match: match[1] + new, signed, count=1)
    assert named(document) == {"SignatureValue": {accident}}


def test_value_by_another_hash_padding_or_hashed_twice() -> None:
    """The wrong mechanism of a token."""
    key = world.rsa_key("card")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    for make, accident in (
        (lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA512()), "value.algorithm"),
        (lambda data: key.sign(data, pss, hashes.SHA256()), "value.algorithm"),
        (
            lambda data: key.sign(hashlib.sha256(data).digest(), padding.PKCS1v15(), hashes.SHA256()),
            "value.hashed-twice",
        ),
    ):
        assert named(sign_with(value=make)) == {"SignatureValue": {accident}}


def test_elliptic_value_hashed_twice() -> None:
    """The same with a P-384 token."""

    def make(data: bytes) -> bytes:
        signed = world.ec_key("system").sign(hashlib.sha384(data).digest(), ec.ECDSA(hashes.SHA384()))
        r, s = decode_dss_signature(signed)
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")

    document = sign_with(value=make, document=world.signed_by_system())
    assert named(document) == {"SignatureValue": {"value.hashed-twice"}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"09:15:30.123456Z", b"09:15:30.123Z"),
        (b"2026-03-01T09:15:30.123456Z", b"2026-03-01T11:15:30.123456+02:00"),
        (b"09:15:30.123456Z", b"09:15:30.123456+00:00"),
        (b"09:15:30.123456Z", b"09:27:01.123456Z"),
    ],
)
def test_timestamp_changed_after_signing(old: bytes, new: bytes) -> None:
    """A date library that writes what it read in its own way, or a timestamp taken twice."""
    signed = world.signed_by_professional(at=world.NOW.replace(microsecond=123000) if b".123Z" in new else world.NOW)
    old = old.replace(b"123456", b"123000") if b".123Z" in new else old
    assert named(signed.replace(b">" + old, b">" + new) if b">" + old in signed else signed.replace(old, new, 1)) == {
        "timestamp": {"timestamp.changed"}
    }


def test_signed_before_it_was_set_into_the_document() -> None:
    """Inclusive canonicalisation of an element that stood alone, without what the document declares."""

    def alone(element: etree._Element) -> bytes:
        detached = etree.fromstring(c14n(element))
        return etree.tostring(detached, method="c14n")

    def change(root: etree._Element) -> None:
        method(INC)(root)
        body = next(root.iter("{urn:hl7-org:v3}nonXMLBody"))
        parent = body.getparent()
        assert parent is not None
        fresh = etree.fromstring(
            etree.tostring(body).replace(b"<nonXMLBody ", b'<nonXMLBody xmlns:own="urn:own" ', 1)
        )
        parent.replace(body, fresh)

    def with_own(element: etree._Element) -> bytes:
        if not element.tag.endswith("nonXMLBody"):
            return c14n(element, exclusive=False)
        octets = alone(element)
        return octets.replace(b'xmlns="urn:hl7-org:v3"', b'xmlns="urn:hl7-org:v3" xmlns:own="urn:own"', 1)

    document = sign_with(change, form=with_own, info_form=lambda e: c14n(e, exclusive=False))
    assert named(document) == {"body": {"placement.inserted"}}


def test_identifier_set_after_signing() -> None:
    """The digest was made before the element got its ID."""
    signed = sign_with(form=lambda element: re.sub(rb' ID="[^"]*"', b"", c14n(element), count=1))
    assert named(signed) == {"body": {"placement.identifier"}, "timestamp": {"placement.identifier"}}


def test_algorithm_name_changed_after_signing() -> None:
    """A template that is completed after SignedInfo was signed."""
    signed = world.signed_by_professional().replace(b"rsa-sha256", b"rsa-sha512")
    assert named(signed) == {"SignatureValue": {"signed-info.algorithm", "value.algorithm"}}


def test_a_changed_content_is_no_accident() -> None:
    """The diagnosis must not excuse a forgery."""
    signed = world.signed_by_professional()
    place = signed.index(b'"B64">') + 50
    changed = signed[:place] + (b"A" if signed[place : place + 1] != b"A" else b"B") + signed[place + 1 :]
    assert named(changed) == {"body": set()}
    assert "content itself" in diagnose(changed)[0].text()


@pytest.mark.parametrize("data", [b"", b"x", b"<a/>", b"\xff" * 99, b"<?xml version='1.0' encoding='utf-16'?><a/>"])
def test_files_that_are_no_document_have_no_diagnosis(data: bytes) -> None:
    """Whatever is given, an answer comes and no exception."""
    assert diagnose(data) == ()


def test_a_large_document_is_diagnosed_within_seconds() -> None:
    """Trying accidents is bounded by what is hashed, so a large forgery cannot keep a verifier busy."""
    signed = world.signed_by_professional(world.unsigned(paragraphs=("TESTI " * 200,) * 1500))
    place = signed.index(b'"B64">') + 50
    begin = time.monotonic()
    diagnose(signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :])
    assert time.monotonic() - begin < 20


def listing(prefixes: str) -> Callable[[etree._Element], None]:
    """Name these prefixes in the PrefixList of every canonicalisation."""

    def change(root: etree._Element) -> None:
        for element in root.iter(f"{D}Transform", f"{D}CanonicalizationMethod"):
            etree.SubElement(element, f"{{{EXC}}}InclusiveNamespaces", PrefixList=prefixes)

    return change


def with_declaration(declaration: bytes) -> Callable[[etree._Element], bytes]:
    """The exclusive form with a declaration more on the first tag, unless it is there, as a PrefixList wants it."""

    def form(element: etree._Element) -> bytes:
        octets = c14n(element)
        match = re.match(rb'^<([^\s>]+)((?: xmlns[^=]*="[^"]*")*)', octets)
        assert match is not None
        declared = b" ".join(sorted({declaration, *match[2].split()}, key=lambda one: one.partition(b"=")[0]))
        return b"<%b %b" % (match[1], declared) + octets[match.end() :]

    return form


def test_an_intact_signature_with_a_prefix_list_has_no_cause() -> None:
    """Where something else is wrong, a vendor would mend namespaces that are right."""
    form = with_declaration(b'xmlns:fi="urn:fi"')
    source = world.signed_by_professional().replace(b"<ClinicalDocument", b'<ClinicalDocument xmlns:fi="urn:fi"', 1)
    intact = sign_with(listing("fi"), form=form, info_form=form, document=source)
    assert verify_document(intact, world.context()).verdict is Verdict.VALID
    assert diagnose(intact) == ()
    assert named(intact.replace(b":30.123456Z<", b":31.123456Z<")) == {"timestamp": {"timestamp.changed"}}


def test_the_default_namespace_in_a_prefix_list_is_part_of_what_is_signed() -> None:
    """A document as the standard wants it is valid; one that was signed as if the list were empty is not."""
    form = with_declaration(b'xmlns="urn:hl7-org:v3"')
    right = sign_with(listing("#default"), form=form, info_form=form)
    assert verify_document(right, world.context()).verdict is Verdict.VALID
    assert diagnose(right) == ()
    assert set(named(sign_with(listing("#default")))) == {"timestamp", "SignatureValue"}


def test_a_long_digest_or_signed_info_is_no_work_for_hours() -> None:
    """33 seconds and a gigabyte for a document of one megabyte would stop a service."""
    signed, long = world.signed_by_professional(), b"A" * 1_000_000
    begin = time.monotonic()
    assert diagnose(signed.replace(b"<ds:DigestValue>", b"<ds:DigestValue>" + long, 1)) == ()
    odd = signed.replace(b"<ds:Transform Algorithm", b'<ds:Transform x="' + long + b'" Algorithm', 1)
    tracemalloc.start()
    assert [one.part for one in diagnose(odd)] == ["SignatureValue"]
    assert tracemalloc.get_traced_memory()[1] < 150_000_000
    tracemalloc.stop()
    assert time.monotonic() - begin < 10


def test_every_accident_says_what_to_change() -> None:
    """An accident without advice helps nobody."""
    assert len(accidents()) >= 12
    assert all(one.text.endswith(".") and len(one.advice) > 20 for one in accidents().values())


def test_the_page_lists_every_accident() -> None:
    """A vendor who looks for his symptom in docs/signatures.md would not find it."""
    page = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")
    assert [one.text for one in accidents().values() if f"| {one.text} | {one.advice} |" not in page] == []
