"""The registration number (rekisteröintinumero) of professionals in Terhikki and Suosikki."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.errors import Refused
from sotepki.identifiers.check import shown

_FORM = re.compile(r"[0-9]{11}")


@dataclass(frozen=True, order=True)
class RegistrationNumber:
    """Eleven digits, leading zeros kept (docs/field/registration.md 11.4: confirmed).

    Whether it has a check digit is not publicly known, so none is checked.

    Raises:
        Refused: ``value`` is not eleven digits (``identifier.registration-number.form``).
    """

    value: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.value):
            raise Refused(
                f"{shown(self.value)} is not a registration number.",
                rule="identifier.registration-number.form",
                advice="Write eleven digits with the leading zeros.",
            )

    @classmethod
    def parse(cls, text: str) -> RegistrationNumber:
        """Read a registration number exactly as written.

        Raises:
            Refused: as the class says.
        """
        return cls(text)

    def __str__(self) -> str:
        return self.value
