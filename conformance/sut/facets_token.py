"""A PKCS#11 module of the system: its keys, and what they may be used for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509

from sotepki.tokens import Pin


@dataclass(frozen=True)
class TokenAddress:
    """Where the token is: the module, the label of the token (of a slot), and where its PIN is read from."""

    module: Path
    token_label: str
    pin_file: Path

    def pin(self) -> Pin:
        """The PIN, read anew for each login."""
        return Pin(self.pin_file.read_text(encoding="utf-8").strip())


@dataclass(frozen=True)
class TokenKey:
    """A private key object, by its attributes (PKCS #11 4.9)."""

    label: str
    sensitive: bool
    extractable: bool
    private: bool
    certificate: x509.Certificate | None = None


class Token(Protocol):
    """An open session."""

    def private_keys(self) -> Sequence[TokenKey]:
        """The private keys that the session sees."""
        ...

    def sign(self, label: str, hash_name: str, content: bytes) -> bytes:
        """Sign with a key: RSA PKCS #1 v1.5, or ECDSA in DER, over the hash of the content.

        Raises:
            Refused: ``token.key`` if there is no such key for this session, ``token.mechanism`` if it cannot.
        """
        ...

    def export(self, label: str) -> bytes:
        """The private value of a key; empty if the token keeps it."""
        ...


class SignsByToken(Protocol):
    """Opens a session, logged in or not."""

    def session(self, *, logged_in: bool) -> AbstractContextManager[Token]: ...
