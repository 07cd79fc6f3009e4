"""What one office may ask another: values that registers answer with, and the registers as Protocols.

Offices on one floor never read each other's tables. Vartti asks Valvira's rights the way a system would, through
``RightsRegister``; the workspace hands the real office in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from sotepki.identifiers import BusinessId, Hetu, Oid, PrescriberId, RegistrationNumber


class Register(StrEnum):
    """Valvira's two central registers."""

    TERHIKKI = "Terhikki"
    SUOSIKKI = "Suosikki"


class RightKind(StrEnum):
    """Kinds of professional rights (docs/field/registration.md 9.1: confirmed)."""

    LICENSED = "licensed"
    PROTECTED_TITLE = "protected-title"
    LIMITED = "limited"


@dataclass(frozen=True)
class Person:
    """A person of the Population Information System (väestötietojärjestelmä)."""

    hetu: Hetu
    given_names: str
    surname: str
    language: str = "fi"
    home_address: str = ""

    @property
    def first_name(self) -> str:
        """The first of the given names, as printed on a card."""
        return self.given_names.split()[0]


@dataclass(frozen=True)
class ProfessionalRight:
    """A right to practise (ammattioikeus): its code of 1.2.246.537.6.140.2008, titles, validity, restrictions.

    ``valid_to`` is the last day; None means until further notice. ``ended_at`` is the moment a removal took
    effect; a right that was removed is in force only before it.
    """

    code: str
    kind: RightKind
    register: Register
    title_fi: str
    title_sv: str
    valid_from: date
    valid_to: date | None = None
    ended_at: datetime | None = None
    restrictions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Professional:
    """A person in Terhikki or Suosikki: one 11-digit registration number, whatever the number of rights."""

    registration_number: RegistrationNumber
    person: Person
    rights: tuple[ProfessionalRight, ...]
    prescriber_id: PrescriberId | None = None


@dataclass(frozen=True)
class Organisation:
    """An organisation or unit in THL's SOTE organisation register."""

    oid: Oid
    name: str
    business_id: BusinessId
    kind: str
    municipality: str
    public: bool
    long_name: str = ""
    parent: Oid | None = None
    domains: tuple[str, ...] = ()
    kanta_intermediary: bool = False


class PopulationRegister(Protocol):
    """The Population Information System, as far as the offices need it."""

    def person(self, hetu: Hetu) -> Person | None: ...


class RightsRegister(Protocol):
    """Valvira's role and attribute service (rooli- ja attribuuttitietopalvelu)."""

    def professional(self, registration_number: RegistrationNumber) -> Professional | None: ...

    def professional_of(self, hetu: Hetu) -> Professional | None: ...

    def rights_in_force(self, registration_number: RegistrationNumber, at: datetime) -> Sequence[ProfessionalRight]:
        """The rights in force at a moment; empty if there are none or the number is unknown."""
        ...

    def prescribing_codes(self) -> frozenset[str]:
        """The codes of the rights that allow prescribing, by the register's list of rights."""
        ...


class OrganisationRegister(Protocol):
    """THL's SOTE organisation register with the register of Kanta intermediaries."""

    def organisation(self, oid: Oid) -> Organisation | None: ...

    def organisations_of(self, business_id: BusinessId) -> Sequence[Organisation]: ...
