"""Whatever card is in a PC/SC reader of the machine, real or virtual, as the card of the service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sotepki.card.client import CardClient, Role
from sotepki.card.pcsc.binding import PcscCard, PcscContext
from sotepki.errors import Fault, Refused
from sotepki.scs.read_card import AUTHENTICATION, SIGNATURE, ReadCard
from sotepki.scs.signing_only import SigningOnly
from sotepki.tokens import Pin
from sotepki.tokens.keys import DIGEST_INFO_PREFIX, KeyHandle

_ROLES = {AUTHENTICATION: Role.PIN1, SIGNATURE: Role.PIN2}
_EMPTY = ("card.pcsc.no-card", "card.removed")
_HASH_OF_LENGTH = {20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}


@dataclass
class PcscReader:
    """The first card in a PC/SC reader; ``reader`` is a number or a part of a name, empty for any.

    The card is asked at every call whether it is still there, so pages see it come and go.
    """

    reader: str = ""
    _context: PcscContext | None = None
    _card: _PcscReadCard | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self) -> _PcscReadCard | None:
        """The card, if there is one.

        Raises:
            Fault: rule ``card.pcsc.absent``: no PC/SC on this machine.
            Refused: rule ``card.client.foreign``: the card is no FINEID card.
        """
        with self._lock:
            if self._card is not None and not self._card.there():
                self._let_go()
            if self._card is None:
                self._card = self._connected()
            return self._card

    def close(self) -> None:
        """Let go of card and service."""
        with self._lock:
            self._let_go()
            if self._context is not None:
                self._context.close()
                self._context = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connected(self) -> _PcscReadCard | None:
        try:
            connection = self._connection()
        except Fault as fault:
            if fault.rule in _EMPTY:
                return None
            raise
        try:
            return _PcscReadCard(connection)
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> PcscCard:
        """Connected to the card; where pcscd was started again, by a new context, since the old one is dead.

        A card that fails is not asked twice: a new context would only power it up again, at every look of a page.
        """
        if self._context is not None:
            try:
                return self._context.connect(self.reader)
            except Fault as fault:
                if fault.rule != "card.pcsc.absent":
                    raise
                self._context.close()
                self._context = None
        self._context = PcscContext()
        return self._context.connect(self.reader)

    def _let_go(self) -> None:
        if self._card is not None:
            self._card.connection.close()
            self._card = None


class _PcscReadCard(ReadCard):
    """``CardInReader`` over PC/SC: a PIN is verified when it is given, and again together with the signature."""

    def __init__(self, connection: PcscCard) -> None:
        self.connection = connection
        self._client = CardClient(connection)
        self._certificates = {use: self._client.certificate(role).exact() for use, role in _ROLES.items()}
        self._alone = threading.Lock()  # the card has one current directory; two threads would lose each other's

    def there(self) -> bool:
        """Whether the card still answers; a card that is at work does."""
        if not self._alone.acquire(blocking=False):
            return True
        try:
            self._client.pins()
        except (Fault, Refused):
            return False
        finally:
            self._alone.release()
        return True

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates on the card."""
        with self._alone:
            found = [one.certificate for one in self._client.objects().certificates]
        exact = (one.exact() for one in found if one is not None)
        return tuple(one for one in exact if one not in self._certificates.values())

    def certificate(self, which: str) -> x509.Certificate:
        """The certificate of a use, ``authentication`` or ``signature``."""
        return self._certificates[which]

    def tries(self) -> dict[str, int]:
        """Tries left, as far as the card says."""
        names = {Role.PIN1: "pin1", Role.PIN2: "pin2"}
        with self._alone:
            pins = self._client.pins()
        return {names[one.role]: one.tries for one in pins if one.role in names and one.tries is not None}

    def _verify(self, which: str, pin: Pin) -> None:
        with self._alone:
            self._client.verify(_ROLES[which], pin)
        self._pin = pin

    def _handle(self, which: str) -> KeyHandle:
        return _CardKey(self._client, self._alone, _ROLES[which], self._pin)


@dataclass(frozen=True)
class _CardKey(SigningOnly):
    """``KeyHandle`` of a key of the card: what a service signs with, PKCS#1 v1.5 and ECDSA.

    A signature that does not come about resets the card: PIN2 was verified when it was given, and would stay so.
    """

    client: CardClient
    alone: threading.Lock
    role: Role
    pin: Pin = field(repr=False)

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        with self._for_one_signature():
            for name, prefix in DIGEST_INFO_PREFIX.items():
                if digest_info.startswith(prefix):
                    return self._sign(digest_info.removeprefix(prefix), name)
            raise UnsupportedAlgorithm("The card signs a DigestInfo of SHA-1, SHA-2 or SHA-3 and nothing else.")

    def sign_ecdsa(self, digest: bytes) -> bytes:
        with self._for_one_signature():
            key = self.client.certificate(self.role).public_key
            assert isinstance(key, ec.EllipticCurvePublicKey)
            size = (key.curve.key_size + 7) // 8
            name = _HASH_OF_LENGTH.get(len(digest))
            if name is None:
                raise UnsupportedAlgorithm("The card signs a digest of SHA-1 or SHA-2 and nothing else.")
            return b"".join(n.to_bytes(size, "big") for n in decode_dss_signature(self._sign(digest, name)))

    def sign_raw(self, encoded: bytes) -> bytes:
        with self._for_one_signature():
            raise UnsupportedAlgorithm("The card pads by itself; it is given a digest, never a padded message.")

    def _sign(self, digest: bytes, hash_name: str) -> bytes:
        return self.client.sign_digest(digest, hash_name, self.pin, role=self.role).signature

    @contextmanager
    def _for_one_signature(self) -> Iterator[None]:
        """The card without other threads; PIN2 is taken back if what is inside fails, before or after its VERIFY."""
        with self.alone:
            try:
                yield
            except BaseException:
                if self.role is Role.PIN2:
                    self.client.reset()
                raise
