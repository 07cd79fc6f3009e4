"""The rules of registrars, identity and rights that guard the steps of a card order, one function each.

They look at a ``CardCase``. The rules of personnel and actor cards are in ``staff_guards``, those of the holder's own
renewal in ``renewal_guards``. The steps are data (``states/*card-order.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from sotepki.dvv.office_data import office_data
from sotepki.dvv.registration.points import Standing
from sotepki.dvv.vartti.case import CardCase, IdentityProof, chosen_right, is_dual, organisation_key
from sotepki.dvv.vartti.data import vartti_data
from sotepki.dvv.vartti.renewal_guards import RENEWAL_GUARDS
from sotepki.dvv.vartti.staff_guards import STAFF_GUARDS
from sotepki.identifiers import is_plain_line
from sotepki.states import Guard, Objection

__all__ = ["CARD_GUARDS", "CardCase", "IdentityProof", "chosen_right", "is_dual"]

_LONGEST_ADDRESS = 300
_COUNTRY = re.compile(r"[A-Z]{2}")


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
    if case.employer is not None and organisation_key(case.employer) == organisation_key(point.organisation):
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
    known = office_data().identity_documents
    if proof.kind not in known:
        return Objection(f"There is no kind of document {proof.kind[:40]!r}; the kinds are {', '.join(known)}.")
    if not _COUNTRY.fullmatch(proof.country):
        return Objection(f"{proof.country[:40]!r} is no country code of ISO 3166, two capital letters as in FI.")
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
    if case.right is not None or not case.rights or not case.right_code:  # of those, the other two rules speak
        return None
    held = ", ".join(right.code for right in case.rights)
    return Objection(f"The right {case.right_code!r} is not in force for the person; in force are: {held}.")


def _right_choice(case: CardCase) -> Objection | None:
    choices = {right.code: right.title_fi for right in case.rights}
    if case.right_code or len(choices) < 2:
        return None
    named = ", ".join(f"{code} {title}" for code, title in sorted(choices.items()))
    return Objection(f"The person has several rights in force and none was chosen for the card: {named}.")


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
    address = case.letter_address.strip()
    if not address:
        return Objection("There is no address for the code letter.")
    if not is_plain_line(address) or len(address) > _LONGEST_ADDRESS:
        return Objection(f"The address of the code letter is not one line of at most {_LONGEST_ADDRESS} characters.")
    return None


def _hand_over_to_oneself(case: CardCase) -> Objection | None:
    if case.registrar is None or case.registrar.hetu != case.hetu:
        return None
    return Objection(f"The {case.registrar.name} is the holder of the card.")


def _photo(case: CardCase) -> Objection | None:
    if case.photo is None:
        return None
    if len(case.photo) > vartti_data().largest_photo:
        return Objection(f"The photo has {len(case.photo)} bytes; at most {vartti_data().largest_photo} are taken.")
    if any(case.photo.startswith(start) for start in vartti_data().photo_forms.values()):
        return None
    return Objection("The photo is not a JPEG or PNG picture.")


def _code_kept(case: CardCase) -> Objection | None:
    return None if case.code_kept else Objection("DVV has no activation code of this card any more.")


def _closing_actor(case: CardCase) -> Objection | None:
    actors = vartti_data().closing_actors.get(case.closing_reason, frozenset())
    if case.role == "dvv" or case.role in actors:
        return None
    may = " or ".join(sorted(actors | {"dvv"}))
    return Objection(
        f"The reason {case.closing_reason!r} is given by {may}, not by a person in the role {case.role!r}."
    )


def _closing_employment(case: CardCase) -> Objection | None:
    if case.closing_reason != "employment-ended" or vartti_data().kinds[case.kind].tied_to_employment:
        return None
    return Objection("The card is a professional card, which is not tied to an employment.")


def _broken(case: CardCase) -> Objection | None:
    if case.closing_reason == "broken":
        return None
    return Objection(f"The card was closed as {case.closing_reason or 'nothing'}, not as broken.")


def _complaint_text(case: CardCase) -> Objection | None:
    return None if case.text.strip() else Objection("The complaint notice says nothing.")


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
        "order.right.choice": _right_choice,
        "order.one-card": _one_card,
        "order.delivery": _delivery,
        "order.photo": _photo,
        "hand-over.not-to-oneself": _hand_over_to_oneself,
        "code.kept": _code_kept,
        "close.reason-actor": _closing_actor,
        "close.employment": _closing_employment,
        "complaint.broken": _broken,
        "complaint.text": _complaint_text,
        **STAFF_GUARDS,
        **RENEWAL_GUARDS,
    }
)
