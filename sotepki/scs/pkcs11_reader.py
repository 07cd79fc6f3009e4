"""Whatever card or token a PKCS#11 module shows, as the card of the service: OpenSC's, a middleware's, SoftHSM's.

The module decides what a PIN is and how many tries it has; PKCS#11 has no number for them. A key is used under a
login of its own that ends with the signature, so that each signature asks for its PIN.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pkcs11
from cryptography import x509
from pkcs11 import Attribute, Mechanism, ObjectClass
from pkcs11.constants import TokenFlag
from pkcs11.exceptions import (
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    TokenNotPresent,
    TokenNotRecognised,
)

from sotepki.errors import Fault, Misuse, Refused
from sotepki.scs.read_card import AUTHENTICATION, SIGNATURE, ReadCard
from sotepki.scs.selecting import key_use
from sotepki.scs.signing_only import SigningOnly
from sotepki.tokens import Pin
from sotepki.tokens.keys import KeyHandle
from sotepki.tokens.module import describe
from sotepki.x509.purposes import key_usages

_GONE = (TokenNotPresent, TokenNotRecognised)
_WRONG = (PinIncorrect, PinInvalid, PinLenRange)


@dataclass
class Pkcs11Reader:
    """The first token of a module with a certificate for login or for signatures, and those that belong to it.

    A card with two PINs is two tokens to most modules; they name one person. The module is asked at every call, so
    pages see a card come and go. Calls go one at a time: python-pkcs11 starts modules without locking of their own
    (``tokens.module``).
    """

    module: Path
    _library: Any = None
    _card: _TokenCard | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __call__(self) -> _TokenCard | None:
        """The card, if there is one.

        Raises:
            Misuse: the module is not there or is no PKCS#11 module.
            Fault: the module fails.
        """
        with self._lock, plain_errors():
            found = _found(self._started(), self._lock)
            if self._card is None or found is None or found.serials != self._card.serials:
                self._card = found
            return self._card

    def close(self) -> None:
        """Let go of the module."""
        with self._lock, plain_errors():
            self._card = None
            if self._library is not None:
                self._library.finalize()
                self._library = None

    def __enter__(self) -> Self:
        self()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Any:
        if self._library is None:
            if not self.module.is_file():
                raise Misuse(f"There is no PKCS#11 module {self.module}.", advice="Give the path of the library.")
            try:
                self._library = pkcs11.lib(str(self.module))
            except (PKCS11Error, RuntimeError) as error:
                raise Misuse(f"{self.module.name} does not start as a PKCS#11 module: {describe(error)}.") from None
        return self._library


@dataclass(frozen=True)
class _Place:
    """A certificate for use, and the token and id by which its key is found."""

    token: Any
    key_id: bytes
    certificate: x509.Certificate


class _TokenCard(ReadCard):
    """``CardInReader`` over PKCS#11; a key is good for one signature."""

    def __init__(
        self, places: dict[str, _Place], issuers: tuple[x509.Certificate, ...], lock: threading.RLock
    ) -> None:
        self.issuers = issuers
        self._places = places
        self._lock = lock
        self._pins: dict[str, Pin] = {}

    @property
    def serials(self) -> tuple[int, ...]:
        """The serial numbers of the certificates: another card has others."""
        return tuple(place.certificate.serial_number for _, place in sorted(self._places.items()))

    def certificate(self, which: str) -> x509.Certificate:
        """The certificate of a use, ``authentication`` or ``signature``.

        Raises:
            Refused: rule ``scs.selector.no-match``: the card has none for it.
        """
        return self._place(which).certificate

    def tries(self) -> dict[str, int]:
        """0 for a PIN that is locked, 1 for one before its last try; PKCS#11 tells no more."""
        known = {}
        with self._lock:
            for which, pin in ((AUTHENTICATION, "pin1"), (SIGNATURE, "pin2")):
                flags = self._places[which].token.flags if which in self._places else TokenFlag(0)
                if flags & TokenFlag.USER_PIN_LOCKED:
                    known[pin] = 0
                elif flags & TokenFlag.USER_PIN_FINAL_TRY:
                    known[pin] = 1
        return known

    def _verify(self, which: str, pin: Pin) -> None:
        with self._lock, _logged_in(self._place(which), pin):
            self._pins[which] = pin

    def _handle(self, which: str) -> KeyHandle:
        place, pin = self._place(which), self._pins.pop(which, None)
        if pin is None:
            raise Refused("The key was not opened with its PIN.", rule="scs.pin.refused")
        return _TokenKey(place, pin, self._lock)

    def _place(self, which: str) -> _Place:
        if which not in self._places:
            raise Refused(f"The card has no certificate for {which}.", rule="scs.selector.no-match")
        return self._places[which]


