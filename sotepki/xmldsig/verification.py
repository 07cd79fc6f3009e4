"""Verifying one ds:Signature: which elements it covers, whether they and the signature are intact, and by which key.

The certificate is taken as it stands in the signature. Whether it may be trusted is for the caller to decide.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict
from sotepki.xmldsig.algorithms import Canonicalisation, KeyFamily, SignatureMethod, Use, load_algorithms
from sotepki.xmldsig.canonical import canonical_pieces, canonicalise, filtered_octets
from sotepki.xmldsig.parsing import XmlDocument, parse, path_of, without_blank_text
from sotepki.xmldsig.report import Judgement, rules
from sotepki.xmldsig.structure import CanonicalisationStep, Reference, SignatureParts, read_signature

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""What a reference without canonicalisation uses (W3C XML Signature 1.1, 4.4.3.2)."""


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
    def octets(self) -> bytes:
        """The canonical form as one."""
        return b"".join(self.pieces)

    @property
    def path(self) -> str:
        """Where the element stands in the document, in local names."""
        return path_of(self.element)

    def content(self) -> etree._Element:
        """The verified element, read from the digested octets: nothing from outside can be in it.

        Raises:
            Refused: the octets are no XML (``xml.*``), which only unusual namespace names can bring about.
        """
        return parse(self.octets)


