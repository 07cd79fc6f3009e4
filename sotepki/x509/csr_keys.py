"""The key of a certificate request and the signature by which its owner shows to have it; see ``csr``."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sotepki.evidence import Finding
from sotepki.x509 import der
from sotepki.x509.keys import key_kind
from sotepki.x509.rulebook import rulebook
from sotepki.x509.weak_keys import weakness

RSASSA_PSS = x509.PublicKeyAlgorithmOID.RSASSA_PSS.dotted_string
_NAMED_KEYS = ("rsa-2048", "rsa-4096", "p-256")
_BROKEN_HASHES = ("md5", "sha1")


def certificate_key_digest(certificate: bytes) -> bytes:
    """``key_digest`` of the key in a certificate, also one that strict readers refuse; empty if it is not one."""
    try:
        fields = der.parse(certificate).children()[0].children()
        fields = fields[1:] if fields[0].tag == 0xA0 else fields
        return hashlib.sha256(fields[5].raw).digest()
    except (der.DerError, IndexError):
        return b""


def key_digest(public_key: object) -> bytes:
    """SHA-256 of a public key's SubjectPublicKeyInfo, by which a reused key is known."""
    if not isinstance(public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return b""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()


def is_restricted_to_pss(csr: x509.CertificateSigningRequest) -> bool:
    """Whether its key signs by RSASSA-PSS only. pyca reads it as any RSA key, and a certificate would name it so."""
    public_key = der.parse(csr.tbs_certrequest_bytes).children()[2]
    return der.read_oid(public_key.children()[0].children()[0]) == RSASSA_PSS


def signature_findings(csr: x509.CertificateSigningRequest) -> Iterator[Finding]:
    rules = rulebook()
    try:
        algorithm = csr.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        message = "The request is signed with an algorithm that is not known here, so its signature was not checked."
        advice, oid = rules["csr.signature.weak"].advice, csr.signature_algorithm_oid.dotted_string
        yield rules.finding("csr.signature", message, advice=advice, expected="sha256", found=oid)
        return
    if not _is_signed(csr, algorithm):
        yield rules.finding("csr.signature", "The signature of the request does not verify.")
    if algorithm is not None and algorithm.digest_size < hashes.SHA256.digest_size:
        broken = algorithm.name in _BROKEN_HASHES
        message = f"The request is signed with a {'broken' if broken else 'short'} hash."
        yield rules.finding("csr.signature.weak", message, expected="sha256", found=algorithm.name)


def _is_signed(csr: x509.CertificateSigningRequest, algorithm: hashes.HashAlgorithm | None) -> bool:
    try:
        if csr.is_signature_valid:
            return True
        if algorithm is None or algorithm.name not in _BROKEN_HASHES:
            return False
        # pyca's word is no for these hashes, whatever the signature.
        key = csr.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(csr.signature, csr.tbs_certrequest_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(csr.signature, csr.tbs_certrequest_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return False
    return True


def key_findings(csr: x509.CertificateSigningRequest, seen_keys: Collection[bytes]) -> Iterator[Finding]:
    rules = rulebook()
    key: object = csr.public_key()
    kind = key_kind(key)
    if is_restricted_to_pss(csr):
        message = "The RSA key is restricted to RSASSA-PSS."
        advice = "Make the key with 'openssl genrsa' or -newkey rsa:4096, not rsa-pss."
        expected = "an RSA key without restriction, P-256 or P-384"
        yield rules.finding("csr.key.algorithm", message, advice=advice, expected=expected, found="rsassa-pss")
        return
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            message = f"The RSA key has {key.key_size} bits."
            yield rules.finding("csr.key.size", message, expected="2048 bits or more", found=kind)
        elif kind not in ("rsa-2048", "rsa-3072", "rsa-4096"):
            message = f"An RSA key of {key.key_size} bits is unusual."
            yield rules.finding("csr.key.kind", message, expected="2048 or 4096 bits", found=kind)
        exponent = key.public_numbers().e
        if exponent < 65537 or exponent % 2 == 0:
            yield rules.finding("csr.key.exponent", "The public exponent is small or even.", found=str(exponent)[:40])
        if reason := weakness(key):
            yield rules.finding("csr.key.weak", f"Anybody can compute the private key: {reason}.", found=kind)
    elif kind not in ("p-256", "p-384"):
        message = f"The key is of the kind {kind}."
        yield rules.finding("csr.key.algorithm", message, expected="RSA, P-256 or P-384", found=kind)
        return
    if kind in ("rsa-3072", "p-384"):
        expected = ", ".join(_NAMED_KEYS)
        message = f"No source shows a service certificate of DVV for a key {kind}."
        yield rules.finding("csr.key.kind", message, expected=expected, found=kind)
    if seen_keys and key_digest(key) in seen_keys:
        yield rules.finding("csr.key.reused", "The key already has a certificate.", found=kind)
