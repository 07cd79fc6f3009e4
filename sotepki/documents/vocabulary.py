"""Namespaces, code systems and OIDs of Kanta documents (docs/field/kanta.md 3, 5, 6; registration.md 10)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

HL7: Final = "urn:hl7-org:v3"
FINLAND: Final = "urn:hl7finland"

SIGNATURE_TYPES: Final = "1.2.246.537.5.40127.2006"
SIGNATURE_TYPES_NAME: Final = "KanTa-palvelut - Sähköisen allekirjoituksen tyyppi"
AUTHENTICATION_METHODS: Final = "1.2.246.537.5.40128.2006"
PROFESSIONAL_CERTIFICATE: Final = "1"
"""Authentication method: SOTE professional certificate (kanta.md 4: confirmed)."""

REGISTER_TYPES: Final = "1.2.246.537.6.1264.201701"
"""Code system of registryType (kanta.md 5: confirmed)."""
HETU_ROOT: Final = "1.2.246.21"
REGISTRATION_NUMBER_ROOT: Final = "1.2.246.537.26"
PRESCRIBER_ROOT: Final = "1.2.246.537.25.1"
KANTA_RECEIVER: Final = "1.2.246.556.18007.2"
KELA_ORGANISATION: Final = "1.2.246.10.2462460"
KELA_ROOTS: Final = ("1.2.246.556.", f"{KELA_ORGANISATION}.")
"""Kela's own arc, and its organisation's (kanta.md 9, row custodian; registration.md 8)."""
PRESCRIPTION_CENTRE: Final = f"{KELA_ORGANISATION}.19.1"
"""Custodian of prescriptions (kanta.md 9: confirmed, old)."""


class SignatureKind(StrEnum):
    """Who signed, by the code of signatureDescription (kanta.md 3.3: confirmed)."""

    PROFESSIONAL = "professional"
    SYSTEM = "system"
    KANTA = "kanta"

    @property
    def code(self) -> str:
        return _SIGNATURE_CODES[self]

    @property
    def display(self) -> str:
        """The display name as in the specimens."""
        return {
            "professional": "Ammattihenkilön allekirjoitus",
            "system": "Järjestelmäallekirjoitus",
            "kanta": "Järjestelmäallekirjoitus / KanTa",
        }[self.value]

    @classmethod
    def of_code(cls, code: str) -> SignatureKind | None:
        """The kind with this code; None for codes whose meaning is not public (2 and others)."""
        return _SIGNATURE_KINDS.get(code)


_SIGNATURE_CODES: Final = {SignatureKind.PROFESSIONAL: "1", SignatureKind.SYSTEM: "3", SignatureKind.KANTA: "4"}
_SIGNATURE_KINDS: Final = {code: kind for kind, code in _SIGNATURE_CODES.items()}


class Relation(StrEnum):
    """How a document relates to an earlier one (kanta.md 3.4: confirmed)."""

    REPLACES = "RPLC"


def hl7(name: str) -> str:
    """A name of the HL7 V3 namespace in lxml's form."""
    return f"{{{HL7}}}{name}"


def finland(name: str) -> str:
    """A name of the HL7 Finland namespace in lxml's form."""
    return f"{{{FINLAND}}}{name}"