@dataclass(frozen=True, eq=False)
class SignatureReport:
    """What is known of one signature.

    Attributes:
        verdict: valid only if every reference and the signature value verify.
        covered: every reference that could be resolved, in order; trust ``octets`` only when the verdict is valid.
        certificate: the certificate that the signature names as its signer's; its own trust is not judged.
        extra_certificates: DER of further certificates in KeyInfo, not examined.
        signature_method: identifier of the signature algorithm, empty if it could not be read.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    covered: tuple[CoveredElement, ...] = ()
    certificate: x509.Certificate | None = None
    extra_certificates: tuple[bytes, ...] = ()
    signature_method: str = ""
    unresolved: tuple[str, ...] = field(default=())


def verify_signature(
    document: XmlDocument, signature: etree._Element, *, filtered: Collection[str] = ()
) -> SignatureReport:
    """Verify the ds:Signature element ``signature`` of ``document``. Never raises for what the document holds.

    Args:
        filtered: names of elements (in lxml's form) that a reference may select by the XPath transform.
    """
    judgement = Judgement(rules())
    try:
        parts = read_signature(signature)
    except Refused as refusal:
        judgement.refuse(refusal, where=path_of(signature))
        return SignatureReport(judgement.verdict, judgement.findings)
    covered: list[CoveredElement] = []
    unresolved: list[str] = []
    for reference in parts.references:
        element = _cover(document, signature, reference, judgement, filtered)
        if element is None:
            unresolved.append(reference.uri)
        else:
            covered.append(element)
    certificate = _check_value(parts, judgement, signature)
    return SignatureReport(
        verdict=judgement.verdict,
        findings=judgement.findings,
        covered=tuple(covered),
        certificate=certificate,
        extra_certificates=parts.certificates[1:],
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
    element = _resolved(document, signature, reference, judgement, filtered)
    if element is None:
        return None
    uri = reference.uri[:120]
    method = load_algorithms().digests.get(reference.digest_method)
    step = reference.canonicalisation or CanonicalisationStep(_INCLUSIVE)
    canonicalisation = _canonicalisation(step, judgement, signature)
    if method is None:
        _unlisted("digest algorithm", reference.digest_method, judgement, signature)
    if canonicalisation is None:
        return None
    if method is None:
        return CoveredElement(reference.uri, element, (), False)
    if method.use is Use.WEAK:
        _weak("digest", reference.digest_method, judgement, signature)
    pieces: tuple[bytes, ...]
    try:
        if reference.element_filter is not None:
            pieces = (filtered_octets(document.root, reference.element_filter.name, prefixes=step.prefixes),)
        else:
            pieces = canonical_pieces(
                element,
                exclusive=canonicalisation.exclusive,
                prefixes=step.prefixes,
                without=signature if reference.enveloped else None,
            )
    except Refused as refusal:
        judgement.refuse(refusal, where=uri)
        return None
    intact = hmac.compare_digest(method.digest(*pieces), reference.digest_value)
    if not intact:
        judgement.find("dsig.digest", "The element was changed after it was signed.", found=uri, where=uri)
    return CoveredElement(reference.uri, element, pieces, intact)


def _resolved(
    document: XmlDocument,
    signature: etree._Element,
    reference: Reference,
    judgement: Judgement,
    filtered: Collection[str],
) -> etree._Element | None:
    """The one element that a reference is to, None with a finding if there is no such element."""
    uri = reference.uri
    if reference.element_filter is not None:
        return _selected(document, reference, judgement, filtered, signature)
    if len(uri) < 2 or uri[0] != "#" or uri.startswith("#xpointer"):
        judgement.find(
            "dsig.reference.uri",
            "A reference does not point to an identified element of this document.",
            settles=False,
            expected="#<identifier>",
            found=uri[:120],
            where=path_of(signature),
        )
        return None
    element = document.identified.get(uri[1:])
    if element is None:
        judgement.find(
            "dsig.reference.missing",
            "No element of the document has the identifier that a reference names.",
            found=uri[:120],
            where=path_of(signature),
        )
    elif uri[1:].casefold() in document.case_variants:
        judgement.find(
            "dsig.reference.case-variant",
            "Another element has the same identifier in other capital letters.",
            settles=False,
            found=uri[:120],
            where=path_of(signature),
        )
    return element


def _selected(
    document: XmlDocument,
    reference: Reference,
    judgement: Judgement,
    filtered: Collection[str],
    signature: etree._Element,
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
            where=path_of(signature),
        )
        return None
    found = list(islice(document.root.iter(chosen.name), 2))
    if len(found) != 1:
        judgement.find(
            "dsig.reference.missing" if not found else "dsig.reference.ambiguous",
            f"The XPath transform selects {'several elements' if found else 'nothing'}.",
            expected=f"one {chosen.local}",
            where=path_of(signature),
        )
        return None
    return found[0]


def _check_value(parts: SignatureParts, judgement: Judgement, signature: etree._Element) -> x509.Certificate | None:
    """Check SignatureValue; the signer's certificate if it could be read."""
    canonicalisation = _canonicalisation(parts.canonicalisation, judgement, signature)
    if len(parts.certificates) > 1:
        judgement.find(
            "dsig.key-info.chain",
            "KeyInfo carries more than the signer's certificate; the first one is taken as the signer's.",
            found=f"{len(parts.certificates)} certificates",
            where=path_of(signature),
        )
    try:
        certificate, key = _loaded(parts.certificates[0])
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        judgement.find(
            "dsig.certificate",
            "X509Certificate does not hold a certificate that can be read.",
            where=path_of(signature),
        )
        return None
    method = load_algorithms().signatures.get(parts.signature_method)
    if method is None:
        _unlisted_signature(parts.signature_method, judgement, signature)
        return certificate
    if method.use is Use.WEAK:
        _weak("signature", method.uri, judgement, signature)
    if not isinstance(key, _KEY_CLASSES[method.key]):
        judgement.find(
            "dsig.algorithm.signature",
            "The signature method does not fit the key of the certificate.",
            expected=f"a method for the certificate's key ({type(key).__name__.lstrip('_')})",
            found=method.uri,
            where=path_of(signature),
        )
        return certificate
    if canonicalisation is None:
        return certificate
    try:
        octets = canonicalise(
            parts.signed_info, exclusive=canonicalisation.exclusive, prefixes=parts.canonicalisation.prefixes
        )
        if not _verifies(key, method, parts.signature_value, octets):
            judgement.find(
                "dsig.signature-value",
                "The signature value does not verify with the certificate's key.",
                where=path_of(signature),
                advice=_likely_accident(parts, key, method),
            )
    except Refused as refusal:
        judgement.refuse(refusal, where=path_of(signature))
    return certificate


@lru_cache(maxsize=256)
def _loaded(der: bytes) -> tuple[x509.Certificate, CertificatePublicKeyTypes]:
    """A certificate and its key; remembered, since archives hold many documents of one signer."""
    certificate = x509.load_der_x509_certificate(der)
    return certificate, certificate.public_key()


_KEY_CLASSES: dict[KeyFamily, type[rsa.RSAPublicKey] | type[ec.EllipticCurvePublicKey]] = {
    KeyFamily.RSA: rsa.RSAPublicKey,
    KeyFamily.EC: ec.EllipticCurvePublicKey,
}


def _verifies(key: object, method: SignatureMethod, value: bytes, octets: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, octets, padding.PKCS1v15(), method.algorithm)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            width = (key.curve.key_size + 7) // 8
            if len(value) != 2 * width:
                return False
            r, s = int.from_bytes(value[:width], "big"), int.from_bytes(value[width:], "big")
            key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(method.algorithm))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return False


