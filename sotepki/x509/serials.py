"""Serial numbers in the two forms of the national profiles.

They are only formed and written here. That a number is never used twice is the authority's business, which reserves
it in a committed transaction before it signs.
"""

from __future__ import annotations

import os
from datetime import datetime

from sotepki.errors import Refused
from sotepki.x509.profile_values import SerialForm, SerialValue

_FIRST_PERSON = 100_000_000
_LAST_PERSON = 0x7FFF_FFFF


def serial_text(serial_number: int) -> str:
    """A serial number as it is kept and printed everywhere: lower-case hexadecimal, whole bytes."""
    text = f"{serial_number:x}"
    return text.zfill(len(text) + len(text) % 2)


def person_serial(n: int) -> int:
    """The serial number of the ``n``-th person card certificate: 4 octets, as 102500709 on a 2023 test card.

    Raises:
        Refused: ``n`` is below 1 or the form is used up (more than two thousand million certificates).
    """
    serial = _FIRST_PERSON + n
    if n < 1 or serial > _LAST_PERSON:
        raise Refused(
            f"There is no person card serial number for the count {n}.",
            rule="cert.serial.form",
            advice="Count from 1; past the last one a new CA is needed.",
        )
    return serial


def service_serial(now: datetime) -> int:
    """A serial number of CA and service certificates: 6 octets of milliseconds, then 9 random octets.

    The reading of the published numbers is inferred (docs/field/pki.md 3, row Serial of
    G3 CA and service certificates).
    """
    milliseconds = int(now.timestamp() * 1000)
    if not 1 << 40 <= milliseconds < 1 << 47:
        raise Refused(
            f"The time {now:%Y-%m-%d} does not fit in a service serial number.",
            rule="cert.serial.form",
            advice="Set the clock to a year between 2005 and 6400.",
        )
    return int.from_bytes(milliseconds.to_bytes(6, "big") + os.urandom(9), "big")


def octets(serial: int) -> int:
    """Length of a serial number as a DER integer, in octets; a negative one counts as it is encoded."""
    return (serial + (serial < 0)).bit_length() // 8 + 1


def has_form(serial: int, value: SerialValue) -> bool:
    """Whether a serial number has the form of a profile."""
    if serial <= 0 or octets(serial) != value.octets:
        return False
    return value.form is not SerialForm.SERVICE or serial >> (9 * 8) >= 1 << 40
