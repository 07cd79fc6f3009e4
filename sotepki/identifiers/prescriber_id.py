"""The prescriber's identifier (yksilöintitunnus, formerly SV number)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.identifiers.digits import DigitString


@dataclass(frozen=True, order=True)
class PrescriberId(DigitString):
    """Six digits, leading zeros kept (docs/field/registration.md 11.5: confirmed by examples, length inferred).

    Raises:
        Refused: ``value`` is not six digits (``identifier.prescriber-id.form``).
    """

    form = re.compile(r"[0-9]{6}")
    name = "prescriber's identifier (SV number)"
    rule = "identifier.prescriber-id.form"
    advice = "Write six digits with the leading zeros."
