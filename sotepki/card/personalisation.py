"""What a card is made from, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sotepki.card.kinds import Credential, KeyUse, card_kind, card_layout
from sotepki.card.wire import Message
from sotepki.errors import Misuse, Refused
from sotepki.tokens.keys import PrivateKey
from sotepki.tokens.pin import Pin
from sotepki.x509.lenient import DerCertificate, der_certificate

_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Personalisation:
    """One card to be made.

    Attributes:
        number: card number: up to 40 letters, digits and hyphens; also the name of the card's directory.
        holder: the name on the card.
        keys: the private keys in memory, by use; they are not kept anywhere but in the card's tokens.
        certificates: the certificates for them, by use; as bytes where strict readers refuse them.
        issuers: CA certificates to put on the card, the issuing CA first, then the root; at most two.
        activation_code: the code of the letter to the holder; without it the card can never be taken into use.
        kind: id of the kind of card (``kinds.yaml``).
    """

    number: str
    holder: str
    keys: Mapping[KeyUse, PrivateKey] = field(repr=False)
    certificates: Mapping[KeyUse, x509.Certificate | bytes]
    issuers: Sequence[x509.Certificate]
    activation_code: Pin
    kind: str = "professional"

    @property
    def leaves(self) -> dict[KeyUse, DerCertificate]:
        """The two certificates by their bytes.

        Raises:
            Refused: rule ``cert.not-a-certificate``.
        """
        return {use: der_certificate(one, name=f"The {use} certificate") for use, one in self.certificates.items()}

    def check(self) -> None:
        """Refuse what would make a card that cannot work.

        Raises:
            Misuse: ``card.number.form``, ``card.kind``; a key or a certificate is missing; too many issuers.
            Refused: ``card.key.mismatch``, ``card.pin.form``, ``cert.not-a-certificate``.
        """
        leaves = self.leaves
        check_number(self.number)
        card_kind(self.kind).check_form(Credential.PUK, self.activation_code)
        if len(self.issuers) > len(card_layout().issuer_ids):
            raise Misuse(f"A card has room for {len(card_layout().issuer_ids)} CA certificates.")
        for use in KeyUse:
            if use not in self.keys or use not in leaves:
                raise Misuse(f"A card needs the {use} key and its certificate.")
            if leaves[use].public_key != self.keys[use].public_key():
                raise Refused(
                    f"The {use} certificate for the card {self.number} is not of the {use} key.",
                    rule="card.key.mismatch",
                    subject=self.number,
                )

    def message(self, directory: str) -> Message:
        """The request to the personalising process. It holds private keys and goes nowhere but down its pipe."""
        return {
            "directory": directory,
            "number": self.number,
            "holder": self.holder,
            "kind": self.kind,
            "code": self.activation_code.reveal(),
            "keys": {use: _private_der(self.keys[use]).hex() for use in KeyUse},
            "certificates": {use: leaf.der.hex() for use, leaf in self.leaves.items()},
            "issuers": [issuer.public_bytes(serialization.Encoding.DER).hex() for issuer in self.issuers],
        }


def check_number(number: str) -> str:
    """The card number, if it is one.

    Raises:
        Misuse: rule ``card.number.form``.
    """
    if not _NUMBER.fullmatch(number):
        raise Misuse(
            f"{number[:60]!r} is not a card number.",
            rule="card.number.form",
            advice="A card number has up to 40 letters, digits and hyphens.",
        )
    return number


def new_activation_code(kind: str = "professional") -> Pin:
    """A random activation code for a kind of card."""
    return Pin.random(card_kind(kind).lengths[Credential.PUK][0])


def _private_der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
