"""Verifying a signature: which forms are read, what each reference covers, and what keeps a verdict open.

The signatures are made here with libxml2 and the key alone, so signer and verifier share no code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import document_world as world
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from sotepki.evidence import Verdict
from sotepki.xmldsig import DS, EXCLUSIVE, INCLUSIVE, SignatureReport, read_xml, verify_signature

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EXCLUSIVELY = f'<ds:Transform Algorithm="{EXCLUSIVE}"/>'
INCLUSIVELY = f'<ds:Transform Algorithm="{INCLUSIVE}"/>'
TAKE_OUT = f'<ds:Transform Algorithm="{ENVELOPED}"/>'
LISTED = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="b"/>'
CHOSEN = '<ds:XPath xmlns:a="urn:t:a">ancestor-or-self::a:part</ds:XPath>'
FILTER = f'<ds:Transform Algorithm="{XPATH}">{CHOSEN}</ds:Transform>'
WITH_LIST = f'<ds:Transform Algorithm="{EXCLUSIVE}">{LISTED}</ds:Transform>'
PART, SIGNATURE = "{urn:t:a}part", f"{{{DS}}}Signature"

Octets = Callable[[etree._Element], bytes]
How = dict[str, Any]
"""Arguments of ``signed``."""


def exclusive(element: etree._Element, *prefixes: str) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, inclusive_ns_prefixes=list(prefixes) or None)


def inclusive(element: etree._Element) -> bytes:
    """Only right where all namespaces of ancestors are declared on the element itself, as in ``PART``."""
    return etree.tostring(etree.fromstring(etree.tostring(element, with_tail=False)), method="c14n")


def without_signature(element: etree._Element) -> bytes:
    copied = etree.fromstring(etree.tostring(element, with_tail=False))
    for signature in copied.findall(SIGNATURE):
        copied.remove(signature)
    return exclusive(copied)


def filtered_with_list(element: etree._Element) -> bytes:
    document = etree.fromstring(exclusive(element.getroottree().getroot(), "b"))
    return inclusive(next(document.iter(PART)))


def signed(
    octets: Octets = exclusive,
    *,
    transforms: str = EXCLUSIVELY,
    uri: str = "#one",
    identifier: str = "one",
    digest_method: str = SHA256,
    inside: bool = False,
    parameters: str = "",
    more: str = "",
    changes: Mapping[str, str] | None = None,
) -> bytes:
    """A document whose part is signed, the signature beside or inside it.

    Args:
        octets: what the signer digested of the part.
        parameters: of CanonicalizationMethod; then SignedInfo is signed with the prefix ``b`` listed.
        more: elements beside the part.
        changes: what is replaced in the whole text before it is signed.
    """
    certificate = base64.b64encode(world.card_certificate().public_bytes(serialization.Encoding.DER)).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}">{parameters}</ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>'
        f'<ds:Reference URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest_method}"/><ds:DigestValue>AA==</ds:DigestValue></ds:Reference>'
        f"</ds:SignedInfo><ds:SignatureValue>AA==</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
        f"<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    ).replace("<ds:Transforms></ds:Transforms>", "")
    part = f'<a:part xmlns:a="urn:t:a" xmlns:b="urn:t:b" ID="{identifier}"><a:line>b:x</a:line>{{}}</a:part>'
    text = f'<a:d xmlns:a="urn:t:a" xmlns:b="urn:t:b">{part.format(signature if inside else "")}{more}'
    text += f"{'' if inside else signature}</a:d>"
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    root = etree.fromstring(text)
    for value in root.iter(f"{{{DS}}}DigestValue"):
        if value.text == "AA==":
            digest = hashlib.new("sha1" if digest_method == SHA1 else "sha256", octets(next(root.iter(PART))))
            value.text = base64.b64encode(digest.digest()).decode()
    value = next(root.iter(f"{{{DS}}}SignatureValue"))
    if value.text == "AA==":
        signed_info = exclusive(next(root.iter(f"{{{DS}}}SignedInfo")), *(["b"] if parameters else []))
        made = world.rsa_key("card").sign(signed_info, padding.PKCS1v15(), hashes.SHA256())
        value.text = base64.b64encode(made).decode()
    return etree.tostring(root)


def judged(data: bytes, *filtered: str) -> SignatureReport:
    document = read_xml(data)
    return verify_signature(document, next(document.root.iter(SIGNATURE)), filtered=filtered)


def answer(report: SignatureReport) -> tuple[str, list[str]]:
    return str(report.verdict), [finding.rule for finding in report.findings]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, []),
        ({"octets": lambda part: exclusive(part, "b"), "transforms": WITH_LIST}, []),
        ({"parameters": LISTED}, []),
        ({"octets": without_signature, "transforms": TAKE_OUT + EXCLUSIVELY, "inside": True}, []),
        ({"octets": inclusive, "transforms": INCLUSIVELY}, ["dsig.algorithm.inclusive"]),
        ({"octets": inclusive, "transforms": ""}, ["dsig.algorithm.inclusive"]),
        ({"uri": "", "transforms": EXCLUSIVELY + FILTER}, []),
        ({"octets": filtered_with_list, "uri": "", "transforms": WITH_LIST + FILTER}, []),
    ],
    ids=["plain", "listed prefix", "listed in SignedInfo", "enveloped", "inclusive", "default", "filter", "both"],
)  # fmt: skip
def test_every_form_that_a_vendor_may_write_verifies(how: How, expected: list[str]) -> None:
    """Another library's signature, right by the standard, would be refused, or a changed part taken for intact."""
    document = signed(**how)
    report = judged(document, PART)
    assert answer(report) == ("valid", expected)
    (covered,) = report.covered
    assert covered.intact and covered.path == "/d/part"
    assert report.signature_method == RSA_SHA256
    assert report.certificate == world.card_certificate()
    changed = judged(document.replace(b">b:x<", b">b:y<"), PART)
    assert answer(changed) == ("invalid", [*expected, "dsig.digest"])
    assert not changed.covered[0].intact


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"transforms": WITH_LIST}, "dsig.digest"),
        ({"transforms": TAKE_OUT + EXCLUSIVELY, "inside": True}, "dsig.digest"),
        ({"transforms": INCLUSIVELY}, "dsig.digest"),
        ({"changes": {EXCLUSIVE + '"></ds:C': EXCLUSIVE + f'">{LISTED}</ds:C'}}, "dsig.signature-value"),
    ],
    ids=["prefix not rendered", "signature not left out", "exclusive after all", "prefix not in SignedInfo"],
)
def test_a_form_that_was_named_but_not_used_does_not_verify(how: How, expected: str) -> None:
    """A signer's library that names one form and digests another fails at Kanta, so it must fail here."""
    report = judged(signed(**how))
    assert (report.verdict, expected in answer(report)[1]) == (Verdict.INVALID, True)


