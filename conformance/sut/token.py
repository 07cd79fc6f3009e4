"""A PKCS#11 module of the system, opened as any program would open it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import PyKCS11
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from conformance.sut.facets_token import Token, TokenAddress, TokenKey
from sotepki.errors import Misuse, Refused
from sotepki.tokens import Pin
from sotepki.tokens.keys import DIGEST_INFO_PREFIX

_OF_PIN = frozenset(
    {
        PyKCS11.CKR_PIN_INCORRECT,
        PyKCS11.CKR_PIN_INVALID,
        PyKCS11.CKR_PIN_LEN_RANGE,
        PyKCS11.CKR_PIN_EXPIRED,
        PyKCS11.CKR_PIN_LOCKED,
    }
)
"""Answers to a login by which the token refuses the PIN itself."""


@dataclass(frozen=True)
class Pkcs11Token:
    """The token at an address; a PIN that it refused is not tried again."""

    address: TokenAddress
    _refused: list[Pin] = field(default_factory=list, init=False, repr=False, compare=False)

    @contextmanager
    def session(self, *, logged_in: bool) -> Iterator[Token]:
        """An open session.

        Raises:
            Misuse: the module does not load, has no such token, or refuses the PIN, now or before.
        """
        try:
            library = _load(str(self.address.module))
            session = library.openSession(_slot(library, self.address.token_label), PyKCS11.CKF_SERIAL_SESSION)
        except PyKCS11.PyKCS11Error as error:
            raise Misuse(f"The PKCS#11 module {self.address.module} does not open: {error}.") from None
        try:
            if logged_in:
                self._log_in(session)
            try:
                yield _OpenToken(session)
            finally:
                if logged_in:
                    session.logout()
        finally:
            session.closeSession()

    def _log_in(self, session: Any) -> None:
        token, file, pin = self.address.token_label, self.address.pin_file, self.address.pin()
        if pin in self._refused:
            raise Misuse(
                f"The token {token!r} refused the PIN of {file} before in this run, so it is not tried again.",
                advice="Each try brings a card nearer to being locked. Correct the PIN in the file and run again.",
            )
        try:
            session.login(pin.reveal())
        except PyKCS11.PyKCS11Error as error:
            if error.value not in _OF_PIN:
                raise Misuse(f"The token {token!r} does not take a login: {error}.") from None
            self._refused.append(pin)
            raise Misuse(
                f"The token {token!r} refuses the PIN of {file}: {error}.",
                advice="It is not tried again in this run. Correct the PIN in the file and run again.",
            ) from None


@dataclass(frozen=True)
class _OpenToken:
    """A session; implements ``Token``."""

    session: Any

    def private_keys(self) -> Sequence[TokenKey]:
        return [self._key(found) for found in self._objects(PyKCS11.CKO_PRIVATE_KEY)]

    def sign(self, key: TokenKey, hash_name: str, content: bytes) -> bytes:
        digest = hashlib.new(hash_name, content).digest()
        rsa_key = self._attribute(key.handle, PyKCS11.CKA_KEY_TYPE) == PyKCS11.CKK_RSA
        data = DIGEST_INFO_PREFIX[hash_name] + digest if rsa_key else digest
        mechanism = PyKCS11.Mechanism(PyKCS11.CKM_RSA_PKCS if rsa_key else PyKCS11.CKM_ECDSA)
        try:
            value = bytes(self.session.sign(key.handle, data, mechanism))
        except PyKCS11.PyKCS11Error as error:
            raise Refused(f"The token does not sign: {error}.", rule="token.mechanism") from None
        if rsa_key:
            return value
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))

    def export(self, key: TokenKey) -> bytes:
        found = b""
        for attribute in (PyKCS11.CKA_PRIVATE_EXPONENT, PyKCS11.CKA_VALUE):
            found = found or bytes(self._attribute(key.handle, attribute) or b"")
        return found

    def _key(self, found: Any) -> TokenKey:
        identifier = bytes(self._attribute(found, PyKCS11.CKA_ID) or b"")
        return TokenKey(
            label=str(self._attribute(found, PyKCS11.CKA_LABEL) or ""),
            sensitive=bool(self._attribute(found, PyKCS11.CKA_SENSITIVE)),
            extractable=bool(self._attribute(found, PyKCS11.CKA_EXTRACTABLE)),
            private=bool(self._attribute(found, PyKCS11.CKA_PRIVATE)),
            # Without an id nothing says which certificate is this key's.
            certificate=self._certificate(identifier) if identifier else None,
            id=identifier,
            handle=found,
        )

    def _certificate(self, identifier: bytes) -> x509.Certificate | None:
        for found in self._objects(PyKCS11.CKO_CERTIFICATE):
            if bytes(self._attribute(found, PyKCS11.CKA_ID) or b"") == identifier:
                return x509.load_der_x509_certificate(bytes(self._attribute(found, PyKCS11.CKA_VALUE)))
        return None

    def _objects(self, kind: int) -> Sequence[Any]:
        found: Sequence[Any] = self.session.findObjects([(PyKCS11.CKA_CLASS, kind)])
        return found

    def _attribute(self, key: Any, attribute: int) -> Any:
        """The value, or None where the token does not give it out."""
        try:
            return self.session.getAttributeValue(key, [attribute])[0]
        except PyKCS11.PyKCS11Error:
            return None


@cache
def _load(path: str) -> Any:
    # Kept for the life of the process: unloading would finalise the module under everybody else who uses it.
    library = PyKCS11.PyKCS11Lib()
    library.load(path)
    return library


def _slot(library: Any, label: str) -> int:
    for slot in library.getSlotList(tokenPresent=True):
        if str(library.getTokenInfo(slot).label).rstrip("\0 ") == label:
            return int(slot)
    raise Misuse(f"The PKCS#11 module has no token {label!r}.", advice="Look with pkcs11-tool --list-slots.")
