"""What a security officer does to a token: make it, set and unblock its user PIN, read its flags.

The only module that uses PyKCS11 (its licence is GPL-2.0-or-later; one module keeps the choice open). It shares the
library with python-pkcs11, which has initialised it, and never finalises it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import PyKCS11

from sotepki.errors import Fault
from sotepki.tokens.module import SoftHsm
from sotepki.tokens.pin import Pin

_WRONG = {PyKCS11.CKR_PIN_INCORRECT, PyKCS11.CKR_PIN_LEN_RANGE, PyKCS11.CKR_PIN_INVALID}


@dataclass(frozen=True)
class TokenFlags:
    """What a token says about itself (PKCS#11 v2.40 base 3.2). SoftHSM only raises flags, it does not lock."""

    label: str
    serial: str
    user_pin_set: bool
    user_pin_count_low: bool
    so_pin_count_low: bool


def initialise_token(module: SoftHsm, label: str, so_pin: Pin, user_pin: Pin) -> None:
    """Make a token in a free slot of the configuration in force and set both PINs.

    Raises:
        Fault: SoftHSM cannot write it.
    """
    with module.lock, _plain_errors(f"make the token {label!r}"):
        library = _library(module)
        slot = library.getSlotList(tokenPresent=True)[-1]  # SoftHSM keeps its one free slot last
        library.initToken(slot, so_pin.reveal(), label)
        library.getSlotList()  # lets SoftHSM number the new token's slot
    if not set_user_pin(module, label, so_pin, user_pin):
        raise Fault(f"The new token {label!r} does not take its own PIN.")


def set_user_pin(module: SoftHsm, label: str, so_pin: Pin, new_pin: Pin) -> bool:
    """Set or unblock the user PIN by the security officer's PIN; False if that one is wrong.

    No user session may be open on the token.

    Raises:
        Fault: the token is missing or cannot be written.
    """
    with module.lock, _plain_errors(f"set the PIN of the token {label!r}"), _session(module, label) as session:
        if not _login(session, so_pin, PyKCS11.CKU_SO):
            return False
        try:
            session.initPin(new_pin.reveal())
        finally:
            session.logout()
        return True


def check_so_pin(module: SoftHsm, label: str, so_pin: Pin) -> bool:
    """Whether this is the security officer's PIN. No user session may be open on the token."""
    with module.lock, _plain_errors(f"log in to the token {label!r}"), _session(module, label) as session:
        if not _login(session, so_pin, PyKCS11.CKU_SO):
            return False
        session.logout()
        return True


def change_user_pin(module: SoftHsm, label: str, old: Pin, new: Pin) -> bool:
    """Change the user PIN by the old one; False if the old one is wrong."""
    with module.lock, _plain_errors(f"change the PIN of the token {label!r}"), _session(module, label) as session:
        try:
            session.setPin(old.reveal(), new.reveal())
        except PyKCS11.PyKCS11Error as error:
            if error.value in _WRONG:
                return False
            raise
        return True


def token_flags(module: SoftHsm) -> list[TokenFlags]:
    """Every initialised token of the configuration in force."""
    with module.lock, _plain_errors("list the tokens"):
        library = _library(module)
        return [_flags(library.getTokenInfo(slot)) for slot in _initialised(library)]


def _flags(info: Any) -> TokenFlags:
    return TokenFlags(
        label=_text(info.label),
        serial=_text(info.serialNumber),
        user_pin_set=bool(info.flags & PyKCS11.CKF_USER_PIN_INITIALIZED),
        user_pin_count_low=bool(info.flags & PyKCS11.CKF_USER_PIN_COUNT_LOW),
        so_pin_count_low=bool(info.flags & PyKCS11.CKF_SO_PIN_COUNT_LOW),
    )


def _login(session: Any, pin: Pin, user: int) -> bool:
    try:
        session.login(pin.reveal(), user)
    except PyKCS11.PyKCS11Error as error:
        if error.value in _WRONG:
            return False
        raise
    return True


@contextmanager
def _session(module: SoftHsm, label: str) -> Iterator[Any]:
    library = _library(module)
    for slot in _initialised(library):
        if _text(library.getTokenInfo(slot).label) == label:
            session = library.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
            try:
                yield session
            finally:
                session.closeSession()
            return
    raise Fault(f"There is no token {label!r}.", rule="token.unknown")


def _initialised(library: Any) -> list[int]:
    slots = library.getSlotList(tokenPresent=True)
    return [slot for slot in slots if library.getTokenInfo(slot).flags & PyKCS11.CKF_TOKEN_INITIALIZED]


def _text(field: Any) -> str:
    raw = field if isinstance(field, str) else bytes(field).decode("utf-8", "replace")
    return raw.rstrip("\0 ")


@contextmanager
def _plain_errors(what: str) -> Iterator[None]:
    try:
        yield
    except PyKCS11.PyKCS11Error as error:
        raise Fault(f"SoftHSM could not {what}: {PyKCS11.CKR.get(error.value, error.value)}.") from error


def _library(module: SoftHsm) -> Any:
    return _load(str(module.path))


@cache
def _load(path: str) -> Any:
    # Kept for the life of the process: unloading it would finalise the library under python-pkcs11.
    library = PyKCS11.PyKCS11Lib()
    library.load(path)
    return library
