"""RSAES-OAEP decoding on the host (RFC 8017 7.1.2): SoftHSM itself does OAEP with SHA-1 only."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def decode_oaep(encoded: bytes, scheme: padding.OAEP) -> bytes:
    """The message inside an encoded message as long as the modulus.

    Raises:
        InvalidTag: it is not OAEP with this scheme; which part was wrong is not told.
    """
    algorithm = scheme.algorithm
    size = algorithm.digest_size
    label = scheme._label or b""
    if len(encoded) < 2 * size + 2:
        raise InvalidTag
    masked_seed, masked_block = encoded[1 : 1 + size], encoded[1 + size :]
    mask_hash = scheme.mgf._algorithm
    seed = _xor(masked_seed, _mgf1(masked_block, size, mask_hash))
    block = _xor(masked_block, _mgf1(seed, len(masked_block), mask_hash))
    label_digest, rest = block[:size], block[size:]
    message = rest.lstrip(b"\0")
    good = hmac.compare_digest(label_digest, _hash(label, algorithm))
    if not (good and encoded[0] == 0 and message[:1] == b"\1"):
        raise InvalidTag
    return message[1:]


def _mgf1(seed: bytes, length: int, algorithm: hashes.HashAlgorithm) -> bytes:
    rounds = -(-length // algorithm.digest_size)
    return b"".join(_hash(seed + counter.to_bytes(4, "big"), algorithm) for counter in range(rounds))[:length]


def _hash(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    context = hashes.Hash(algorithm)
    context.update(data)
    return context.finalize()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
