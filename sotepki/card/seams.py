"""What the vault of a card stands on: a store of keys and PINs, a keeper of its state; and what a key can do."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.state import CardState
from sotepki.tokens.keys import KeyHandle
from sotepki.tokens.pin import Pin


class Operation(StrEnum):
    """What a key can be asked to do; the names of the methods of ``KeyHandle``."""

    SIGN_PKCS1 = "sign_pkcs1"
    SIGN_PSS = "sign_pss"
    SIGN_ECDSA = "sign_ecdsa"
    SIGN_RAW = "sign_raw"
    DECRYPT_PKCS1 = "decrypt_pkcs1"
    DECRYPT_RAW = "decrypt_raw"


DECRYPTION = frozenset({Operation.DECRYPT_PKCS1, Operation.DECRYPT_RAW})


class KeyStore(Protocol):
    """Where the keys are. It knows PINs but not how often they may be tried."""

    def check_pin(self, credential: Credential, pin: Pin) -> bool:
        """Whether this is PIN1 or PIN2; if so, its key can be used until ``close``."""
        ...

    def key(self, use: KeyUse) -> KeyHandle:
        """The key of a use whose PIN was checked."""
        ...

    def close(self, credential: Credential) -> None:
        """Forget that a PIN was checked."""
        ...

    def power_off(self) -> None:
        """Keep nothing that a PIN opened."""
        ...

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> bool:
        """Change PIN1 or PIN2; False if ``old`` is wrong."""
        ...

    def change_open_pin(self, credential: Credential, new: Pin) -> bool:
        """Change PIN1 or PIN2 that was checked and not closed since."""
        ...

    def set_pin(self, credential: Credential, code: Pin, new: Pin) -> bool:
        """Set PIN1 or PIN2 by the activation code; False if ``code`` is wrong."""
        ...

    def check_code(self, code: Pin) -> bool:
        """Whether this is the activation code. PIN2 was closed before."""
        ...


class StateKeeper(Protocol):
    """Where the state of a card is kept without power (``StateFile``)."""

    def load(self) -> CardState:
        """The state."""
        ...

    def save(self, state: CardState, *, durable: bool = True) -> None:
        """Replace the state; with ``durable`` it outlives a power cut from now on."""
        ...
