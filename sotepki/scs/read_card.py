"""What the cards of all real readers have in common: two PINs, each in front of a key with its certificate."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.errors import Fault
from sotepki.scs.service import PrivateKey
from sotepki.tokens import Pin
from sotepki.tokens.keys import KeyHandle, token_private_key

AUTHENTICATION, SIGNATURE = "authentication", "signature"
"""The uses of the keys: PIN1 is in front of the first, PIN2 of the second."""


class ReadCard(ABC):
    """The PINs and keys of ``CardInReader``, for a card that is reached through a driver."""

    def verify_pin1(self, pin: Pin) -> None:
        """See ``InsertedCard.verify_pin1``."""
        self._verify(AUTHENTICATION, pin)

    def verify_pin2(self, pin: Pin) -> None:
        """See ``InsertedCard.verify_pin2``."""
        self._verify(SIGNATURE, pin)

    @property
    def authentication_key(self) -> PrivateKey:
        """The authentication key, after ``verify_pin1``."""
        return self._key(AUTHENTICATION)

    @property
    def signature_key(self) -> PrivateKey:
        """The signature key, after ``verify_pin2``."""
        return self._key(SIGNATURE)

    @abstractmethod
    def certificate(self, which: str) -> x509.Certificate:
        """The certificate of a use, ``authentication`` or ``signature``."""

    @abstractmethod
    def _verify(self, which: str, pin: Pin) -> None:
        """Give the PIN in front of a key."""

    @abstractmethod
    def _handle(self, which: str) -> KeyHandle:
        """The key of a use, after its PIN."""

    def _key(self, which: str) -> PrivateKey:
        handle, public_key = self._handle(which), self.certificate(which).public_key()
        if not isinstance(public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise Fault(f"The {which} certificate of the card has a key of a strange kind.", rule="card.content")
        return token_private_key(handle, public_key)
