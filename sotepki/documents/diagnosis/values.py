"""Which key made a signature value, over which digest, written in which form."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha1": hashes.SHA1(),
}


@dataclass(frozen=True)
class Reading:
    """One way to take a signature value: with this key, in this form; the accidents that it supposes."""

    key: Key
    value: bytes
    accidents: tuple[str, ...]

    @cached_property
    def recovered(self) -> tuple[hashes.HashAlgorithm, bytes] | None:
        """Hash and digest that an RSA PKCS#1 v1.5 value was made over, if it was made with this key."""
        if isinstance(self.key, rsa.RSAPublicKey):
            for chosen in _HASHES.values():
                try:
                    return chosen, self.key.recover_data_from_signature(self.value, padding.PKCS1v15(), chosen)
                except (InvalidSignature, ValueError, UnsupportedAlgorithm):
                    continue
        return None


def readings(value: bytes, certificates: Sequence[bytes], others: Sequence[x509.Certificate]) -> Iterator[Reading]:
    """All ways to take the value, the named one first.

    Args:
        certificates: of KeyInfo, DER, as they stand.
        others: certificates that the signer may have meant.
    """
    keys: list[tuple[Key, tuple[str, ...]]] = []
    for number, der in enumerate(certificates):
        key = _key_of_der(der)
        if key is not None:
            keys.append((key, ("certificate.order",) if number else ()))
    for certificate in others:
        key = _key(certificate)
        if key is not None and all(key != known for known, _ in keys):
            keys.append((key, ("certificate.other",)))
    for key, accidents in keys:
        yield Reading(key, value, accidents)
    for key, accidents in keys:
        for accident, other in _forms(value, key):
            yield Reading(key, other, (*accidents, accident))


def accident_of(reading: Reading, octets: bytes, named: hashes.HashAlgorithm) -> tuple[str, ...] | None:
    """The accidents that make the value verify over ``octets``; None if it does not in this reading."""
    key = reading.key
    if isinstance(key, rsa.RSAPublicKey):
        return _rsa_accident(key, reading, octets, named)
    order = (key.curve.key_size + 7) // 8
    if len(reading.value) != 2 * order:
        return None
    r, s = int.from_bytes(reading.value[:order], "big"), int.from_bytes(reading.value[order:], "big")
    der = utils.encode_dss_signature(r, s)
    for chosen in _ordered(named):
        digest = hashlib.new(chosen.name, octets).digest()
        twice = hashlib.new(chosen.name, digest).digest()
        for data, accident in ((digest, ()), (twice, ("value.hashed-twice",))):
            if _elliptic(key, der, data, chosen):
                wrong = () if chosen.name == named.name else ("value.algorithm",)
                return (*reading.accidents, *accident, *wrong)
    return None


def _rsa_accident(
    key: rsa.RSAPublicKey, reading: Reading, octets: bytes, named: hashes.HashAlgorithm
) -> tuple[str, ...] | None:
    if reading.recovered is not None:
        chosen, digest = reading.recovered
        wrong = () if chosen.name == named.name else ("value.algorithm",)
        made = hashlib.new(chosen.name, octets).digest()
        if digest == made:
            return (*reading.accidents, *wrong)
        if digest == hashlib.new(chosen.name, made).digest():
            return (*reading.accidents, "value.hashed-twice", *wrong)
        return None
    for chosen in _ordered(named):
        if _pss(key, reading.value, octets, chosen):
            return (*reading.accidents, "value.algorithm")
    return None


def _forms(value: bytes, key: Key) -> Iterator[tuple[str, bytes]]:
    yield "value.reversed", value[::-1]
    for decode in (_from_base64, binascii.unhexlify):
        try:
            yield "value.encoded-twice", decode(value)
        except (binascii.Error, ValueError):
            continue
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return
    order = (key.curve.key_size + 7) // 8
    try:
        r, s = utils.decode_dss_signature(value)
        yield "value.der", r.to_bytes(order, "big") + s.to_bytes(order, "big")
    except (ValueError, OverflowError):
        pass
    if len(value) != 2 * order and len(value) <= 2 * order + 2:
        # Numbers with a leading zero of DER, or without their own leading zeros.
        for cut in range(max(1, len(value) - order - 1), min(len(value), order + 2)):
            r, s = int.from_bytes(value[:cut], "big"), int.from_bytes(value[cut:], "big")
            if max(r.bit_length(), s.bit_length()) <= 8 * order:
                yield "value.der-expected", r.to_bytes(order, "big") + s.to_bytes(order, "big")


def _from_base64(value: bytes) -> bytes:
    return base64.b64decode(value, validate=True)


def _ordered(named: hashes.HashAlgorithm) -> list[hashes.HashAlgorithm]:
    return [named, *(other for name, other in _HASHES.items() if name != named.name)]


def _elliptic(key: ec.EllipticCurvePublicKey, der: bytes, digest: bytes, chosen: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(der, digest, ec.ECDSA(utils.Prehashed(chosen)))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _pss(key: rsa.RSAPublicKey, value: bytes, octets: bytes, chosen: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(value, octets, padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO), chosen)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _key_of_der(der: bytes) -> Key | None:
    try:
        return _key(x509.load_der_x509_certificate(der))
    except (ValueError, TypeError, x509.InvalidVersion):
        return None


def _key(certificate: x509.Certificate) -> Key | None:
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None
