"""Keys by label in one token: how an office keeps the keys that it signs with."""

from __future__ import annotations

from pathlib import Path

from sotepki.errors import Fault
from sotepki.tokens.keys import PrivateKey
from sotepki.tokens.pin import Pin
from sotepki.tokens.pool import KeyKind, KeyPool
from sotepki.tokens.session import TokenDirectory, TokenSession
from sotepki.tokens.storage import private_directory, write_private

_PIN_DIGITS = 16


class KeyRing:
    """One token in a directory of its own; its PIN lies beside it, readable by the owner only.

    A real authority would have the PIN typed by people. Here the workspace's owner is everybody at once, and what
    keeps the keys from going astray is that the token does not give them out.
    """

    def __init__(self, directory: Path, token_label: str, pool: KeyPool) -> None:
        self._directory = TokenDirectory(directory)
        self._pin_file = directory / "pin"
        self._token_label = token_label
        self._pool = pool
        self._session: TokenSession | None = None

    @property
    def configuration(self) -> Path:
        """The SoftHSM configuration of this ring, for other programs (``SOFTHSM2_CONF``)."""
        return self._directory.configuration

    @property
    def token_label(self) -> str:
        """The label of the token."""
        return self._token_label

    def __call__(self, label: str) -> PrivateKey:
        """The key with a label.

        Raises:
            Misuse: the token has no such key.
        """
        return self._opened().private_key(label)

    def create(self, label: str, kind: KeyKind) -> PrivateKey:
        """The key with a label; put into the token from the pool first if there is none yet."""
        session = self._opened()
        if label not in session.labels():
            session.import_key(self._pool.take(kind), label, label.encode())
        return session.private_key(label)

    def close(self) -> None:
        """End the session; the next use opens it again."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._directory.close()

    def _opened(self) -> TokenSession:
        if self._session is None or not self._session.alive:
            self._session = self._directory.open(self._token_label, self._pin())
        return self._session

    def _pin(self) -> Pin:
        try:
            pin = Pin(self._pin_file.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            pin = self._new_pin()
        except OSError as error:
            raise Fault(f"The PIN of the token {self._token_label!r} cannot be read: {error.strerror}.") from error
        if self._token_label not in self._directory.token_labels():
            self._directory.create_token(self._token_label, pin, pin)
        return pin

    def _new_pin(self) -> Pin:
        # Written before the token is made: a crash in between leaves a PIN without a token, never the reverse.
        private_directory(self._pin_file.parent)
        pin = Pin.random(_PIN_DIGITS)
        write_private(self._pin_file, pin.reveal().encode("ascii"))
        return pin
