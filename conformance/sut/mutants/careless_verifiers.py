"""Verifiers that overlook one rule, read documents too kindly, or know too little of what others may write."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from conformance.bench.forging import serialised
from conformance.sut.facets import Answer, Facet, Trust
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Verifier
from sotepki.documents import DocumentReport
from sotepki.documents.vocabulary import finland
from sotepki.evidence import Severity, Verdict
from sotepki.xmldsig import DS

_HARMLESS = (
    "doc.certificate.profile",
    "doc.kela",
    "doc.prescriber-id",
    "doc.signer-block",
    "doc.timestamp.block",
    "dsig.key-info.chain",
)
"""Rules whose breach only warns and never makes the reference system refuse."""
_P384 = 48
_SIGNATURE_VALUE = re.compile(rb"(SignatureValue>)([^<]*)(<)")

Question = Callable[[bytes, DocumentReport], bool]


@dataclass(frozen=True)
class Careless:
    """Does not mind breaches of ``rules``, in documents for which ``when`` is true."""

    verifier: Verifier
    rules: tuple[str, ...]
    when: Question

    def verify(self, document: bytes, trust: Trust) -> Answer:
        report = self.verifier.report(document, trust)
        passed = (*self.rules, *_HARMLESS)
        weighty = [finding for finding in report.findings if finding.severity is not Severity.NOTICE]
        minded = tuple(finding.rule for finding in weighty if not finding.rule.startswith(passed))
        overlooked = not minded and self.when(document, report)
        return Answer(report.verdict is Verdict.VALID or overlooked, minded)


@dataclass(frozen=True)
class Believing:
    """Accepts what it recognises without looking further."""

    verifier: Verifier
    recognises: Callable[[bytes], bool]

    def verify(self, document: bytes, trust: Trust) -> Answer:
        return Answer(True) if self.recognises(document) else self.verifier.verify(document, trust)


@dataclass(frozen=True)
class Narrow:
    """Refuses what it does not know."""

    verifier: Verifier
    knows: Callable[[bytes], bool]

    def verify(self, document: bytes, trust: Trust) -> Answer:
        return self.verifier.verify(document, trust) if self.knows(document) else Answer(False, ("not understood",))


@dataclass(frozen=True)
class Mending:
    """Mends a document before it verifies it; what the mending cannot read is left as it is."""

    verifier: Verifier
    mend: Callable[[bytes], bytes]

    def verify(self, document: bytes, trust: Trust) -> Answer:
        with suppress(etree.XMLSyntaxError):
            document = self.mend(document)
        return self.verifier.verify(document, trust)


def _overlooking(*rules: str, when: Question = lambda document, report: True) -> Fault:
    return lambda reference: {"verifier": Careless(reference.verifier, rules, when)}


def _believing(recognises: Callable[[bytes], bool]) -> Fault:
    return lambda reference: {"verifier": Believing(reference.verifier, recognises)}


def _narrow(unknown: str) -> Fault:
    pattern = re.compile(unknown.encode())
    return lambda reference: {"verifier": Narrow(reference.verifier, lambda document: not pattern.search(document))}


def _mending(mend: Callable[[bytes], bytes]) -> Fault:
    return lambda reference: {"verifier": Mending(reference.verifier, mend)}


def _found(rule: str) -> Question:
    return lambda document, report: any(finding.rule == rule for finding in report.findings)


def _body_is_covered(document: bytes, report: DocumentReport) -> bool:
    return any(path.endswith("nonXMLBody") for signature in report.signatures for path in signature.covered)


def _raw_values(document: bytes) -> bytes:
    def raw(match: re.Match[bytes]) -> bytes:
        try:
            numbers = decode_dss_signature(base64.b64decode(match[2]))
        except ValueError:
            return match[0]
        return match[1] + base64.b64encode(b"".join(n.to_bytes(_P384, "big") for n in numbers)) + match[3]

    return _SIGNATURE_VALUE.sub(raw, document)


def _first_signature_only(document: bytes) -> bytes:
    root = etree.fromstring(document)
    for collection in root.iter(finland("signatureCollection")):
        for other in collection.findall(finland("signature"))[1:]:
            collection.remove(other)
    return serialised(root)


def _without_white_space(document: bytes) -> bytes:
    root = etree.fromstring(document)
    for signed_info in root.iter(f"{{{DS}}}SignedInfo"):
        for element in signed_info.iter("*"):
            element.text = (element.text or "").strip()
            if element is not signed_info:
                element.tail = (element.tail or "").strip()
    return serialised(root)


def _in_utf8(document: bytes) -> bytes:
    try:
        document.decode()
    except UnicodeDecodeError:
        return document.decode("iso-8859-1").encode()
    return document


def _is_of_another_family(document: bytes) -> bool:
    return b"</ClinicalDocument>" in document and b"localSocialHeader" not in document


def _verifier(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"verifier-{name}", title, Facet.VERIFIER, fault)


MUTANTS = (
    _verifier("knows-rsa-only", "Knows RSA and no elliptic curves", _narrow(r"ecdsa")),
    _verifier("knows-sha256-only", "Takes SHA-256 for granted", _narrow(r"(?:rsa-|#)sha(?:384|512)")),
    _verifier("expects-one-signature", "Expects one signature and no more",
              _narrow(r"(?s)</(?:ds:)?SignedInfo>.*</(?:ds:)?SignedInfo>")),
    _verifier("expects-body-first", "Goes by the order of the references",
              _narrow(r'SignatureMethod(?: [^>]*/)?><ds:Reference URI="#CDA-timestamp')),
    _verifier("looks-for-prefixes", "Looks for elements by their prefixes", _narrow(r"<Signature\b|xmlns:voc=")),
    _verifier("stumbles-over-crlf", "Refuses CRLF line ends", _narrow(r"\r\n")),
    _verifier("reads-base64-in-one-line", "Reads base64 without line breaks only",
              _narrow(r"(?:SignatureValue|X509Certificate)>\s")),
    _verifier("reads-utc-only", "Reads timestamps with Z only", _narrow(r"signatureTimestamp[^>]*>[^<]*\+\d\d:")),
    _verifier("knows-social-welfare-only", "Knows social-welfare documents only", _narrow(r":localHeader\b")),
    _verifier("does-not-know-code-4", "Does not know Kanta's own signature",
              _narrow(r'signatureDescription[^>]* code="4"')),
    _verifier("digests-the-body-only", "Compares the digest of the body only", _overlooking("doc.digest.timestamp")),
    _verifier("ignores-the-value", "Compares digests and never verifies the value",
              _overlooking("dsig.signature-value")),
    _verifier("takes-der-values", "Takes ECDSA values in DER too", _mending(_raw_values)),
    _verifier("looks-at-the-first-signature", "Looks at the first signature only", _mending(_first_signature_only)),
    _verifier("strips-white-space", "Strips white space from SignedInfo before it verifies",
              _mending(_without_white_space)),
    _verifier("passes-unknown-families", "Passes documents of other families on unexamined",
              _believing(_is_of_another_family)),
    _verifier("trusts-code-4", "Accepts whatever is described as signed by Kanta",
              _believing(lambda document: b'signatureDescription code="4"' in document)),
    _verifier("ignores-duplicate-ids", "Does not mind an ID that stands twice", _overlooking("xml.id.duplicate")),
    _verifier("ignores-case-variants", "Does not mind IDs that differ in case only",
              _overlooking("dsig.reference.case-variant")),
    _verifier("ignores-second-parts", "Takes the first body, header or collection and no notice of a second",
              _overlooking("doc.structure")),
    _verifier("ignores-the-body-id", "Does not compare the body's ID with the document's id",
              _overlooking("doc.body.id")),
    _verifier("ignores-stray-signatures", "Does not mind signatures at other places",
              _overlooking("doc.signature.stray")),
    _verifier("ignores-unfinished-entries", "Does not mind what an entry of signatureCollection holds",
              _overlooking("doc.signature.structure")),
    _verifier("ignores-coverage", "Does not ask what was signed", _overlooking("doc.coverage")),
    _verifier("asks-for-the-body-only", "Asks only whether the body was signed",
              _overlooking("doc.coverage", when=_body_is_covered)),
    _verifier("follows-references", "Follows references wherever they lead",
              _overlooking("dsig.reference.uri", "doc.coverage", when=_found("dsig.reference.uri"))),
    _verifier("ignores-the-structure", "Does not mind parts of a signature that are missing or too many",
              _overlooking("dsig.structure")),
    _verifier("ignores-objects", "Does not mind objects in a signature", _overlooking("dsig.form")),
    _verifier("carries-out-any-transform", "Carries out any transform",
              _overlooking("dsig.transform", "doc.coverage", when=_found("dsig.transform"))),
    _verifier("takes-hmac", "Takes an HMAC with the public key as its secret",
              _overlooking("dsig.algorithm.signature", when=lambda document, report: b"hmac" in document)),
    _verifier("goes-by-the-key", "Takes the algorithm from the key and never reads the method",
              _overlooking("dsig.algorithm.signature", when=lambda document, report: b"hmac" not in document)),
    _verifier("takes-unlisted-algorithms", "Takes algorithms that nobody should use",
              _overlooking("dsig.algorithm.unlisted")),
    _verifier("takes-bare-keys", "Takes the key from wherever KeyInfo says", _overlooking("dsig.key-info")),
    _verifier("ignores-unreadable-certificates", "Does not mind a certificate that it cannot read",
              _overlooking("dsig.certificate")),
    _verifier("ignores-registration-numbers", "Does not compare the registration numbers",
              _overlooking("doc.registration-number")),
    _verifier("ignores-the-organisation", "Does not compare the organisations", _overlooking("doc.organisation")),
    _verifier("ignores-validity", "Does not look at the certificate's validity",
              _overlooking("path.expired", "doc.certificate.validity")),
    _verifier("takes-any-issuer", "Takes any issuer that it is shown", _overlooking("path.untrusted")),
    _verifier("passes-unsigned-documents", "Finds no fault with a document without signatures",
              _overlooking("doc.signature.missing")),
    _verifier("ignores-the-code-system", "Reads the description code without its code system",
              _overlooking("doc.description")),
    _verifier("ignores-the-time", "Does not look at the signature timestamp", _overlooking("doc.timestamp")),
    _verifier("ignores-stale-signatures", "Does not notice signatures of an earlier version",
              _overlooking("doc.signature.stale")),
    _verifier("reads-doctypes", "Reads document type declarations", _overlooking("xml.dtd")),
    _verifier("swallows-errors", "Accepts when it cannot read",
              _overlooking("xml.empty", "xml.not-well-formed", "doc.family")),
    _verifier("guesses-the-encoding", "Guesses the encoding of what is not UTF-8", _mending(_in_utf8)),
    _verifier("passes-what-it-cannot-canonicalise", "Accepts a body that has no canonical form",
              _overlooking("dsig.canonicalisation", "doc.coverage", when=_found("dsig.canonicalisation"))),
)  # fmt: skip
