"""Making a ds:Signature as text that is already in exclusive canonical form.

Because the text is canonical and carries its own namespace declaration, it can be signed before it stands in the
document, and no second parse is needed: exclusive canonicalisation gives the same octets wherever it is put.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pybase64 import b64encode_as_string

from sotepki.errors import Misuse, Refused
from sotepki.xmldsig.algorithms import (
    ENVELOPED,
    EXCLUSIVE,
    KeyFamily,
    SignatureMethod,
    Use,
    load_algorithms,
)
from sotepki.xmldsig.structure import DS, XPATH, ElementFilter

SigningKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""In memory or in a token: token keys are subclasses."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
"""Identifiers that are written in the same way in any canonical form."""


@dataclass(frozen=True)
class DigestedReference:
    """One reference to be signed.

    Attributes:
        identifier: of the element; empty with ``element_filter``, which looks through the whole document.
        digest_method: identifier of the digest method.
        digest: of the element's canonical form.
        enveloped: add the enveloped-signature transform, which changes nothing when the signature stands outside.
        canonicalisation: identifier of the canonicalisation that ``digest`` was made over.
        element_filter: the XPath transform after it, with ``filter_prefix`` in its expression.
    """

    identifier: str
    digest_method: str
    digest: bytes
    enveloped: bool = False
    canonicalisation: str = EXCLUSIVE
    element_filter: ElementFilter | None = None
    filter_prefix: str = "hl7"


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


def sign_octets(key: SigningKey, method: SignatureMethod, octets: bytes) -> bytes:
    """The signature value over octets: PKCS#1 v1.5, or r and s one after the other (RFC 6931 2.3.6)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), method.algorithm)
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(method.algorithm)))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


class SignatureForm:
    """How a ds:Signature is written: ASCII, without white space between elements. What the signatures of one form
    have in common is written once.

    Args:
        certificate: goes alone into KeyInfo.
        prefix: namespace prefix; empty for a default namespace.
        canonicalisation: identifier of the canonicalisation of SignedInfo.
    """

    def __init__(
        self, certificate: x509.Certificate, method: SignatureMethod, prefix: str, canonicalisation: str
    ) -> None:
        self.method = method
        self._p = p = f"{prefix}:" if prefix else ""
        self._declaration = f' xmlns:{prefix}="{DS}"' if prefix else f' xmlns="{DS}"'
        self._methods = (
            f'<{p}CanonicalizationMethod Algorithm="{canonicalisation}"></{p}CanonicalizationMethod>'
            f'<{p}SignatureMethod Algorithm="{method.uri}"></{p}SignatureMethod>'
        )
        text = b64encode_as_string(certificate.public_bytes(serialization.Encoding.DER))
        self._key_info = (
            f"<{p}KeyInfo><{p}X509Data><{p}X509Certificate>{text}</{p}X509Certificate></{p}X509Data></{p}KeyInfo>"
        )

    def signed(self, references: Sequence[DigestedReference], key: SigningKey) -> str:
        """A whole ds:Signature element, of a form with exclusive canonicalisation.

        Args:
            references: in the order in which they are to stand.
            key: is not compared with the certificate.
        """
        content = canonical = self._content(references)
        if any(reference.element_filter for reference in references):
            canonical = self._content(references, declared=False)
        p = self._p
        octets = f"<{p}SignedInfo{self._declaration}>{canonical}</{p}SignedInfo>".encode("ascii")
        return self._around(content, sign_octets(key, self.method, octets))

    def framed(self, references: Sequence[DigestedReference], value: bytes = b"") -> str:
        """A ds:Signature element around a signature value that was made elsewhere; without one, a draft.

        Inclusive canonicalisation depends on where the element stands, so such a signature is drafted, put in its
        place, canonicalised there, and then written again with its value.
        """
        return self._around(self._content(references), value)

    def _around(self, content: str, value: bytes) -> str:
        p = self._p
        return (
            f"<{p}Signature{self._declaration}><{p}SignedInfo>{content}</{p}SignedInfo>"
            f"<{p}SignatureValue>{b64encode_as_string(value)}</{p}SignatureValue>{self._key_info}</{p}Signature>"
        )

    def _content(self, references: Sequence[DigestedReference], *, declared: bool = True) -> str:
        """What stands in SignedInfo; its exclusive canonical form unless ``declared``."""
        return self._methods + "".join([_reference(one, self._p, declared=declared) for one in references])


def _reference(reference: DigestedReference, p: str, *, declared: bool) -> str:
    enveloped = f'<{p}Transform Algorithm="{ENVELOPED}"></{p}Transform>' if reference.enveloped else ""
    uri = "" if reference.element_filter else f"#{reference.identifier}"
    if uri and not _PLAIN.fullmatch(reference.identifier):
        raise Refused(
            f"The identifier {reference.identifier[:80]!r} cannot be referenced.",
            rule="dsig.reference.uri",
            advice="Use an identifier of letters, digits, points, hyphens and underscores.",
        )
    return (
        f'<{p}Reference URI="{uri}">'
        f'<{p}Transforms>{enveloped}<{p}Transform Algorithm="{reference.canonicalisation}"></{p}Transform>'
        f"{_filter(reference, p, declared=declared)}</{p}Transforms>"
        f'<{p}DigestMethod Algorithm="{reference.digest_method}"></{p}DigestMethod>'
        f"<{p}DigestValue>{b64encode_as_string(reference.digest)}</{p}DigestValue></{p}Reference>"
    )


def _filter(reference: DigestedReference, p: str, *, declared: bool) -> str:
    """The XPath transform. Its prefix is used in text only, so exclusive canonicalisation leaves the declaration out
    (docs/field/kanta.md 1, row SPEC15).
    """
    chosen = reference.element_filter
    if chosen is None:
        return ""
    declaration = f' xmlns:{reference.filter_prefix}="{chosen.namespace}"' if declared else ""
    return (
        f'<{p}Transform Algorithm="{XPATH}"><{p}XPath{declaration}>'
        f"ancestor-or-self::{reference.filter_prefix}:{chosen.local}</{p}XPath></{p}Transform>"
    )