def _likely_accident(parts: SignatureParts, key: object, method: SignatureMethod) -> str:
    """The usual accidents with SignedInfo, tried one by one; empty if none of them explains the failure."""
    tight = canonicalise(parts.signed_info, exclusive=True, prefixes=parts.canonicalisation.prefixes)
    stripped = without_blank_text(tight)
    if _verifies(key, method, parts.signature_value, canonicalise(stripped)):
        return "The document was re-indented after signing: SignedInfo verifies without the white space in it."
    if isinstance(key, ec.EllipticCurvePublicKey) and parts.signature_value[:1] == b"\x30":
        try:
            key.verify(parts.signature_value, tight, ec.ECDSA(method.algorithm))
            return "The ECDSA value is in DER; XML Signature wants the two numbers r and s, raw, one after the other."
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return ""
    inclusive = canonicalise(parts.signed_info, exclusive=False)
    if inclusive != tight and _verifies(key, method, parts.signature_value, inclusive):
        return "SignedInfo was canonicalised inclusively, but CanonicalizationMethod names the exclusive form."
    return ""


def _canonicalisation(
    step: CanonicalisationStep, judgement: Judgement, signature: etree._Element
) -> Canonicalisation | None:
    method = load_algorithms().canonicalisations.get(step.uri)
    if method is None:
        judgement.find(
            "dsig.transform",
            "A transform or canonicalisation is not among those read here.",
            settles=False,
            expected="http://www.w3.org/2001/10/xml-exc-c14n#",
            found=step.uri[:120],
            where=path_of(signature),
        )
    elif method.use is not Use.SIGN:
        judgement.find(
            "dsig.algorithm.inclusive",
            "Canonicalisation is inclusive.",
            expected="http://www.w3.org/2001/10/xml-exc-c14n#",
            found=step.uri,
            where=path_of(signature),
        )
    return method


def _unlisted_signature(uri: str, judgement: Judgement, signature: etree._Element) -> None:
    """HMAC is a plain breach (the certificate's key would be the secret); others only cannot be judged here."""
    if "hmac" in uri.lower():
        judgement.find(
            "dsig.algorithm.signature",
            "The signature method needs a shared secret; a certificate has none.",
            found=uri[:120],
            where=path_of(signature),
        )
        return
    judgement.find(
        "dsig.algorithm.unlisted",
        "The signature method is not read here.",
        settles=False,
        found=uri[:120],
        where=path_of(signature),
    )


def _unlisted(what: str, uri: str, judgement: Judgement, signature: etree._Element) -> None:
    judgement.find(
        "dsig.algorithm.unlisted",
        f"The {what} is not read here.",
        settles=False,
        found=uri[:120],
        where=path_of(signature),
    )


def _weak(what: str, uri: str, judgement: Judgement, signature: etree._Element) -> None:
    judgement.find("dsig.algorithm.weak", f"The {what} uses SHA-1.", found=uri, where=path_of(signature))


def covers_exactly(report: SignatureReport, elements: Sequence[etree._Element]) -> bool:
    """Whether the signature covers each of ``elements`` once and nothing else."""
    if report.unresolved or len(report.covered) != len(elements):
        return False
    return all(sum(covered.element is element for covered in report.covered) == 1 for element in elements)
