"""The Finnish personal identity code (henkilötunnus, hetu)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from sotepki.errors import Refused
from sotepki.identifiers.check import check_character, shown

CENTURY_OF_SIGN: Final = {
    "+": 1800,
    **dict.fromkeys("-YXWVU", 1900),
    **dict.fromkeys("ABCDEF", 2000),
}
"""Century signs; Y X W V U and B C D E F by the decree in force since 1.1.2023 (registration.md 11.1: confirmed)."""

_FORM = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})(.)([0-9]{3})([0-9A-Z])", re.DOTALL)
_ANYWHERE = re.compile(
    "[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]"
    "|(?<![0-9a-z])[0-9]{6}[-+a-fu-y][0-9]{3}[0-9a-y](?![0-9a-z])"  # in small letters, but not inside hexadecimal
)
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_SOFT_HYPHEN = "\u00ad"
_FIRST_TEST_NUMBER = 900
_FIRST_ISSUED_NUMBER = 2
_HIDDEN = 4


@dataclass(frozen=True, order=True)
class Hetu:
    """``DDMMYY`` + century sign + ``NNN`` + check character (docs/field/registration.md 11.1: confirmed).

    The sign does not enter the check character but is part of the identity. Codes with the individual number 900 to
    999 are test codes and never belong to a real person. ``repr`` hides the last four characters.

    Raises:
        Refused: ``value`` is not a hetu (``identifier.hetu.form``, ``.sign``, ``.date``, ``.check-character``,
            ``.individual-number``).
    """

    value: str

    def __post_init__(self) -> None:
        match = _FORM.fullmatch(self.value)
        if match is None:
            raise Refused(
                f"{shown(self.value, hide=_HIDDEN)} is not a personal identity code.",
                rule="identifier.hetu.form",
                advice="Write DDMMYY, a century sign, three digits and a check character in capitals.",
            )
        shown_code = shown(self.value, hide=_HIDDEN)
        day, month, year, sign, number, check = match.groups()
        if sign not in CENTURY_OF_SIGN:
            raise Refused(
                f"The personal identity code {shown_code} has no known century sign: {shown(sign)}.",
                rule="identifier.hetu.sign",
                advice=f"Century signs are {' '.join(CENTURY_OF_SIGN)}.",
            )
        try:
            date(CENTURY_OF_SIGN[sign] + int(year), int(month), int(day))
        except ValueError:
            raise Refused(
                f"The personal identity code {shown_code} names a day that is not in the calendar.",
                rule="identifier.hetu.date",
                advice="Check the first six digits: day, month, year.",
            ) from None
        if check != check_character(int(day + month + year + number)):
            raise Refused(
                f"The check character of the personal identity code {shown_code} is wrong.",
                rule="identifier.hetu.check-character",
                advice="Compare the code with its source, character by character.",
            )
        if int(number) < _FIRST_ISSUED_NUMBER:
            raise Refused(
                f"The personal identity code {shown_code} has an individual number below 002.",
                rule="identifier.hetu.individual-number",
                advice="Individual numbers are 002 to 899, in test data 900 to 999.",
            )

    @classmethod
    def parse(cls, text: str, *, test_only: bool = True) -> Hetu:
        """Read a hetu exactly as written; with ``test_only`` a code outside the 900-series is refused.

        Raises:
            Refused: as the class says, and ``identifier.hetu.test-only``.
        """
        hetu = cls(text)
        if test_only and not hetu.is_test:
            raise Refused(
                f"The personal identity code {shown(text, hide=_HIDDEN)} may belong to a real person.",
                rule="identifier.hetu.test-only",
                advice="Use a code of the 900-series: the individual number is 900 to 999.",
            )
        return hetu

    @classmethod
    def of(cls, birth_date: date, sign: str, individual_number: int) -> Hetu:
        """The hetu of a birth date, sign and individual number, its check character computed.

        Raises:
            Refused: the sign is not one of the birth date's century, or the number is not one of a hetu.
        """
        if CENTURY_OF_SIGN.get(sign) != birth_date.year // 100 * 100:
            raise Refused(
                f"The century sign {shown(sign)} does not fit the birth year {birth_date.year}.",
                rule="identifier.hetu.sign",
            )
        digits = f"{birth_date:%d%m}{birth_date.year % 100:02d}"
        return cls(f"{digits}{sign}{individual_number:03d}{check_character(int(digits) * 1000 + individual_number)}")

    @property
    def birth_date(self) -> date:
        """The date of birth that the code states."""
        return date(CENTURY_OF_SIGN[self.value[6]] + int(self.value[4:6]), int(self.value[2:4]), int(self.value[:2]))

    @property
    def individual_number(self) -> int:
        """The three digits after the sign; odd for men, even for women."""
        return int(self.value[7:10])

    @property
    def is_test(self) -> bool:
        """Whether the code is of the 900-series, which no real person has."""
        return self.individual_number >= _FIRST_TEST_NUMBER

    def __str__(self) -> str:
        return self.value

    @property
    def masked(self) -> str:
        """The code as a sentence for people may show it: quoted, without its last four characters."""
        return shown(self.value, hide=_HIDDEN)

    def __repr__(self) -> str:
        return f"Hetu({self.masked})"


def holds_identity_code(text: str) -> bool:
    """Whether something in a text has the form of a personal identity code, right or wrong; notes may hold none.

    Any dash counts as the sign: word processors write an en dash of their own accord. Characters that nobody sees do
    not hide a code; a soft hyphen is seen where a line ends.
    """
    if text.isascii():
        return _ANYWHERE.search(text) is not None
    dashed = text.translate(_DASHES)
    readings = ("".join(filter(_is_seen, one)) for one in (dashed, dashed.replace(_SOFT_HYPHEN, "-")))
    return any(_ANYWHERE.search(reading) for reading in (dashed, *readings))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) != "Cf"