OTHER = '<a:other ID="{}"/>'


@pytest.mark.parametrize(
    ("how", "filtered", "expected"),
    [
        ({"digest_method": SHA1}, (), ("valid", ["dsig.algorithm.weak"])),
        ({"digest_method": "urn:t:md7"}, (), ("indeterminate", ["dsig.algorithm.unlisted"])),
        ({"transforms": '<ds:Transform Algorithm="urn:t:c14n"/>'}, (), ("indeterminate", ["dsig.transform"])),
        ({"more": OTHER.format("ONE")}, (), ("indeterminate", ["dsig.reference.case-variant"])),
        ({"more": OTHER.format("TWO")}, (), ("valid", [])),
        ({"more": OTHER.format("TWO") + OTHER.format("two")}, (), ("valid", [])),
        ({"uri": "#xpointer(1)", "identifier": "xpointer(1)"}, (), ("invalid", ["dsig.reference.uri"])),
        ({"uri": "#o"}, (), ("invalid", ["dsig.reference.missing"])),
        ({"uri": "#o", "identifier": "o"}, (), ("valid", [])),
        ({"uri": "one"}, (), ("invalid", ["dsig.reference.uri"])),
        ({"uri": "", "transforms": EXCLUSIVELY + FILTER}, (), ("indeterminate", ["dsig.transform"])),
        ({"transforms": EXCLUSIVELY + FILTER}, (PART,), ("indeterminate", ["dsig.transform"])),
        (
            {"uri": "", "transforms": EXCLUSIVELY + FILTER, "more": "<a:part/>"}, (PART,),
            ("invalid", ["dsig.reference.ambiguous"]),
        ),
        (
            {"uri": "", "transforms": EXCLUSIVELY + FILTER.replace("a:part", "a:gone")}, ("{urn:t:a}gone",),
            ("invalid", ["dsig.reference.missing"]),
        ),
        ({"changes": {RSA_SHA256: "urn:t:rsa"}}, (), ("indeterminate", ["dsig.algorithm.unlisted"])),
        ({"changes": {RSA_SHA256: "urn:t:HMAC"}}, (), ("invalid", ["dsig.algorithm.signature"])),
        (
            {"changes": {RSA_SHA256: RSA_SHA256.replace("rsa", "ecdsa")}}, (),
            ("invalid", ["dsig.algorithm.signature"]),
        ),
        ({"changes": {"<ds:X509Certificate>": "<ds:X509Certificate>AAAA"}}, (), ("invalid", ["dsig.certificate"])),
        (
            {"changes": {"</ds:X509Data>": "<ds:X509Certificate>AA==</ds:X509Certificate></ds:X509Data>"}}, (),
            ("valid", ["dsig.key-info.chain"]),
        ),
    ],
)  # fmt: skip
def test_what_a_reference_or_an_algorithm_leads_to(
    how: How, filtered: tuple[str, ...], expected: tuple[str, list[str]]
) -> None:
    """A breach condemns; what merely cannot be examined keeps the verdict open and is never taken for valid."""
    report = judged(signed(**how), *filtered)
    assert answer(report) == expected
    assert bool(report.unresolved) == (report.covered == ())
    assert all(covered.intact for covered in report.covered) or "dsig.algorithm.unlisted" in expected[1]
    assert all(finding.where.endswith("/Signature") for finding in report.findings)


