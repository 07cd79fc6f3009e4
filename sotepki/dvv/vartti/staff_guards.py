"""The rules of personnel and actor cards: organisation, point, employment, task, one card for an organisation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sotepki.dvv.vartti.case import CardCase, organisation_key
from sotepki.dvv.vartti.data import PERSONNEL, vartti_data
from sotepki.states import Guard, Objection


def _right_held(case: CardCase) -> Objection | None:
    if case.kind != PERSONNEL or not case.rights:
        return None
    return Objection(f"The person holds the right {case.rights[0].code}, {case.rights[0].title_fi}.")


def _organisation(case: CardCase) -> Objection | None:
    if case.employer is None:
        return Objection("The order names no organisation.")
    if case.organisation is None:
        return Objection(f"The organisation {case.employer} is not in the SOTE organisation register.")
    return None


def _at_own_point(case: CardCase) -> bool:
    assert case.registrar is not None and case.employer is not None
    return organisation_key(case.employer) == organisation_key(case.registrar.point.organisation)


def _point(case: CardCase) -> Objection | None:
    if case.registrar is None or case.employer is None or _at_own_point(case):
        return None
    point = case.registrar.point
    if not point.public:
        return Objection(f"The registration point {point.id} is another organisation's and not public.")
    if not case.authorised:
        return Objection(f"The organisation {case.employer} has not authorised the registration point {point.id}.")
    return None


def _employment_certificate(case: CardCase) -> Objection | None:
    if case.registrar is None or case.employer is None or _at_own_point(case):
        return None
    if case.employment is not None and case.employment.certificate.strip():
        return None
    return Objection("The order names no certificate of employment.")


def _employment(case: CardCase) -> Objection | None:
    if case.employment is None:
        return Objection("The order names no employment or assignment.")
    if case.employment.in_force(case.today):
        return None
    since, until = case.employment.since or "the past", case.employment.until or "further notice"
    return Objection(f"The employment lasts from {since} to {until}, which {case.today} is not within.")


def _job_title(case: CardCase) -> Objection | None:
    if case.employment is None:
        return None
    title = case.employment.job_title.strip()
    if title and title.isprintable() and len(title) <= 64:  # RFC 5280 A.1, ub-title
        return None
    return Objection("The job title is missing, longer than 64 characters, or not printable.")


def _task(case: CardCase) -> Objection | None:
    if case.employment is None or case.employment.task in vartti_data().kinds[case.kind].price:
        return None
    return Objection(f"The task {case.employment.task[:40]!r} is not one for which a {case.kind} card is given.")


def _one_card(case: CardCase) -> Objection | None:
    if not case.held:
        return None
    held = case.held[0]
    return Objection(f"The person has such a card for the organisation already: order {held.order} ({held.state}).")


STAFF_GUARDS: Mapping[str, Guard[CardCase]] = MappingProxyType(
    {
        "staff.right-held": _right_held,
        "staff.organisation": _organisation,
        "staff.point": _point,
        "staff.employment-certificate": _employment_certificate,
        "staff.employment": _employment,
        "staff.job-title": _job_title,
        "staff.task": _task,
        "staff.one-card": _one_card,
    }
)
