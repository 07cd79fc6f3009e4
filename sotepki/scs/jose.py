"""Compact JWS (RFC 7515) and compact JWE with a shared key (RFC 7516, ``dir`` with A256GCM), as SCS 1.3 uses them."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sotepki.errors import Refused
from sotepki.scs.settings import rulebook

IV_BYTES, TAG_BYTES = 12, 16

_EC_HASHES: Mapping[str, tuple[int, hashes.HashAlgorithm]] = {
    "ES256": (256, hashes.SHA256()),
    "ES384": (384, hashes.SHA384()),
}
"""Bits of the curve (P-256, P-384) and hash of an algorithm (RFC 7518 3.4)."""


@dataclass(frozen=True)
class Jws:
    """A compact JWS, read and not yet verified."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    def verify(self, key: PublicKeyTypes) -> None:
        """Verify RS256, ES256 or ES384; the algorithm must fit the key.

        Raises:
            Refused: ``scs.jwt.signature``.
        """
        algorithm = self.header.get("alg")
        try:
            if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, self.signing_input, padding.PKCS1v15(), hashes.SHA256())
                return
            if isinstance(algorithm, str) and algorithm in _EC_HASHES and isinstance(key, ec.EllipticCurvePublicKey):
                bits, hash_algorithm = _EC_HASHES[algorithm]
                half = bits // 8
                if key.curve.name == f"secp{bits}r1" and len(self.signature) == 2 * half:
                    r, s = (int.from_bytes(part, "big") for part in (self.signature[:half], self.signature[half:]))
                    key.verify(utils.encode_dss_signature(r, s), self.signing_input, ec.ECDSA(hash_algorithm))
                    return
        except (InvalidSignature, ValueError):
            pass
        raise _refusal("scs.jwt.signature", "The JWS does not verify with the key it should be of.")


def read_jws(text: str) -> Jws:
    """Read a compact JWS. No extension is known here, so one that must be understood is refused (RFC 7515 4.1.11).

    Raises:
        Refused: ``scs.jwt.form``.
    """
    parts = text.split(".")
    if len(parts) != 3:
        raise _refusal("scs.jwt.form", "The text is no compact JWS.")
    header, payload, signature = (_decoded(part) for part in parts)
    named = _object(header)
    if "crit" in named:
        raise _refusal("scs.jwt.form", "The header of the JWS has crit; no extension of JWS is known here.")
    if named.get("b64", True) is not True:
        raise _refusal("scs.jwt.form", "The header of the JWS has b64, but a compact JWS here is base64url.")
    return Jws(named, payload, f"{parts[0]}.{parts[1]}".encode(), signature)


def write_jws(header: Mapping[str, Any], payload: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A compact JWS; ``sign`` gives the signature value in the form of RFC 7518 3."""
    first = f"{_encoded(_json(header))}.{_encoded(_json(payload))}"
    return f"{first}.{_encoded(sign(first.encode()))}"


def is_jwe(text: str) -> bool:
    """Whether a compact text has the five parts of a JWE."""
    return text.count(".") == 4


def read_jwe(text: str, key: bytes) -> bytes:
    """Decrypt a compact JWE of ``dir`` and ``A256GCM``.

    Raises:
        Refused: ``scs.jwt.form``, ``scs.jwt.decryption``.
    """
    parts = text.split(".")
    if len(parts) != 5:
        raise _refusal("scs.jwt.form", "The text is no compact JWE.")
    header, wrapped, iv, ciphertext, tag = (_decoded(part) for part in parts)
    named = _object(header)
    if named.get("alg") != "dir" or named.get("enc") != "A256GCM" or wrapped or "zip" in named or "crit" in named:
        raise _refusal("scs.jwt.form", "The JWE is not of alg dir and enc A256GCM.")
    if len(iv) != IV_BYTES or len(tag) != TAG_BYTES:
        raise _refusal("scs.jwt.form", "The JWE's initialisation vector or tag has a wrong length.")
    try:
        return AESGCM(key).decrypt(iv, ciphertext + tag, parts[0].encode())
    except InvalidTag:
        raise _refusal("scs.jwt.decryption", "The JWE does not decrypt with the key of the transaction.") from None


def write_jwe(payload: Mapping[str, Any], key: bytes) -> str:
    """A compact JWE of ``dir`` and ``A256GCM`` with a fresh initialisation vector."""
    header = _encoded(_json({"alg": "dir", "enc": "A256GCM"}))
    iv = os.urandom(IV_BYTES)
    sealed = AESGCM(key).encrypt(iv, _json(payload), header.encode())
    return f"{header}..{_encoded(iv)}.{_encoded(sealed[:-TAG_BYTES])}.{_encoded(sealed[-TAG_BYTES:])}"


def _object(octets: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(octets)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise _refusal("scs.jwt.form", "A header is not a JSON object.")
    return row


def _json(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    if set(text) & set("+/="):
        raise _refusal("scs.jwt.form", "A part is not base64url without padding.")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refusal("scs.jwt.form", "A part is not base64url.") from None


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)