def test_an_element_without_a_canonical_form_is_said_to_have_none() -> None:
    """A relative namespace name has no meaning that two verifiers share; the signature over it proves nothing."""
    relative = {"<a:line>": '<z:x xmlns:z="relative"/><a:line>'}
    report = judged(signed(lambda part: b"anything", changes=relative))
    assert answer(report) == ("invalid", ["dsig.canonicalisation"])
    assert (report.covered, report.unresolved, report.findings[0].where) == ((), ("#one",), "#one")


def test_a_signed_info_without_a_canonical_form_is_not_left_unchecked() -> None:
    """A value that cannot be compared with anything would pass for a right one."""
    relative = {
        REFERENCE: '<ds:Reference xmlns:z="relative" z:a="1" URI="#one">',
        "Value>AA==</ds:S": "Value>BBBB</ds:S",
    }
    report = judged(signed(changes=relative))
    assert answer(report) == ("invalid", ["dsig.canonicalisation"])


def test_an_inclusive_signed_info_is_named_as_the_cause_only_where_it_is_the_cause() -> None:
    """Whoever follows a wrong piece of advice changes what was right."""
    root = etree.fromstring(signed())
    signed_info, value = next(root.iter(f"{{{DS}}}SignedInfo")), next(root.iter(f"{{{DS}}}SignatureValue"))
    made = world.rsa_key("card").sign(inclusive(signed_info), padding.PKCS1v15(), hashes.SHA256())
    advice = []
    for octets in (made, made[::-1]):
        value.text = base64.b64encode(octets).decode()
        (finding,) = judged(etree.tostring(root)).findings
        assert finding.rule == "dsig.signature-value"
        advice.append("inclusively" in finding.advice)
    assert advice == [True, False]


def test_what_has_an_unknown_digest_is_covered_but_not_known_to_be_intact() -> None:
    """A newer digest would be called a missing reference, or its element would pass for verified."""
    report = judged(signed(digest_method="urn:t:md7"))
    assert [(one.path, one.intact, one.pieces) for one in report.covered] == [("/d/part", False, ())]
    assert report.unresolved == ()


