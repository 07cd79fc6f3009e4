"""The prescriber's identifier (yksilöintitunnus, formerly SV number)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.errors import Refused
from sotepki.identifiers.check import shown

_FORM = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, order=True)
class PrescriberId:
    """Six digits, leading zeros kept (docs/field/registration.md 11.5: confirmed by examples, length inferred).

    Whether it has a check digit is not publicly known, so none is checked.

    Raises:
        Refused: ``value`` is not six digits (``identifier.prescriber-id.form``).
    """

    value: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.value):
            raise Refused(
                f"{shown(self.value)} is not a prescriber's identifier (SV number).",
                rule="identifier.prescriber-id.form",
                advice="Write six digits with the leading zeros.",
            )

    @classmethod
    def parse(cls, text: str) -> PrescriberId:
        """Read a prescriber's identifier exactly as written.

        Raises:
            Refused: as the class says.
        """
        return cls(text)

    def __str__(self) -> str:
        return self.value
