"""CMS signatures (RFC 5652): made with signed attributes by the card's key, read with them or without.

The form that the official software gives to ``cms`` and ``cms-pades`` is not public (docs/field/scs.md 12). Here it
is the plainest: content type, message digest and, by ESS signing-certificate-v2 (RFC 5035), the certificate. There is
no signing time: PAdES keeps it out of the CMS (ETSI EN 319 142-1 6.3), and a workstation's clock would not prove it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.scs.request import HASHES

Sign = Callable[[bytes], bytes]
"""Octets -> signature value: PKCS#1 v1.5, or ECDSA in DER."""


def cms_signature(
    digest: bytes,
    hash_name: str,
    chain: Sequence[x509.Certificate],
    sign: Sign,
    *,
    content: bytes | None = None,
) -> bytes:
    """A CMS SignedData in DER with one signer.

    Args:
        digest: of the content.
        hash_name: ``sha256`` and the like; for content and attributes alike.
        chain: the signer's certificate first; all go into the message.
        content: carried inside (attached); None leaves it out (detached).
    """
    signer = asn1_x509.Certificate.load(chain[0].public_bytes(Encoding.DER))
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "message_digest", "values": [digest]},
            {"type": "signing_certificate_v2", "values": [_signing_certificate(signer, hash_name)]},
        ]
    )
    # Signed as a SET OF, not under the implicit tag with which they stand in SignerInfo (RFC 5652 5.4).
    value = sign(attributes.dump())
    key = chain[0].public_key()
    method = "rsassa_pkcs1v15" if isinstance(key, rsa.RSAPublicKey) else f"{hash_name}_ecdsa"
    signer_info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": {"issuer_and_serial_number": {"issuer": signer.issuer, "serial_number": signer.serial_number}},
            "digest_algorithm": {"algorithm": hash_name},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": method},
            "signature": value,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": hash_name}],
            "encap_content_info": {"content_type": "data", **({} if content is None else {"content": content})},
            "certificates": [asn1_x509.Certificate.load(link.public_bytes(Encoding.DER)) for link in chain],
            "signer_infos": [signer_info],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _signing_certificate(certificate: asn1_x509.Certificate, hash_name: str) -> tsp.SigningCertificateV2:
    identifier = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": hash_name}),
            "cert_hash": hashlib.new(hash_name, certificate.dump()).digest(),
        }
    )
    return tsp.SigningCertificateV2({"certs": [identifier]})


class CmsRefused(Exception):
    """A CMS signature is not one of this content by this certificate."""


def verify_cms(message: bytes, content: bytes, certificate: x509.Certificate, *, is_digest: bool = False) -> None:
    """Verify a CMS signature of one signer over content (or its digest) with a certificate's key (RFC 5652 5.6).

    Without signed attributes the signature is over the content itself (RFC 5652 5.3 and 5.4).

    Raises:
        CmsRefused, InvalidSignature, ValueError: it is not.
    """
    info = cms.ContentInfo.load(message, strict=True)
    signed = info["content"]
    if info["content_type"].native != "signed_data" or len(signed["signer_infos"]) != 1:
        raise CmsRefused("no SignedData with one signer")
    signer = signed["signer_infos"][0]
    hash_name = str(signer["digest_algorithm"]["algorithm"].native)
    if hash_name.upper() not in HASHES:
        raise CmsRefused("the digest algorithm is not known")
    digest = content if is_digest else hashlib.new(hash_name, content).digest()
    encapsulated = signed["encap_content_info"]
    carried = encapsulated["content"].native
    if encapsulated["content_type"].native != "data":
        raise CmsRefused("the content is not of the type data")
    if carried is not None and hashlib.new(hash_name, carried).digest() != digest:
        raise CmsRefused("other content is attached")
    value, key = signer["signature"].native, certificate.public_key()
    algorithm: Any = HASHES[hash_name.upper()]
    attributes = signer["signed_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        octets, algorithm = digest, utils.Prehashed(algorithm)
    else:
        if _only(attributes, "content_type") != "data" or _only(attributes, "message_digest") != digest:
            raise CmsRefused("the signed attributes are of other content")
        octets = attributes.untag().dump()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, octets, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, octets, ec.ECDSA(algorithm))
    else:
        raise CmsRefused("neither RSA nor EC")


def _only(attributes: Any, name: str) -> object:
    """The value of an attribute that stands there once with one value (RFC 5652 11.1 and 11.2)."""
    values = [value.native for one in attributes if one["type"].native == name for value in one["values"]]
    if len(values) != 1:
        raise CmsRefused(f"the signed attributes have {len(values)} of 1 {name}")
    return values[0]
