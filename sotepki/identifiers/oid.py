"""Object identifiers, and those that organisations form from their Business ID."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sotepki.errors import Refused
from sotepki.identifiers.business_id import BusinessId
from sotepki.identifiers.check import shown

LONGEST: Final = 256
"""Characters that an OID may have here; a bound against hostile input, not a rule of the OID syntax."""

_FORM = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_ORGANISATIONS = "1.2.246.10."
_UNITS, _REGISTER_KEEPER, _DOCUMENTS = 10, 19, 93


@dataclass(frozen=True, order=True)
class Oid:
    """An object identifier in dotted decimal form, arcs without leading zeros (ITU-T X.660: confirmed).

    Ordered by its text. Raises:
        Refused: ``value`` is not an OID (``identifier.oid.form``, ``.arc``, ``.length``).
    """

    value: str

    def __post_init__(self) -> None:
        if len(self.value) > LONGEST:
            raise Refused(
                f"The object identifier {shown(self.value)} has {len(self.value)} characters.",
                rule="identifier.oid.length",
                advice=f"At most {LONGEST} characters are taken.",
            )
        if not _FORM.fullmatch(self.value):
            raise Refused(
                f"{shown(self.value)} is not an object identifier (OID).",
                rule="identifier.oid.form",
                advice="Write decimal numbers without leading zeros, separated by points; the first is 0, 1 or 2.",
            )
        first, second = self.value.split(".", 2)[:2]
        if first in "01" and int(second) > 39:
            raise Refused(
                f"The object identifier {shown(self.value)} has a second number above 39.",
                rule="identifier.oid.arc",
                advice="Below 0 and 1 the second number is 0 to 39.",
            )

    @classmethod
    def parse(cls, text: str) -> Oid:
        """Read an OID exactly as written, without ``urn:oid:``.

        Raises:
            Refused: as the class says.
        """
        return cls(text)

    @property
    def urn(self) -> str:
        """The form ``urn:oid:1.2...`` (RFC 3061)."""
        return f"urn:oid:{self.value}"

    def child(self, *arcs: int) -> Oid:
        """The OID with more arcs appended."""
        return Oid(".".join([self.value, *map(str, arcs)]))

    def __str__(self) -> str:
        return self.value


def organisation_oid(business_id: BusinessId, unit: int = 0) -> Oid:
    """The OID of an organisation (``unit`` 0: the top level) or of one of its units.

    1.2.246.10, the Y-tunnus as a number, 10, the unit (docs/field/registration.md 11.6: confirmed).
    """
    return _base(business_id).child(_UNITS, unit)


def register_keeper_oid(business_id: BusinessId, form: int = 0) -> Oid:
    """The OID of an organisation as register keeper, ``.19.0`` or ``.19.1`` (registration.md 11.6: confirmed)."""
    return _base(business_id).child(_REGISTER_KEEPER, form)


def document_oid(business_id: BusinessId, *arcs: int) -> Oid:
    """The OID of a document under an organisation; the arcs after 93 are the organisation's own, such as 2026, 855.

    docs/field/registration.md 11.6 shows 1.2.246.10.1602257.93.2019.855 (confirmed).
    """
    return _base(business_id).child(_DOCUMENTS, *arcs)


def business_id_of(oid: Oid) -> BusinessId | None:
    """The Y-tunnus that an OID under 1.2.246.10 holds; None if there is none (registration.md 11.6: inferred)."""
    if not oid.value.startswith(_ORGANISATIONS):
        return None
    number = oid.value.removeprefix(_ORGANISATIONS).split(".", 1)[0]
    if len(number) > 8:
        return None
    padded = number.zfill(8)
    try:
        return BusinessId(f"{padded[:7]}-{padded[7]}")
    except Refused:
        return None


def _base(business_id: BusinessId) -> Oid:
    return Oid(f"{_ORGANISATIONS}{int(business_id.digits)}")