@dataclass(frozen=True)
class _TokenKey(SigningOnly):
    """``KeyHandle`` of a key behind a PKCS#11 module."""

    place: _Place
    pin: Pin = field(repr=False)
    lock: threading.RLock = field(repr=False)

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        return self._sign(digest_info, Mechanism.RSA_PKCS)

    def sign_ecdsa(self, digest: bytes) -> bytes:
        return self._sign(digest, Mechanism.ECDSA)

    def sign_raw(self, encoded: bytes) -> bytes:
        return self._sign(encoded, Mechanism.RSA_X_509)

    def _sign(self, octets: bytes, mechanism: Mechanism) -> bytes:
        with self.lock, _logged_in(self.place, self.pin) as session:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=self.place.key_id)
            again = {"pin": self.pin.reveal()} if _always_authenticate(key) else {}
            return bytes(key.sign(octets, mechanism=mechanism, **again))


@contextmanager
def plain_errors() -> Iterator[None]:
    """A module's error as a sentence of ours."""
    try:
        yield
    except _GONE:
        raise Fault("The card was removed.", rule="card.removed") from None
    except PKCS11Error as error:
        raise Fault(f"The PKCS#11 module failed: {describe(error)}.", rule="scs.card.failed") from error


@contextmanager
def _logged_in(place: _Place, pin: Pin) -> Iterator[Any]:
    """A session of the token under a PIN; it ends with the block. With the lock held."""
    with plain_errors():
        try:
            session = place.token.open(user_pin=pin.reveal())
        except PinLocked:
            raise Refused("The PIN is locked.", rule="card.pin.locked") from None
        except _WRONG:
            raise Refused("The PIN is wrong.", rule="card.pin.wrong") from None
        with session:
            yield session


def _found(library: Any, lock: threading.RLock) -> _TokenCard | None:
    """The card that the tokens make up; None without a certificate for login or signatures.

    It is that of the person whom the first such certificate names: of two cards at one module, a login by one person
    and a signature by another would be one user's to the page.
    """
    seen = [place for token in library.get_tokens(token_flags=TokenFlag.TOKEN_INITIALIZED) for place in _on(token)]
    authorities = {place.certificate.issuer for place in seen}
    leaves = [place for place in seen if _is_for_use(place.certificate, authorities)]
    places: dict[str, _Place] = {}
    for place in leaves:
        if place.certificate.subject == leaves[0].certificate.subject:
            use = key_use(place.certificate) or _free(places)
            places.setdefault(use, place)
    issuers = {one.certificate: None for one in seen if one not in leaves and one.certificate.subject in authorities}
    return _TokenCard(places, tuple(issuers), lock) if places else None


def _on(token: Any) -> Iterator[_Place]:
    """The certificates of a token; one that strict readers refuse, as some cards carry, is left out."""
    with token.open() as session:
        for entry in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
            try:
                certificate = x509.load_der_x509_certificate(bytes(entry[Attribute.VALUE]))
            except ValueError:
                continue
            yield _Place(token, bytes(entry[Attribute.ID]), certificate)


def _is_for_use(certificate: x509.Certificate, authorities: Collection[x509.Name]) -> bool:
    """Whether it is a person's, for login or signatures: by its key usage, or because it restricts none."""
    if key_usages(certificate) is None:  # RFC 5280 4.2.1.3
        return certificate.subject not in authorities
    return key_use(certificate) is not None


def _free(places: Collection[str]) -> str:
    """The use of a certificate that restricts none: cards show the one for login first."""
    return SIGNATURE if AUTHENTICATION in places else AUTHENTICATION


def _always_authenticate(key: Any) -> bool:
    try:
        return bool(key[Attribute.ALWAYS_AUTHENTICATE])
    except PKCS11Error:  # a module that does not know the attribute does not ask again either
        return False
