"""What the rules of Vartti look at: the person, the proof of identity, the employment, the card that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sotepki.clock import finnish_day
from sotepki.dvv.office_data import office_data
from sotepki.dvv.registration.points import Registrar
from sotepki.dvv.vartti.data import PROFESSIONAL
from sotepki.identifiers import BusinessId, Hetu, Oid, business_id_of
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight


@dataclass(frozen=True)
class IdentityProof:
    """What the registrar saw: kind of document (``offices.yaml``), issuing country (ISO 3166 alpha-2), last day.

    ``holder`` is the personal identity code on the document, None if it shows none. ``in_person`` says that the
    person stood at the desk.
    """

    kind: str
    valid_to: date | None = None
    country: str = "FI"
    holder: Hetu | None = None
    in_person: bool = True

    def __str__(self) -> str:
        until = f", valid to {self.valid_to}" if self.valid_to else ""
        return f"{self.kind} {self.country}{until}"


@dataclass(frozen=True)
class Employment:
    """What ties a personnel or actor card to an organisation: job title, task, days, certificate of employment.

    ``task`` is ``patient-care``, ``student`` or ``other``. ``until`` None means until further notice. ``certificate``
    is the reference of the certificate of employment (palvelussuhdetodistus), where one was delivered.
    """

    job_title: str
    task: str = "other"
    since: date | None = None
    until: date | None = None
    certificate: str = ""

    def in_force(self, day: date) -> bool:
        """Whether the employment covers a Finnish calendar day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class HeldCard:
    """A card that a person has, or an order on its way: its profession (``dentist``, ``physician`` or empty)."""

    order: str
    state: str
    profession: str


@dataclass(frozen=True)
class PresentCard:
    """The card that its holder wants to renew, and what the self-service found out about it.

    ``challenge`` says what is wrong with the challenge, ``proof`` what is wrong with its signature, ``changes`` what
    the new card would have otherwise than this one; all empty when nothing is wrong.
    """

    number: str
    in_use: bool
    not_after: datetime
    certificate_in_force: bool
    challenge: str = ""
    proof: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardCase:
    """All that the rules look at. What a step does not concern is left empty.

    ``rights`` are the person's rights in force at ``now``; ``right`` is the one the card shows, None if
    ``right_code`` is not among them, or if it is empty and there are several. ``trained`` counts the registrars in
    force at the registrar's point, ``authorised`` says that the organisation of the card authorised that point.
    ``held`` are the cards that would stand in the way. ``role`` is that of the person who acts.
    """

    now: datetime
    hetu: Hetu
    kind: str = PROFESSIONAL
    role: str = ""
    registrar: Registrar | None = None
    person: Person | None = None
    professional: Professional | None = None
    identity: IdentityProof | None = None
    employer: Oid | None = None
    organisation: Organisation | None = None
    employment: Employment | None = None
    authorised: bool = False
    rights: Sequence[ProfessionalRight] = ()
    right_code: str = ""
    right: ProfessionalRight | None = None
    held: Sequence[HeldCard] = ()
    letter_address: str = ""
    photo: bytes | None = None
    trained: int = 2
    present: PresentCard | None = None
    by_post: bool = False
    code_kept: bool = True
    closing_reason: str = ""
    text: str = ""

    @property
    def today(self) -> date:
        """The Finnish calendar day."""
        return finnish_day(self.now)


def is_dual(rights: Sequence[ProfessionalRight]) -> bool:
    """Whether the rights make the exception to one card per person: physician and dentist."""
    professions = {office_data().profession_of(right.title_fi) for right in rights}
    return set(office_data().dual_professions) <= professions


def chosen_right(rights: Sequence[ProfessionalRight], code: str) -> ProfessionalRight | None:
    """The right with ``code``; without a code the only one there is, else None: nobody chooses for the registrar."""
    if code:
        return next((right for right in rights if right.code == code), None)
    return rights[0] if len({right.code for right in rights}) == 1 else None


def organisation_key(oid: Oid) -> BusinessId | Oid:
    """What tells organisations apart: units of one business id belong together."""
    return business_id_of(oid) or oid
