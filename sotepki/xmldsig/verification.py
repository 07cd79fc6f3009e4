"""Verifying one ds:Signature: which elements it covers, whether they and the signature are intact, and by which key.

The certificate is taken as it stands in the signature. Whether it may be trusted is for the caller to decide.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice

from cryptography import x509
from lxml import etree

from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict
from sotepki.xmldsig.algorithm_checks import canonicalisation_of, note_unlisted, note_weak
from sotepki.xmldsig.algorithms import Use, load_algorithms
from sotepki.xmldsig.canonical import canonical_pieces, filtered_octets
from sotepki.xmldsig.parsing import XmlDocument, path_of
from sotepki.xmldsig.report import Judgement, rules
from sotepki.xmldsig.signature_value import check_value
from sotepki.xmldsig.structure import Reference, read_signature


@dataclass(frozen=True, eq=False)
class CoveredElement:
    """An element that a signature covers.

    Attributes:
        uri: the reference as written.
        element: the element in the unverified document; good for asking which one it is, not for reading it.
        pieces: its canonical form in pieces, the only thing that was digested; none if the digest algorithm is not
            read here.
        intact: whether the digest agrees.
    """

    uri: str
    element: etree._Element
    pieces: tuple[bytes, ...] = field(repr=False)
    intact: bool

    @property
    def path(self) -> str:
        """Where the element stands in the document, in local names."""
        return path_of(self.element)


@dataclass(frozen=True, eq=False)
class SignatureReport:
    """What is known of one signature.

    Attributes:
        verdict: valid only if every reference and the signature value verify.
        covered: every reference that could be resolved, in order; trust ``pieces`` only when the verdict is valid.
        certificate: the certificate that the signature names as its signer's; its own trust is not judged.
        signature_method: identifier of the signature algorithm, empty if it could not be read.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    covered: tuple[CoveredElement, ...] = ()
    certificate: x509.Certificate | None = None
    signature_method: str = ""
    unresolved: tuple[str, ...] = field(default=())


def verify_signature(
    document: XmlDocument, signature: etree._Element, *, filtered: Collection[str] = ()
) -> SignatureReport:
    """Verify the ds:Signature element ``signature`` of ``document``. Never raises for what the document holds.

    Args:
        filtered: names of elements (in lxml's form) that a reference may select by the XPath transform.
    """
    judgement = Judgement(rules(), about=signature)
    try:
        parts = read_signature(signature)
    except Refused as refusal:
        judgement.refuse(refusal)
        return SignatureReport(judgement.verdict, judgement.findings)
    covered: list[CoveredElement] = []
    unresolved: list[str] = []
    for reference in parts.references:
        element = _cover(document, signature, reference, judgement, filtered)
        if element is None:
            unresolved.append(reference.uri)
        else:
            covered.append(element)
    certificate = check_value(parts, judgement)
    return SignatureReport(
        verdict=judgement.verdict,
        findings=judgement.findings,
        covered=tuple(covered),
        certificate=certificate,
        signature_method=parts.signature_method,
        unresolved=tuple(unresolved),
    )


def _cover(
    document: XmlDocument,
    signature: etree._Element,
    reference: Reference,
    judgement: Judgement,
    filtered: Collection[str],
) -> CoveredElement | None:
    """Resolve a reference and compare its digest."""
    element = _resolved(document, reference, judgement, filtered)
    if element is None:
        return None
    uri = reference.uri[:120]
    method = load_algorithms().digests.get(reference.digest_method)
    canonicalisation = canonicalisation_of(reference.canonicalised_by, judgement)
    if method is None:
        note_unlisted("digest algorithm", reference.digest_method, judgement)
    if canonicalisation is None:
        return None
    if method is None:
        return CoveredElement(reference.uri, element, (), False)
    if method.use is Use.WEAK:
        note_weak("digest", reference.digest_method, judgement)
    try:
        pieces = _digested(document, signature, reference, element, exclusive=canonicalisation.exclusive)
    except Refused as refusal:
        judgement.refuse(refusal, where=uri)
        return None
    intact = hmac.compare_digest(method.digest(*pieces), reference.digest_value)
    if not intact:
        judgement.find("dsig.digest", "The element was changed after it was signed.", found=uri, where=uri)
    return CoveredElement(reference.uri, element, pieces, intact)


def _digested(
    document: XmlDocument,
    signature: etree._Element,
    reference: Reference,
    element: etree._Element,
    *,
    exclusive: bool,
) -> tuple[bytes, ...]:
    """The octets that a reference digests, in pieces."""
    prefixes = reference.canonicalised_by.prefixes
    if reference.element_filter is not None:
        return (filtered_octets(document.root, reference.element_filter.name, prefixes=prefixes),)
    without = signature if reference.enveloped else None
    return canonical_pieces(element, exclusive=exclusive, prefixes=prefixes, without=without)


def _resolved(
    document: XmlDocument, reference: Reference, judgement: Judgement, filtered: Collection[str]
) -> etree._Element | None:
    """The one element that a reference is to, None with a finding if there is no such element."""
    uri = reference.uri
    if reference.element_filter is not None:
        return _selected(document, reference, judgement, filtered)
    if len(uri) < 2 or uri[0] != "#" or uri.startswith("#xpointer"):
        judgement.find(
            "dsig.reference.uri",
            "A reference does not point to an identified element of this document.",
            settles=False,
            expected="#<identifier>",
            found=uri[:120],
        )
        return None
    element = document.identified.get(uri[1:])
    if element is None:
        judgement.find(
            "dsig.reference.missing",
            "No element of the document has the identifier that a reference names.",
            found=uri[:120],
        )
    elif uri[1:].casefold() in document.case_variants:
        judgement.find(
            "dsig.reference.case-variant",
            "Another element has the same identifier in other capital letters.",
            settles=False,
            found=uri[:120],
        )
    return element


def _selected(
    document: XmlDocument, reference: Reference, judgement: Judgement, filtered: Collection[str]
) -> etree._Element | None:
    """The element that the XPath transform selects."""
    chosen = reference.element_filter
    if chosen is None or reference.uri or chosen.name not in filtered:
        judgement.find(
            "dsig.transform",
            "The XPath transform does not select, in the whole document, an element that it may select.",
            settles=False,
            expected=", ".join(sorted(filtered)) or "no XPath transform",
            found=f"{chosen.name if chosen else ''} in {reference.uri!r}"[:160],
        )
        return None
    found = list(islice(document.root.iter(chosen.name), 2))
    if len(found) != 1:
        judgement.find(
            "dsig.reference.missing" if not found else "dsig.reference.ambiguous",
            f"The XPath transform selects {'several elements' if found else 'nothing'}.",
            expected=f"one {chosen.local}",
        )
        return None
    return found[0]


def covers_exactly(report: SignatureReport, elements: Sequence[etree._Element]) -> bool:
    """Whether the signature covers each of ``elements`` once and nothing else."""
    if report.unresolved or len(report.covered) != len(elements):
        return False
    return all(sum(covered.element is element for covered in report.covered) == 1 for element in elements)
