"""What a card signed: how it is asked for, and the check that it is of the certificate's key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from sotepki.card.client.numbering import ALGORITHMS
from sotepki.errors import Misuse, Refused
from sotepki.x509.keys import PublicKey
from sotepki.x509.lenient import DerCertificate


@dataclass(frozen=True)
class Proof:
    """A signature of the card that this client has verified with the certificate's key."""

    signature: bytes
    algorithm: str
    certificate: DerCertificate


def algorithm_reference(hash_name: str, scheme: str, digest: bytes, key: PublicKey) -> int:
    """The reference that MSE SET names.

    Raises:
        Misuse: no such hash or scheme, it does not fit the key, or the digest is of another length.
    """
    if (hash_name, scheme) not in ALGORITHMS:
        raise Misuse(
            f"The client does not ask a card for {scheme} with {hash_name}.",
            advice=f"It knows {', '.join(sorted(f'{s}-{h}' for h, s in ALGORITHMS))}.",
        )
    elliptic = isinstance(key, ec.EllipticCurvePublicKey)
    if (scheme == "ecdsa") is not elliptic:
        raise Misuse(
            f"The card's key is {'an elliptic curve' if elliptic else 'an RSA'} key; it does not sign by {scheme}.",
            advice=f"Ask for {'ecdsa' if elliptic else 'pkcs1 or pss'}; the PIN was not given to the card.",
        )
    if len(digest) != hashlib.new(hash_name).digest_size:
        raise Misuse(f"A {hash_name} digest has {hashlib.new(hash_name).digest_size} bytes, this one {len(digest)}.")
    return ALGORITHMS[hash_name, scheme]


def signature_length(key: PublicKey) -> int:
    """Le of PSO COMPUTE DIGITAL SIGNATURE: exact for EC, all there is for RSA (docs/field/card.md 4.8: confirmed)."""
    return 2 * ((key.key_size + 7) // 8) if isinstance(key, ec.EllipticCurvePublicKey) else 256


def checked_signature(key: PublicKey, answer: bytes, digest: bytes, hash_name: str, scheme: str) -> bytes:
    """The signature, ECDSA in DER, if it is one of the certificate's key.

    Raises:
        Refused: rule ``card.client.signature``.
    """
    algorithm = getattr(hashes, hash_name.upper())()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme_padding = (
                padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if scheme == "pss" else padding.PKCS1v15()
            )
            key.verify(answer, digest, scheme_padding, utils.Prehashed(algorithm))
            return answer
        half = len(answer) // 2
        r, s = int.from_bytes(answer[:half], "big"), int.from_bytes(answer[half:], "big")
        signature = utils.encode_dss_signature(r, s)
        key.verify(signature, digest, ec.ECDSA(utils.Prehashed(algorithm)))
        return signature
    except (InvalidSignature, ValueError):
        raise Refused(
            "The card's signature is not of the key in its certificate.",
            rule="card.client.signature",
            advice="The card is damaged or was made wrongly; use another one.",
        ) from None
