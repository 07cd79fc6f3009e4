"""The rules that guard the steps of a card order, one function each (``states/card-order.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from sotepki.clock import finnish_day
from sotepki.dvv.office_data import office_data
from sotepki.dvv.registration_points import Registrar, Standing
from sotepki.dvv.state_machine import Guard, Objection
from sotepki.identifiers import BusinessId, Hetu, Oid, business_id_of
from sotepki.registers import Person, Professional, ProfessionalRight


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
class HeldCard:
    """A card that a person has, or an order on its way: its profession (``dentist``, ``physician`` or empty)."""

    order: str
    state: str
    profession: str


@dataclass(frozen=True)
class CardCase:
    """All that the rules look at. What a step does not concern is left empty.

    ``rights`` are the person's rights in force at ``now``; ``right`` is the one the card shows, None if
    ``right_code`` is not among them. ``trained`` counts the registrars in force at the registrar's point.
    """

    now: datetime
    hetu: Hetu
    registrar: Registrar | None = None
    person: Person | None = None
    professional: Professional | None = None
    identity: IdentityProof | None = None
    employer: Oid | None = None
    rights: Sequence[ProfessionalRight] = ()
    right_code: str = ""
    right: ProfessionalRight | None = None
    held: Sequence[HeldCard] = ()
    letter_address: str = ""
    trained: int = 2

    @property
    def today(self) -> date:
        """The Finnish calendar day."""
        return finnish_day(self.now)


def is_dual(rights: Sequence[ProfessionalRight]) -> bool:
    """Whether the rights make the exception to one card per person: physician and dentist."""
    professions = {office_data().profession_of(right.title_fi) for right in rights}
    return set(office_data().dual_professions) <= professions


def chosen_right(rights: Sequence[ProfessionalRight], code: str) -> ProfessionalRight | None:
    """The right with ``code``; without a code the one granted first (then the lowest code)."""
    if code:
        return next((right for right in rights if right.code == code), None)
    return min(rights, key=lambda right: (right.valid_from, right.code), default=None)


def _course(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.standing(case.today) is not Standing.UNTRAINED:
        return None
    return Objection(f"The {case.registrar.name} has not passed the registrar course by {case.today}.")


def _expired(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.standing(case.today) is not Standing.EXPIRED:
        return None
    return Objection(f"The right of {case.registrar.name} ended on {case.registrar.valid_to}.")


def _withdrawn(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.standing(case.today) is not Standing.WITHDRAWN:
        return None
    return Objection(f"The right of {case.registrar.name} was withdrawn.")


def _two_per_point(case: CardCase) -> Objection | None:
    if case.registrar is None or case.trained >= 2:
        return None
    return Objection(f"The registration point {case.registrar.point.id} has fewer than two trained registrars.")


def _applicant(case: CardCase) -> Objection | None:
    return None if case.person else Objection("The applicant is not in the Population Information System.")


def _not_for_oneself(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.hetu != case.hetu:
        return None
    return Objection(f"The {case.registrar.name} is the applicant.")


def _point(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.point.public:
        return None
    point = case.registrar.point
    if case.employer is not None and _organisation_of(case.employer) == _organisation_of(point.organisation):
        return None
    return Objection(f"The registration point {point.id} is not public and serves its own organisation only.")


def _in_person(case: CardCase) -> Objection | None:
    if case.identity is not None and case.identity.in_person:
        return None
    return Objection("The person did not come to the registration point.")


def _kind(case: CardCase) -> Objection | None:
    proof = case.identity
    if proof is None:
        return Objection("No identity document was shown.")
    if office_data().accepts_document(proof.kind, proof.country):
        return None
    return Objection(f"A document of the kind {proof.kind!r} issued by {proof.country} does not prove identity.")


def _document_expired(case: CardCase) -> Objection | None:
    proof = case.identity
    if proof is None or proof.kind in office_data().documents_without_validity:
        return None
    if proof.valid_to is None:
        return Objection("The last day of validity of the identity document was not given.")
    if proof.valid_to >= case.today:
        return None
    return Objection(f"The identity document was valid to {proof.valid_to}.")


def _same_person(case: CardCase) -> Objection | None:
    if case.identity is None or case.identity.holder in (None, case.hetu):
        return None
    return Objection("The identity document bears another personal identity code.")


def _right_none(case: CardCase) -> Objection | None:
    return None if case.rights else Objection("The person has no professional right in force.")


def _right_not_held(case: CardCase) -> Objection | None:
    if case.right is not None:
        return None
    held = ", ".join(right.code for right in case.rights)
    return Objection(f"The right {case.right_code!r} is not in force for the person; in force are: {held}.")


def _one_card(case: CardCase) -> Objection | None:
    if not case.held:
        return None
    if case.right is not None and is_dual(case.rights):
        profession = office_data().profession_of(case.right.title_fi)
        if profession and all(held.profession not in ("", profession) for held in case.held):
            return None
    held = case.held[0]
    return Objection(f"The person has a professional card already: order {held.order} ({held.state}).")


def _delivery(case: CardCase) -> Objection | None:
    return None if case.letter_address.strip() else Objection("There is no address for the code letter.")


def _hand_over_to_oneself(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.hetu != case.hetu:
        return None
    return Objection(f"The {case.registrar.name} is the holder of the card.")


def _organisation_of(oid: Oid) -> BusinessId | Oid:
    return business_id_of(oid) or oid


CARD_GUARDS: Mapping[str, Guard[CardCase]] = MappingProxyType(
    {
        "registrar.course": _course,
        "registrar.expired": _expired,
        "registrar.withdrawn": _withdrawn,
        "registrar.two-per-point": _two_per_point,
        "order.applicant": _applicant,
        "order.not-for-oneself": _not_for_oneself,
        "order.point": _point,
        "order.identity.in-person": _in_person,
        "order.identity.kind": _kind,
        "order.identity.expired": _document_expired,
        "order.identity.person": _same_person,
        "order.right.none": _right_none,
        "order.right.not-held": _right_not_held,
        "order.one-card": _one_card,
        "order.delivery": _delivery,
        "hand-over.not-to-oneself": _hand_over_to_oneself,
    }
)
