"""Keys by label in one token: how an office keeps the keys that it signs with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sotepki.errors import Fault
from sotepki.tokens.keys import KeyHandle, PrivateKey, TokenEcPrivateKey, TokenRsaPrivateKey, token_private_key
from sotepki.tokens.module import softhsm
from sotepki.tokens.pin import Pin
from sotepki.tokens.pool import KeyKind, KeyPool
from sotepki.tokens.session import TokenDirectory, TokenSession
from sotepki.tokens.storage import private_directory, write_private

_PIN_DIGITS = 16


class KeyRing:
    """One token in a directory of its own; its PIN lies beside it, readable by the owner only.

    A real authority would have the PIN typed by people. Here the workspace's owner is everybody at once, and what
    keeps the keys from going astray is that the token does not give them out.

    Unlike those of a ``TokenSession``, a ring's keys outlive the library's turning to another token directory: they
    open their token again. A thread that publishes revocation lists of one workspace thus works beside another
    thread that uses another workspace, as two services of one process do.
    """

    def __init__(self, directory: Path, token_label: str, pool: KeyPool) -> None:
        self._directory = TokenDirectory(directory)
        self._pin_file = directory / "pin"
        self._token_label = token_label
        self._pool = pool
        self._session: TokenSession | None = None
        self._keys: dict[str, PrivateKey] = {}

    @property
    def configuration(self) -> Path:
        """The SoftHSM configuration of this ring, for other programs (``SOFTHSM2_CONF``)."""
        return self._directory.configuration

    @property
    def token_label(self) -> str:
        """The label of the token."""
        return self._token_label

    def __call__(self, label: str) -> PrivateKey:
        """The key with a label; the same object every time.

        Raises:
            Misuse: the token has no such key.
        """
        with softhsm().lock:
            public_key = self._found(label).public_key()
            if label not in self._keys:
                self._keys[label] = token_private_key(_Reopening(lambda: self._found(label).handle), public_key)
            return self._keys[label]

    def create(self, label: str, kind: KeyKind) -> PrivateKey:
        """The key with a label; put into the token from the pool first if there is none yet."""
        if label not in self._labels():
            made = self._pool.take(kind)
            with softhsm().lock:
                self._opened().import_key(made, label, label.encode())
        return self(label)

    def close(self) -> None:
        """End the session; the next use opens it again."""
        self._keys = {}
        if self._session is not None:
            self._session.close()
            self._session = None
        self._directory.close()

    def _labels(self) -> tuple[str, ...]:
        with softhsm().lock:
            return self._opened().labels()

    def _found(self, label: str) -> TokenRsaPrivateKey | TokenEcPrivateKey:
        key = self._opened().private_key(label)
        assert isinstance(key, TokenRsaPrivateKey | TokenEcPrivateKey)
        return key

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
        if not self._directory.has_token(self._token_label):
            self._directory.create_token(self._token_label, pin, pin)
        return pin

    def _new_pin(self) -> Pin:
        # Written before the token is made: a crash in between leaves a PIN without a token, never the reverse.
        private_directory(self._pin_file.parent)
        pin = Pin.random(_PIN_DIGITS)
        write_private(self._pin_file, pin.reveal().encode("ascii"))
        return pin


class _Reopening:
    """A ``KeyHandle`` that is fetched for each operation; nobody turns the library away between the two."""

    __slots__ = ("_fetch",)

    def __init__(self, fetch: Callable[[], KeyHandle]) -> None:
        self._fetch = fetch

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        with softhsm().lock:
            return self._fetch().sign_pkcs1(digest_info)

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        with softhsm().lock:
            return self._fetch().sign_pss(digest, hash_name, salt_length)

    def sign_raw(self, encoded: bytes) -> bytes:
        with softhsm().lock:
            return self._fetch().sign_raw(encoded)

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        with softhsm().lock:
            return self._fetch().decrypt_pkcs1(cryptogram)

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        with softhsm().lock:
            return self._fetch().decrypt_raw(cryptogram)

    def sign_ecdsa(self, digest: bytes) -> bytes:
        with softhsm().lock:
            return self._fetch().sign_ecdsa(digest)
