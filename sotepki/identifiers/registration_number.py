"""The registration number (rekisteröintinumero) of professionals in Terhikki and Suosikki."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sotepki.identifiers.digits import DigitString


@dataclass(frozen=True, order=True)
class RegistrationNumber(DigitString):
    """Eleven digits, leading zeros kept (docs/field/registration.md 11.4: confirmed).

    Raises:
        Refused: ``value`` is not eleven digits (``identifier.registration-number.form``).
    """

    form = re.compile(r"[0-9]{11}")
    name = "registration number"
    rule = "identifier.registration-number.form"
    advice = "Write eleven digits with the leading zeros."
