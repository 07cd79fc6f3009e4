"""A PKCS#11 module of the system, opened as any program would open it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import PyKCS11
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from conformance.sut.facets_token import Token, TokenAddress, TokenKey
from sotepki.errors import Misuse, Refused
from sotepki.tokens.keys import DIGEST_INFO_PREFIX


@dataclass(frozen=True)
class Pkcs11Token:
    """The token at an address."""

    address: TokenAddress

    @contextmanager
    def session(self, *, logged_in: bool) -> Iterator[Token]:
        """An open session.

        Raises:
            Misuse: the module does not load, has no such token, or refuses the PIN.
        """
        try:
            library = _load(str(self.address.module))
            session = library.openSession(_slot(library, self.address.token_label), PyKCS11.CKF_SERIAL_SESSION)
        except PyKCS11.PyKCS11Error as error:
            raise Misuse(f"The PKCS#11 module {self.address.module} does not open: {error}.") from None
        try:
            if logged_in:
                _log_in(session, self.address)
            yield _OpenToken(session)
        finally:
            if logged_in:
                session.logout()
            session.closeSession()


@dataclass(frozen=True)
class _OpenToken:
    """A session; implements ``Token``."""

    session: Any

    def private_keys(self) -> Sequence[TokenKey]:
        return [self._key(found) for found in self._objects(PyKCS11.CKO_PRIVATE_KEY)]

    def sign(self, label: str, hash_name: str, content: bytes) -> bytes:
        key = self._named(label)
        digest = hashlib.new(hash_name, content).digest()
        rsa_key = self._attribute(key, PyKCS11.CKA_KEY_TYPE) == PyKCS11.CKK_RSA
        data = DIGEST_INFO_PREFIX[hash_name] + digest if rsa_key else digest
        mechanism = PyKCS11.Mechanism(PyKCS11.CKM_RSA_PKCS if rsa_key else PyKCS11.CKM_ECDSA)
        try:
            value = bytes(self.session.sign(key, data, mechanism))
        except PyKCS11.PyKCS11Error as error:
            raise Refused(f"The token does not sign: {error}.", rule="token.mechanism") from None
        if rsa_key:
            return value
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))

    def export(self, label: str) -> bytes:
        key, found = self._named(label), b""
        for attribute in (PyKCS11.CKA_PRIVATE_EXPONENT, PyKCS11.CKA_VALUE):
            found = found or bytes(self._attribute(key, attribute) or b"")
        return found

    def _named(self, label: str) -> Any:
        for found in self._objects(PyKCS11.CKO_PRIVATE_KEY):
            if self._attribute(found, PyKCS11.CKA_LABEL) == label:
                return found
        raise Refused(f"This session sees no key {label!r}.", rule="token.key")

    def _key(self, found: Any) -> TokenKey:
        identifier = bytes(self._attribute(found, PyKCS11.CKA_ID) or b"")
        return TokenKey(
            label=str(self._attribute(found, PyKCS11.CKA_LABEL)),
            sensitive=bool(self._attribute(found, PyKCS11.CKA_SENSITIVE)),
            extractable=bool(self._attribute(found, PyKCS11.CKA_EXTRACTABLE)),
            private=bool(self._attribute(found, PyKCS11.CKA_PRIVATE)),
            certificate=self._certificate(identifier),
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


def _log_in(session: Any, address: TokenAddress) -> None:
    try:
        session.login(address.pin().reveal())
    except PyKCS11.PyKCS11Error as error:
        session.closeSession()
        raise Misuse(f"The token {address.token_label!r} refuses the PIN of {address.pin_file}: {error}.") from None