REFERENCE = '<ds:Reference URI="#one">'
DIGEST = f'<ds:DigestMethod Algorithm="{SHA256}"/>'
METHOD = f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>'
CANONICALISATION = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
LISTS = "InclusiveNamespaces"
PARAMETER = "<ds:HMACOutputLength>8</ds:HMACOutputLength>"
VALUE = "<ds:DigestValue>AA==</ds:DigestValue>"
WHOLE = f"{REFERENCE}<ds:Transforms>{EXCLUSIVELY}</ds:Transforms>{DIGEST}{VALUE}</ds:Reference>"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("</ds:Signature>", "<ds:Object/></ds:Signature>", "dsig.form"),
        ("<ds:KeyInfo>", "<ds:Object/><ds:KeyInfo>", "dsig.structure"),
        (METHOD, f"{METHOD[:-2]}>{PARAMETER}</ds:SignatureMethod>", "dsig.form"),
        (METHOD, "", "dsig.structure"),
        (METHOD, "<ds:SignatureMethod/>", "dsig.structure"),
        (METHOD, '<ds:SignatureMethod Algorithm=""/>', "dsig.structure"),
        (CANONICALISATION, "", "dsig.structure"),
        (CANONICALISATION + METHOD, METHOD + CANONICALISATION, "dsig.structure"),
        (CANONICALISATION, CANONICALISATION.replace(f'{EXCLUSIVE}"><', f'{INCLUSIVE}">{LISTED}<'), "dsig.transform"),
        (CANONICALISATION, CANONICALISATION.replace("><", f">{LISTED}{LISTED}<"), "dsig.transform"),
        (CANONICALISATION, CANONICALISATION.replace("><", f">{PARAMETER}<"), "dsig.transform"),
        (CANONICALISATION, CANONICALISATION.replace("><", f">{LISTED[:-2]}><a:x/></ec:{LISTS}><"), "dsig.transform"),
        (WHOLE, "", "dsig.structure"),
        (WHOLE, f"<ds:Object/>{WHOLE}", "dsig.structure"),
        (WHOLE, f"{WHOLE}<ds:Object/>", "dsig.structure"),
        (WHOLE, WHOLE * 17, "dsig.structure"),
        (WHOLE, f"text{WHOLE}", "dsig.structure"),
        (WHOLE, f"{WHOLE}text", "dsig.structure"),
        (REFERENCE, "<ds:Reference>", "dsig.reference.uri"),
        (REFERENCE, '<ds:Reference URI="#one" Type="">', "dsig.form"),
        (DIGEST, f"{DIGEST}<ds:Object/>", "dsig.structure"),
        (VALUE, f"<ds:DigestValue>{'AAAA' * 43}</ds:DigestValue>", "dsig.structure"),
        (DIGEST, f"{DIGEST[:-2]}>{PARAMETER}</ds:DigestMethod>", "dsig.form"),
        (EXCLUSIVELY, f"<ds:Object/>{EXCLUSIVELY}", "dsig.structure"),
        (EXCLUSIVELY, f'<ds:Transform Algorithm="{ENVELOPED}">{PARAMETER}</ds:Transform>', "dsig.structure"),
        (EXCLUSIVELY, EXCLUSIVELY * 2, "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + TAKE_OUT, "dsig.transform"),
        (EXCLUSIVELY, TAKE_OUT * 2, "dsig.transform"),
        (EXCLUSIVELY, TAKE_OUT + EXCLUSIVELY + FILTER, "dsig.transform"),
        (EXCLUSIVELY, INCLUSIVELY + FILTER, "dsig.transform"),
        (EXCLUSIVELY, FILTER + EXCLUSIVELY, "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("ancestor-or-self", "descendant"), "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("self::a:", "self::c:"), "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("</ds:XPath>", "</ds:XPath><ds:XPath/>"), "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("</ds:XPath>", "<a:x/></ds:XPath>"), "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("<ds:XPath", '<ds:XPath Filter="subtract"'), "dsig.transform"),
        (EXCLUSIVELY, EXCLUSIVELY + FILTER.replace("ds:XPath", "ds:Other"), "dsig.transform"),
        ("<ds:DigestValue>AA==<", "<ds:DigestValue><", "dsig.structure"),
        ("<ds:DigestValue>AA==<", "<ds:DigestValue>AA=<", "dsig.structure"),
        ("<ds:DigestValue>AA==<", "<ds:DigestValue>A*==<", "dsig.structure"),
        ("<ds:DigestValue>AA==<", "<ds:DigestValue>\u0661A==<", "dsig.structure"),
        ("<ds:DigestValue>AA==<", "<ds:DigestValue>BB==<a:x/><", "dsig.structure"),
        ("<ds:KeyInfo><ds:X509Data>", "<ds:KeyInfo><ds:KeyName/><ds:X509Data>", "dsig.key-info"),
        ("</ds:X509Data>", "</ds:X509Data><ds:X509Data/>", "dsig.key-info"),
        ("</ds:X509Data>", "<ds:X509SubjectName/></ds:X509Data>", "dsig.key-info"),
        ("X509Certificate>", "X509CRL>", "dsig.key-info"),
    ],
)  # fmt: skip
def test_a_signature_of_another_structure_is_not_guessed_at(old: str, new: str, rule: str) -> None:
    """What one library skips another one obeys; a signature that two can read differently is refused by its rule."""
    report = judged(signed(changes={old: new}), PART)
    assert report.verdict is not Verdict.VALID
    assert [finding.rule for finding in report.findings] == [rule]
    assert (report.covered, report.certificate) == ((), None)


def test_sixteen_references_are_read() -> None:
    """The bound is against hostile documents; a signature with attachments stays below it."""
    report = judged(signed(changes={WHOLE: WHOLE * 16}))
    assert (report.verdict, len(report.covered)) == (Verdict.VALID, 16)
