"""Keys of certificates: what kind they are, and how a CA of a family signs."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_CURVES = {"secp256r1": "p-256", "secp384r1": "p-384"}


def key_kind(key: object) -> str:
    """The kind of a public or private key: ``rsa-3072``, ``p-384``, or a name for anything else; never raises."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return _CURVES.get(key.curve.name, key.curve.name)
    return type(key).__name__.removesuffix("PublicKey").removesuffix("PrivateKey").lower() or "unknown"


def signing_hash(key: PrivateKey) -> hashes.SHA384 | hashes.SHA512:
    """The hash that a CA, a CRL or a responder signs with: SHA-512 in the RSA tree, SHA-384 in the EC tree.

    Source: docs/field/pki.md 3, rows Signature algorithm: confirmed.
    """
    return hashes.SHA512() if isinstance(key, rsa.RSAPrivateKey) else hashes.SHA384()
