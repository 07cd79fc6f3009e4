"""The Finnish Business ID (Y-tunnus) of organisations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.errors import Refused
from sotepki.identifiers.check import shown

_FORM = re.compile(r"[0-9]{7}-[0-9]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, order=True)
class BusinessId:
    """Seven digits, a hyphen and a check digit (docs/field/registration.md 11.3: confirmed).

    Raises:
        Refused: ``value`` is not a Y-tunnus (``identifier.business-id.form``, ``.never-issued``, ``.check-digit``).
    """

    value: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.value):
            raise Refused(
                f"{shown(self.value)} is not a Business ID (Y-tunnus).",
                rule="identifier.business-id.form",
                advice="Write seven digits with leading zeros, a hyphen and the check digit.",
            )
        expected = _check_digit(self.value[:7])
        if expected is None:
            raise Refused(
                f"The Business ID {self.value} was never issued: its digits give the remainder 1.",
                rule="identifier.business-id.never-issued",
                advice="Compare the number with its source.",
            )
        if self.value[8] != expected:
            raise Refused(
                f"The check digit of the Business ID {self.value} is wrong.",
                rule="identifier.business-id.check-digit",
                advice="Compare the number with its source.",
            )

    @classmethod
    def parse(cls, text: str) -> BusinessId:
        """Read a Y-tunnus exactly as written.

        Raises:
            Refused: as the class says.
        """
        return cls(text)

    @classmethod
    def of(cls, number: int) -> BusinessId | None:
        """The Y-tunnus whose first seven digits are ``number``; None if such a number is never issued."""
        digits = f"{number:07d}"
        check = _check_digit(digits)
        return None if check is None else cls(f"{digits}-{check}")

    @property
    def digits(self) -> str:
        """The eight digits without the hyphen, leading zeros kept."""
        return self.value[:7] + self.value[8]

    def __str__(self) -> str:
        return self.value


def _check_digit(digits: str) -> str | None:
    remainder = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
    if remainder == 1:
        return None
    return str((11 - remainder) % 11)
