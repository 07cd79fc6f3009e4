"""Identifiers of a fixed number of digits; whether one of them is a check digit is not publicly known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from sotepki.errors import Refused
from sotepki.identifiers.check import shown


@dataclass(frozen=True, order=True)
class DigitString:
    """``value`` is exactly as written, leading zeros kept. A subclass gives its form and the words of a refusal.

    Raises:
        Refused: ``value`` is not of the form (``rule``).
    """

    value: str

    form: ClassVar[re.Pattern[str]]
    name: ClassVar[str]
    rule: ClassVar[str]
    advice: ClassVar[str]

    def __post_init__(self) -> None:
        if not self.form.fullmatch(self.value):
            raise Refused(f"{shown(self.value)} is not a {self.name}.", rule=self.rule, advice=self.advice)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier exactly as written.

        Raises:
            Refused: as the class says.
        """
        return cls(text)

    def __str__(self) -> str:
        return self.value
