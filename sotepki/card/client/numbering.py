"""The numbers that FINEID cards give their PINs, keys and algorithms (docs/field/card.md 3.3, 4.6, 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sotepki.tokens.pin import Pin


class Role(StrEnum):
    """The PINs of a card; PIN1 and PIN2 also name the keys that they guard."""

    PIN1 = "PIN1"
    PIN2 = "PIN2"
    PUK = "activation code"


@dataclass(frozen=True)
class Numbering:
    """The references and paths of one family of cards.

    Attributes:
        pins: PIN references (P2 of VERIFY).
        keys: key references (tag 84 of MSE SET).
        padded_to: PINs are filled with zero bytes to this length; 0 sends the digits alone.
        loads_hash: the digest is loaded by PSO HASH and signed by an empty PSO COMPUTE DIGITAL SIGNATURE.
        certificates: paths of the certificates that the numbering promises, tried when the card's directory fails.
    """

    name: str
    pins: Mapping[Role, int]
    keys: Mapping[Role, int]
    padded_to: int
    loads_hash: bool
    certificates: Mapping[Role, bytes]

    def block(self, pin: Pin) -> bytes:
        """The bytes of a PIN as VERIFY carries them."""
        return pin.reveal().encode("ascii").ljust(self.padded_to, b"\0")


_AUTHENTICATION, _SIGNATURE = bytes.fromhex("3F0050154331"), bytes.fromhex("3F0050164332")

ORGANISATIONAL = Numbering(
    name="organisational (S4-2)",
    pins={Role.PIN1: 0x03, Role.PIN2: 0x04, Role.PUK: 0x12},
    keys={Role.PIN1: 0x01, Role.PIN2: 0x82},
    padded_to=0,
    loads_hash=False,
    certificates={Role.PIN1: _AUTHENTICATION, Role.PIN2: _SIGNATURE},
)
CITIZEN = Numbering(
    name="citizen (S4-1)",
    pins={Role.PIN1: 0x11, Role.PIN2: 0x82, Role.PUK: 0x83},
    keys={Role.PIN1: 0x01, Role.PIN2: 0x02},
    padded_to=12,
    loads_hash=True,
    certificates={Role.PIN1: _AUTHENTICATION, Role.PIN2: _SIGNATURE},
)

# High nibble the hash, low nibble the scheme (docs/field/card.md 4.6: confirmed).
_HASHES = {"sha1": 0x10, "sha224": 0x30, "sha256": 0x40, "sha384": 0x50, "sha512": 0x60}
_SCHEMES = {"pkcs1": 0x02, "ecdsa": 0x04, "pss": 0x05}
ALGORITHMS: Mapping[tuple[str, str], int] = {
    (hash_name, scheme): high | low for hash_name, high in _HASHES.items() for scheme, low in _SCHEMES.items()
}
