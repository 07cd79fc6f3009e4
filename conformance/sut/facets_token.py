"""A PKCS#11 module of the system: its keys, and what they may be used for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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
    """A private key object, by its attributes (PKCS #11 4.9).

    Attributes:
        id: CKA_ID, which a key shares with its certificate; empty if it has none.
        certificate: the one with the same id.
        handle: by which its session knows the key; labels are for people, and several keys may bear one.
    """

    label: str
    sensitive: bool
    extractable: bool
    private: bool
    certificate: x509.Certificate | None = None
    id: bytes = b""
    handle: Any = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The label, with the id, by which a person tells it from another key of that label."""
        return f"{self.label} (id {self.id.hex()})" if self.id else self.label


class Token(Protocol):
    """An open session."""

    def private_keys(self) -> Sequence[TokenKey]:
        """The private keys that the session sees."""
        ...

    def sign(self, key: TokenKey, hash_name: str, content: bytes) -> bytes:
        """Sign with a key of this session: RSA PKCS #1 v1.5, or ECDSA in DER, over the hash of the content.

        Raises:
            Refused: ``token.mechanism`` if it cannot.
        """
        ...

    def export(self, key: TokenKey) -> bytes:
        """The private value of a key; empty if the token keeps it."""
        ...


class SignsByToken(Protocol):
    """Opens a session, logged in or not."""

    def session(self, *, logged_in: bool) -> AbstractContextManager[Token]: ...
