"""What stands in the certificates of a card: the subject by the kind of card, and the last moment."""

from __future__ import annotations

from datetime import datetime

from sotepki.clock import end_of_finnish_day
from sotepki.dvv.vartti.case import CardCase
from sotepki.dvv.vartti.data import PROFESSIONAL
from sotepki.registers import ProfessionalRight
from sotepki.x509.issuing import default_not_after
from sotepki.x509.profiles import load_profiles

LONGEST_TITLE = 64
"""Characters of a title (RFC 5280 A.1, ub-title)."""


def subject_of_card(case: CardCase, staff_number: str) -> dict[str, str]:
    """The subject of both certificates; ``staff_number`` is that of a personnel or actor card."""
    return subject_of(case) if case.kind == PROFESSIONAL else staff_subject(case, staff_number)


def subject_of(case: CardCase) -> dict[str, str]:
    """The subject of a professional card's certificates (docs/field/pki.md 5.4)."""
    person, right, professional = case.person, case.right, case.professional
    assert person is not None and right is not None and professional is not None  # the guards of the step saw to it
    number = professional.registration_number.value
    subject = {
        "country": "FI",
        "title": title_of(right),
        "serial_number": number,
        "given_name": person.first_name,
        "surname": person.surname,
        "common_name": f"{person.surname} {person.first_name} {number}",
    }
    if professional.prescriber_id is not None:
        subject["pseudonym"] = professional.prescriber_id.value
    return subject


def title_of(right: ProfessionalRight) -> str:
    """Code, Finnish and Swedish name; cut off at the bound, since no source says what else is done."""
    return f"{right.code} {right.title_fi}, {right.title_sv}"[:LONGEST_TITLE].rstrip()


def staff_subject(case: CardCase, staff_number: str) -> dict[str, str]:
    """The subject of a personnel or actor card's certificates (docs/field/pki.md 5.5: organisation confirmed)."""
    person, organisation, employment = case.person, case.organisation, case.employment
    assert person is not None and organisation is not None and employment is not None  # as above
    return {
        "country": "FI",
        "organisation": organisation.name,
        "title": employment.job_title.strip(),
        "serial_number": staff_number,
        "given_name": person.first_name,
        "surname": person.surname,
        "common_name": f"{person.surname} {person.first_name} {staff_number}",
    }


def last_moment(profile: str, case: CardCase) -> datetime:
    """Five years, or the last day of a right or of an employment that is limited in time.

    Source: docs/field/pki.md 5.4, row validity: confirmed; of an employment: 5.5 and registration.md 2, a choice.
    """
    longest = default_not_after(load_profiles()[profile], case.now.replace(microsecond=0))
    if case.kind == PROFESSIONAL:
        last_day = case.right.valid_to if case.right else None
    else:
        last_day = case.employment.until if case.employment else None
    return longest if last_day is None else min(longest, end_of_finnish_day(last_day))
