"""PINs and activation codes: values that do not print themselves."""

from __future__ import annotations

import hmac
import random
import secrets
from typing import NoReturn

from sotepki.errors import Refused

LONGEST = 64


class Pin:
    """A secret number (PIN1, PIN2, activation code, a token's PIN), 1 to 64 digits.

    It shows as ``****`` in texts, logs and tracebacks, cannot be pickled, and compares in constant time. How many
    digits a particular PIN may have is the business of whoever asks for it (``card.kinds``).
    """

    __slots__ = ("_digits",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, digits: str) -> None:
        """Take the digits as typed.

        Raises:
            Refused: rule ``token.pin.digits``: empty, too long, or something else than the digits 0 to 9.
        """
        if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST):
            raise Refused(
                f"A PIN consists of 1 to {LONGEST} digits 0 to 9.",
                rule="token.pin.digits",
                advice="Give the PIN again, digits only and without spaces.",
            )
        self._digits = digits

    @classmethod
    def random(cls, length: int, source: random.Random | None = None) -> Pin:
        """A new PIN of ``length`` digits: from the machine's secure source, or from ``source`` to be reproducible."""
        chooser = source or secrets.SystemRandom()
        return cls("".join(chooser.choice("0123456789") for _ in range(length)))

    def reveal(self) -> str:
        """The digits. Only for the token itself and for the letter to the holder."""
        return self._digits

    def __len__(self) -> int:
        return len(self._digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and hmac.compare_digest(self._digits, other._digits)

    def __repr__(self) -> str:
        return "****"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("A PIN is not stored.")
