"""The client's memory of wrong PINs: what a card has refused once is not offered to it again.

Digits are kept as scrypt values with a salt for each, since a wrong PIN is often nearly the right one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.tokens.pin import Pin
from sotepki.tokens.storage import private_directory, write_private

_COST = 2**12
_MOST = 16
_LARGEST_FILE = 1 << 20


class WrongPins:
    """Wrong PINs by card and PIN; in a file if one is named, else for the life of the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, list[str]] = {}

    def known(self, card: str, reference: int, pin: Pin) -> bool:
        """Whether the card has refused this PIN before."""
        return any(_is(pin, entry) for entry in self._load().get(_key(card, reference), []))

    def remember(self, card: str, reference: int, pin: Pin) -> None:
        """The card has refused this PIN.

        Raises:
            Fault: the file cannot be written.
        """
        known = self._load()
        entries = known.setdefault(_key(card, reference), [])
        salt = secrets.token_bytes(16)
        entries.append(f"{salt.hex()}:{_digest(pin, salt).hex()}")
        del entries[:-_MOST]
        self._save(known)

    def forget(self, card: str, reference: int) -> None:
        """The PIN was right, changed or unblocked: what was wrong before may be right from now on."""
        known = self._load()
        if known.pop(_key(card, reference), None):
            self._save(known)

    def _load(self) -> dict[str, list[str]]:
        if self._path is None:
            return self._known
        try:
            if self._path.stat().st_size > _LARGEST_FILE:
                raise ValueError("too long")
            raw: Any = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged() from error
        if not isinstance(raw, dict) or not all(
            isinstance(entries, list) and all(isinstance(one, str) for one in entries) for entries in raw.values()
        ):
            raise self._damaged()
        return raw

    def _save(self, known: dict[str, list[str]]) -> None:
        self._known = known
        if self._path is not None:
            private_directory(self._path.parent)
            write_private(self._path, json.dumps(known, indent=1).encode() + b"\n")

    def _damaged(self) -> Fault:
        return Fault(
            f"The memory of wrong PINs in {self._path} is damaged.", advice="Remove the file; it is made anew."
        )


def _key(card: str, reference: int) -> str:
    return f"{card}/{reference:02X}"


def _digest(pin: Pin, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.reveal().encode(), salt=salt, n=_COST, r=8, p=1, dklen=32)


def _is(pin: Pin, entry: str) -> bool:
    salt, _, digest = entry.partition(":")
    try:
        return hmac.compare_digest(_digest(pin, bytes.fromhex(salt)), bytes.fromhex(digest))
    except ValueError:
        return False
