"""Making a ds:Signature as text that is already in exclusive canonical form.

Because the text is canonical and carries its own namespace declaration, it can be signed before it stands in the
document, and no second parse is needed: exclusive canonicalisation gives the same octets wherever it is put.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sotepki.errors import Misuse, Refused
from sotepki.xmldsig.algorithms import ENVELOPED, KeyFamily, SignatureMethod, Use, load_algorithms
from sotepki.xmldsig.structure import DS

SigningKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""In memory or in a token: token keys are subclasses."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
"""Identifiers that are written in the same way in any canonical form."""

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True)
class DigestedReference:
    """One reference to be signed: identifier of the element, identifier of the digest method, digest of its exclusive
    canonical form. ``enveloped`` adds the enveloped-signature transform, which changes nothing when the signature
    stands outside the element.
    """

    identifier: str
    digest_method: str
    digest: bytes
    enveloped: bool = False


def signature_method_for(key: SigningKey, uri: str | None = None) -> SignatureMethod:
    """The method to sign with: the one named by ``uri``, else the first of the allow-list for this kind of key.

    Raises:
        Misuse: the method is unknown, not for this key, or not to be used for signing any more.
    """
    family = KeyFamily.RSA if isinstance(key, rsa.RSAPrivateKey) else KeyFamily.EC
    methods = load_algorithms().signatures
    if uri is None:
        return next(m for m in methods.values() if m.key is family and m.use is Use.SIGN)
    method = methods.get(uri)
    if method is None or method.key is not family or method.use is Use.WEAK:
        raise Misuse(
            f"The signature method {uri[:120]} cannot be used with this key.", rule="dsig.algorithm.signature"
        )
    return method


def signature_text(
    references: Sequence[DigestedReference],
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    method: SignatureMethod | None = None,
    prefix: str = "ds",
) -> str:
    """A whole ds:Signature element, ASCII, without white space between elements.

    Args:
        references: in the order in which they are to stand.
        certificate: goes alone into KeyInfo; it is not compared with the key.
        prefix: namespace prefix; empty for a default namespace.
    """
    chosen = method or signature_method_for(key)
    p = f"{prefix}:" if prefix else ""
    declaration = f' xmlns:{prefix}="{DS}"' if prefix else f' xmlns="{DS}"'
    listed = "".join(_reference(reference, p) for reference in references)
    content = (
        f'<{p}CanonicalizationMethod Algorithm="{EXCLUSIVE}"></{p}CanonicalizationMethod>'
        f'<{p}SignatureMethod Algorithm="{chosen.uri}"></{p}SignatureMethod>{listed}</{p}SignedInfo>'
    )
    value = _sign(key, chosen, f"<{p}SignedInfo{declaration}>{content}".encode("ascii"))
    return (
        f"<{p}Signature{declaration}><{p}SignedInfo>{content}"
        f"<{p}SignatureValue>{_text(value)}</{p}SignatureValue>"
        f"<{p}KeyInfo><{p}X509Data><{p}X509Certificate>{_certificate_text(certificate)}</{p}X509Certificate></{p}X509Data></{p}KeyInfo>"
        f"</{p}Signature>"
    )


def _reference(reference: DigestedReference, p: str) -> str:
    enveloped = f'<{p}Transform Algorithm="{ENVELOPED}"></{p}Transform>' if reference.enveloped else ""
    if not _PLAIN.fullmatch(reference.identifier):
        raise Refused(
            f"The identifier {reference.identifier[:80]!r} cannot be referenced.",
            rule="dsig.reference.uri",
            advice="Use an identifier of letters, digits, points, hyphens and underscores.",
        )
    return (
        f'<{p}Reference URI="#{reference.identifier}">'
        f'<{p}Transforms>{enveloped}<{p}Transform Algorithm="{EXCLUSIVE}"></{p}Transform></{p}Transforms>'
        f'<{p}DigestMethod Algorithm="{reference.digest_method}"></{p}DigestMethod>'
        f"<{p}DigestValue>{_text(reference.digest)}</{p}DigestValue></{p}Reference>"
    )


def _sign(key: SigningKey, method: SignatureMethod, octets: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), method.algorithm)
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(method.algorithm)))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


@lru_cache(maxsize=64)
def _certificate_text(certificate: x509.Certificate) -> str:
    """The certificate for X509Certificate; remembered, since a signer signs many documents with one certificate."""
    return _text(certificate.public_bytes(serialization.Encoding.DER))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
