"""Which private operation a signature is: from the algorithm reference and the form of the data.

Source: docs/field/card.md 4.6 and 4.8, dispatch rule that served all clients: confirmed (measured).
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sotepki.card.kinds import KeyUse
from sotepki.card.operating.apdu import Abort, Status
from sotepki.card.operating.contents import PublicCard
from sotepki.card.seams import Operation
from sotepki.card.vault import Vault
from sotepki.tokens.keys import DIGEST_INFO_PREFIX

# High nibble of an algorithm reference: hash and its length in bytes.
HASHES = {1: ("sha1", 20), 3: ("sha224", 28), 4: ("sha256", 32), 5: ("sha384", 48), 6: ("sha512", 64)}
DIGEST_LENGTHS = frozenset(length for _, length in HASHES.values())
PLAIN = 0x02
_PKCS1, _ECDSA, _PSS = 2, 4, 5
_ECDSA_IN_DER = 0x04
_SEQUENCE = 0x30
_LEAST_PADDING = 11


class SignaturePlan(NamedTuple):
    """One private operation. ``der``: the two numbers of an ECDSA signature are wanted as a DER SEQUENCE."""

    use: KeyUse
    operation: Operation
    data: bytes
    hash_name: str = ""
    salt_length: int = 0
    der: bool = False

    def run(self, vault: Vault) -> bytes:
        """Have the vault do it.

        Raises:
            Refused: what the vault says.
        """
        signature = vault.use_key(
            self.use, self.operation, self.data, hash_name=self.hash_name, salt_length=self.salt_length
        )
        if not self.der:
            return signature
        half = len(signature) // 2
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def plan(public: PublicCard, use: KeyUse, algorithm: int | None, data: bytes) -> SignaturePlan:
    """The operation for the data that came.

    Raises:
        Abort: 6A80: the data do not fit the algorithm; 6985: the algorithm does not fit the key.
    """
    kind, size = public.sizes[use]
    named = HASHES.get(algorithm >> 4) if algorithm else None
    scheme = (algorithm or 0) & 0x0F
    if kind == "ec":
        if named and scheme != _ECDSA:
            raise Abort(Status.NOT_SATISFIED)
        if named and len(data) != named[1]:
            raise Abort(Status.WRONG_DATA)
        if not min(DIGEST_LENGTHS) <= len(data) <= max(DIGEST_LENGTHS):
            raise Abort(Status.WRONG_DATA)
        return SignaturePlan(use, Operation.SIGN_ECDSA, data, der=algorithm == _ECDSA_IN_DER)
    if scheme == _ECDSA:
        raise Abort(Status.NOT_SATISFIED)
    if named and len(data) == named[1]:
        if scheme == _PSS:
            return SignaturePlan(use, Operation.SIGN_PSS, data, named[0], named[1])
        return SignaturePlan(use, Operation.SIGN_PKCS1, DIGEST_INFO_PREFIX[named[0]] + data)
    if scheme == _PSS:
        raise Abort(Status.WRONG_DATA)
    return _rsa_of_the_host(use, algorithm, data, size // 8, public.moduli[use])


def _rsa_of_the_host(use: KeyUse, algorithm: int | None, data: bytes, length: int, modulus: int) -> SignaturePlan:
    """The host built the DigestInfo, or the whole encoded message."""
    if len(data) == length:
        if int.from_bytes(data, "big") >= modulus:
            raise Abort(Status.WRONG_DATA)
        return SignaturePlan(use, Operation.SIGN_RAW, data)
    wrapped = len(data) > 2 and data[0] == _SEQUENCE and data[1] == len(data) - 2
    if len(data) <= length - _LEAST_PADDING and (wrapped or algorithm == PLAIN):
        return SignaturePlan(use, Operation.SIGN_PKCS1, data)
    raise Abort(Status.WRONG_DATA)
