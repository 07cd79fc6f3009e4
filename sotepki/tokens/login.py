"""Logins to tokens, and the private key objects in them: where PKCS#11 is really called."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass
from pkcs11.exceptions import (
    GeneralError,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PKCS11Error,
    UserAlreadyLoggedIn,
    UserPinNotInitialized,
)

from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens import objects
from sotepki.tokens.keys import PrivateKey, token_private_key
from sotepki.tokens.module import SoftHsm, describe
from sotepki.tokens.pin import Pin

T = TypeVar("T")

_LOOKS, _LOOKS_FOR_A_NAME, _BETWEEN_LOOKS_SECONDS = 25, 3, 0.02
_WHILE_IT_IS_WRITTEN = (GeneralError, UserPinNotInitialized)
"""What SoftHSM says of a token whose record is empty because another process writes it."""

_PSS_MECHANISMS = {
    "sha1": (Mechanism.SHA_1, MGF.SHA1),
    "sha224": (Mechanism.SHA224, MGF.SHA224),
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
}


class Login:
    """One login to one token, shared by its sessions and their keys."""

    def __init__(self, module: SoftHsm, label: str, pin: Pin, session: Any) -> None:
        self.module = module
        self.label = label
        self.pin = pin
        self.session = session
        self.generation = module.generation
        self.users = 0
        self.closed = False
        self.keys: dict[str, PrivateKey] = {}

    @property
    def alive(self) -> bool:
        """Neither ended nor forgotten by the library."""
        return not self.closed and self.generation == self.module.generation

    def check(self) -> None:
        """Raise ``Fault`` if the login is not alive."""
        if self.closed or self.generation != self.module.generation:
            raise session_ended(self.label)

    def find(self, kind: ObjectClass, label: str) -> Any:
        """The first object of a class and label, or None. With the lock held."""
        found = list(self.session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label}))
        return found[0] if found else None


class _Handle:
    """A private key object in a token. Every operation checks the session and holds the one lock."""

    __slots__ = ("_key", "_label", "_login", "_size")

    def __init__(self, login: Login, key: Any, label: str, size: int) -> None:
        self._login = login
        self._key = key
        self._label = label
        self._size = size

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        return self._sign(digest_info, Mechanism.RSA_PKCS)

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        return self._sign(digest, Mechanism.RSA_PKCS_PSS, (*_PSS_MECHANISMS[hash_name], salt_length))

    def sign_ecdsa(self, digest: bytes) -> bytes:
        return self._sign(digest, Mechanism.ECDSA)

    def sign_raw(self, encoded: bytes) -> bytes:
        return self._sign(encoded, Mechanism.RSA_X_509)

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        return self._decrypt(cryptogram, Mechanism.RSA_PKCS)

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        return self._decrypt(cryptogram, Mechanism.RSA_X_509)

    def _sign(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        login = self._login
        with login.module.lock:
            login.check()
            try:
                signature = self._key.sign(
                    data, mechanism=mechanism, mechanism_param=parameter, buffer_size=self._size
                )
            except PKCS11Error as error:
                raise Fault(f"The token did not sign with {self._label!r}: {describe(error)}.") from error
        return bytes(signature)

    def _decrypt(self, cryptogram: bytes, mechanism: Mechanism) -> bytes:
        login = self._login
        with login.module.lock:
            login.check()
            try:
                plain = self._key.decrypt(cryptogram, mechanism=mechanism, buffer_size=self._size)
            except PKCS11Error as error:
                raise ValueError("Decryption failed") from error
        return bytes(plain)


def fetch_key(login: Login, label: str) -> PrivateKey:
    """The pyca key of a label in an open token. With the lock held."""
    private = login.find(ObjectClass.PRIVATE_KEY, label)
    public = login.find(ObjectClass.PUBLIC_KEY, label)
    if private is None or public is None:
        raise Misuse(f"There is no key {label!r} in the token {login.label!r}.", rule="token.unknown", subject=label)
    public_key = objects.public_key_of(public)
    return token_private_key(_Handle(login, private, label, _signature_size(public_key)), public_key)


def _signature_size(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> int:
    octets = (key.key_size + 7) // 8
    return octets if isinstance(key, rsa.RSAPublicKey) else 2 * octets


def log_in(module: SoftHsm, label: str, pin: Pin) -> Login:
    """Open a token; the library looks afresh first if it does not know it and nothing else is open."""
    token = _token(module, label)
    if token is None and not module.logins:
        module.restart()  # another process may have made it since the library looked
        token = _token(module, label)
    for _ in range(_LOOKS_FOR_A_NAME):
        if token is not None:
            break
        time.sleep(_BETWEEN_LOOKS_SECONDS)  # its record is empty while another process writes it
        token = _token(module, label)
    if token is None:
        raise Misuse(f"There is no token {label!r} in the directory.", rule="token.unknown", subject=label)
    try:
        opened = {"rw": True, "user_pin": pin.reveal(), "attribute_mapper": objects.attribute_mapper()}
        session = _patiently(lambda: token.open(**opened))
    except (PinIncorrect, PinInvalid, PinLenRange):
        # python-pkcs11 leaves its session open when the login fails; closing the token's sessions would need a
        # call that it does not offer, so the library forgets it when it is next restarted or the process ends.
        raise wrong_pin(label) from None
    except UserAlreadyLoggedIn as error:
        raise Fault(f"The token {label!r} is in use by another part of this process.") from error
    except PKCS11Error as error:
        raise Fault(f"The token {label!r} does not open: {describe(error)}.") from error
    return Login(module, label, pin, session)


def is_present(module: SoftHsm, label: str, *, on_disk: int) -> bool:
    """Whether the configuration in force has a token of a label. With the lock held.

    Of ``on_disk`` tokens one may have no label, because another process is writing its record: it is looked for
    again, for half a second. A token that was never finished costs that time, and is then not there.
    """
    end = time.monotonic() + _LOOKS * _BETWEEN_LOOKS_SECONDS
    while True:
        labels = [token.label for token in tokens_present(module)]
        if label in labels:
            return True
        if len(labels) >= on_disk or time.monotonic() > end:
            return False
        time.sleep(_BETWEEN_LOOKS_SECONDS)
        if not module.logins:
            module.restart()  # the library leaves out what it could not read when it looked


def tokens_present(module: SoftHsm) -> Iterable[Any]:
    """Every token of the configuration in force that has a label."""
    try:
        return _patiently(lambda: [token for token in module.library.get_tokens() if token.label])
    except PKCS11Error as error:
        raise Fault(f"SoftHSM does not list its tokens: {describe(error)}.") from error


def _patiently(call: Callable[[], T]) -> T:
    """Call again for a while when SoftHSM fails in a way that another process's writing explains."""
    for _ in range(_LOOKS - 1):
        try:
            return call()
        except _WHILE_IT_IS_WRITTEN:
            time.sleep(_BETWEEN_LOOKS_SECONDS)
    return call()


def _token(module: SoftHsm, label: str) -> Any:
    return next((token for token in tokens_present(module) if token.label == label), None)


@contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Turn a PKCS#11 error into a ``Fault`` that says what could not be done."""
    try:
        yield
    except PKCS11Error as error:
        raise Fault(f"The token could not {what}: {describe(error)}.") from error


def wrong_pin(label: str) -> Refused:
    """The refusal of a PIN; it does not say what was given."""
    return Refused(f"This is not the PIN of the token {label!r}.", rule="token.pin.wrong", subject=label)


def session_ended(label: str) -> Fault:
    """The error of a key whose session has ended."""
    return Fault(
        f"The session with the token {label!r} has ended.",
        rule="token.session-ended",
        advice="A process works with one token directory at a time; open the token again.",
    )
