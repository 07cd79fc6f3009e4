"""Checking SignatureValue: with which key, by which method, and what probably happened if it does not verify."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sotepki.errors import Refused
from sotepki.xmldsig.algorithm_checks import canonicalisation_of, note_unlisted, note_weak
from sotepki.xmldsig.algorithms import Canonicalisation, KeyFamily, SignatureMethod, Use, load_algorithms
from sotepki.xmldsig.canonical import canonicalise
from sotepki.xmldsig.parsing import without_blank_text
from sotepki.xmldsig.report import Judgement
from sotepki.xmldsig.structure import SignatureParts


def check_value(parts: SignatureParts, judgement: Judgement) -> x509.Certificate | None:
    """Check SignatureValue with the key of the certificate in KeyInfo, which is returned if it can be read."""
    canonicalisation = canonicalisation_of(parts.canonicalisation, judgement)
    signer = _signer(parts, judgement)
    if signer is None:
        return None
    certificate, key = signer
    method = _method(parts.signature_method, key, judgement)
    if method is not None and canonicalisation is not None:
        _compare(parts, canonicalisation, method, key, judgement)
    return certificate


_LONGEST_CHAIN = 8
"""Certificates that are looked at for the signer's; a hostile KeyInfo could hold thousands."""


def _signer(parts: SignatureParts, judgement: Judgement) -> tuple[x509.Certificate, CertificatePublicKeyTypes] | None:
    """The signer's certificate and its key, None with a finding if they cannot be read."""
    if len(parts.certificates) > 1:
        judgement.find(
            "dsig.key-info.chain",
            "KeyInfo carries several certificates; the one that issued none of the others is taken as the signer's.",
            found=f"{len(parts.certificates)} certificates",
        )
    try:
        return _loaded(_signers_own(parts.certificates))
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        judgement.find("dsig.certificate", "X509Certificate does not hold a certificate that can be read.")
        return None


def _signers_own(certificates: tuple[bytes, ...]) -> bytes:
    """The certificate that issued none of the others: X509Data has no order (W3C XML Signature 1.1, 4.5.4).

    Where that is not exactly one, or one cannot be read, or no chain is so long, it is the first.
    """
    different = tuple(dict.fromkeys(certificates))
    if not 1 < len(different) <= _LONGEST_CHAIN:
        return different[0]
    try:
        read = [_loaded(der)[0] for der in different]
        last = [
            der
            for der, one in zip(different, read, strict=True)
            if not any(other is not one and other.issuer == one.subject for other in read)
        ]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return different[0]
    return last[0] if len(last) == 1 else different[0]


def _method(uri: str, key: CertificatePublicKeyTypes, judgement: Judgement) -> SignatureMethod | None:
    """The signature method, None with a finding if a signature cannot be checked by it with this key."""
    method = load_algorithms().signatures.get(uri)
    if method is None:
        # With HMAC the certificate's key, which everybody has, would be the secret: a plain breach.
        if "hmac" in uri.lower():
            message = "The signature method needs a shared secret; a certificate has none."
            judgement.find("dsig.algorithm.signature", message, found=uri[:120])
        else:
            note_unlisted("signature method", uri, judgement)
        return None
    if method.use is Use.WEAK:
        note_weak("signature", method.uri, judgement)
    if not isinstance(key, _KEY_CLASSES[method.key]):
        judgement.find(
            "dsig.algorithm.signature",
            "The signature method does not fit the key of the certificate.",
            expected=f"a method for the certificate's key ({type(key).__name__.lstrip('_')})",
            found=method.uri,
        )
        return None
    return method


def _compare(
    parts: SignatureParts,
    canonicalisation: Canonicalisation,
    method: SignatureMethod,
    key: CertificatePublicKeyTypes,
    judgement: Judgement,
) -> None:
    try:
        octets = canonicalise(
            parts.signed_info, exclusive=canonicalisation.exclusive, prefixes=parts.canonicalisation.prefixes
        )
        if not _verifies(key, method, parts.signature_value, octets):
            judgement.find(
                "dsig.signature-value",
                "The signature value does not verify with the certificate's key.",
                advice=_likely_accident(parts, key, method),
            )
    except Refused as refusal:
        judgement.refuse(refusal)


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
    prefixes = parts.canonicalisation.prefixes
    tight = canonicalise(parts.signed_info, exclusive=True, prefixes=prefixes)
    stripped = without_blank_text(tight)
    if _verifies(key, method, parts.signature_value, canonicalise(stripped, prefixes=prefixes)):
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
