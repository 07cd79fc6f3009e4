"""The public information service (JulkiTerhikki, JulkiSuosikki): what anybody may ask and see.

Facts: docs/field/registration.md 9.1 (confirmed): one person per question, by name or registration number, no
wildcards; shown are name, registration number, year of birth, rights in force and whether they are restricted; never
ended rights, contents of restrictions or the personal identity code. The service is a copy made once a day; here it
is made at the beginning of the Finnish day (choice), so a removal shows on the next day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import UtcDateTime
from sotepki.registers import Register
from sotepki.valvira.periods import start_of_finnish_day
from sotepki.valvira.rules import valvira_rules
from sotepki.valvira.tables import ProfessionalRow, RestrictionRow, RightCodeRow, RightRow

LONGEST_NAME = 200
"""Characters of a surname or of all given names."""

_WILDCARDS = frozenset("*?%")


@dataclass(frozen=True)
class PublicRight:
    """A right in force, by its names; ``restricted`` says that there is a restriction, not which."""

    register: Register
    title_fi: str
    title_sv: str
    title_en: str
    restricted: bool


@dataclass(frozen=True)
class PublicEntry:
    """What the public sees of a professional, as the register stood at ``as_of``."""

    registration_number: RegistrationNumber
    surname: str
    given_names: str
    birth_year: int
    rights: tuple[PublicRight, ...]
    as_of: datetime


_AS_OF = bindparam("as_of", type_=UtcDateTime())
_RIGHTS = (
    select(
        RightCodeRow.register,
        RightCodeRow.title_fi,
        RightCodeRow.title_sv,
        RightCodeRow.title_en,
        exists()
        .where(
            RestrictionRow.registration_number == RightRow.registration_number,
            RestrictionRow.right_code == RightRow.code,
            RestrictionRow.began_at <= _AS_OF,
            or_(RestrictionRow.lifted_at.is_(None), RestrictionRow.lifted_at > _AS_OF),
        )
        .correlate(RightRow)
        .label("restricted"),
    )
    .select_from(RightRow)
    .join(RightCodeRow, RightCodeRow.code == RightRow.code)
    .where(
        RightRow.registration_number == bindparam("number"),
        RightRow.recorded_at <= _AS_OF,
        RightRow.began_at <= _AS_OF,
        or_(RightRow.over_at.is_(None), RightRow.over_at > _AS_OF),
    )
    .order_by(RightRow.code)
)


def search(
    session: Session,
    now: datetime,
    *,
    registration_number: RegistrationNumber | None = None,
    surname: str = "",
    given_names: str = "",
    register: Register | None = None,
) -> Sequence[PublicEntry]:
    """The people of a registration number, or of a surname and given names (all that are given must fit, any case).

    People without a right in force (in ``register``, if one is named) are not shown. Several people may bear one
    name.

    Raises:
        Refused: ``valvira.search.one-person``, ``valvira.search.no-wildcards``, ``valvira.search.name``.
    """
    _check(registration_number, surname, given_names)
    as_of = start_of_finnish_day(finnish_day(now))
    question = select(ProfessionalRow).order_by(ProfessionalRow.registration_number)
    if registration_number is not None:
        question = question.where(ProfessionalRow.registration_number == registration_number.value)
    else:
        question = question.where(ProfessionalRow.surname_folded == surname.strip().casefold())
    wanted = set(given_names.casefold().split())
    entries = []
    for row in session.scalars(question):
        if not wanted <= set(row.given_names.casefold().split()):
            continue
        rights = session.execute(_RIGHTS, {"number": row.registration_number, "as_of": as_of})
        shown = tuple(
            PublicRight(Register(r.register), r.title_fi, r.title_sv, r.title_en, bool(r.restricted))
            for r in rights
            if register is None or r.register == register
        )
        if shown:
            entries.append(_entry(row, shown, as_of))
    return entries


def _entry(row: ProfessionalRow, rights: tuple[PublicRight, ...], as_of: datetime) -> PublicEntry:
    return PublicEntry(
        registration_number=RegistrationNumber(row.registration_number),
        surname=row.surname,
        given_names=row.given_names,
        birth_year=Hetu(row.hetu).birth_date.year,
        rights=rights,
        as_of=as_of,
    )


def _check(registration_number: RegistrationNumber | None, surname: str, given_names: str) -> None:
    by_name = bool(surname.strip() and given_names.strip())
    any_name = bool(surname.strip() or given_names.strip())
    if (registration_number is None) != by_name or (registration_number is not None and any_name):
        raise valvira_rules().refusal(
            "valvira.search.one-person", "The question names neither one registration number nor one full name."
        )
    if _WILDCARDS & set(surname + given_names):
        raise valvira_rules().refusal("valvira.search.no-wildcards", "The name holds a wildcard.")
    if max(len(surname), len(given_names)) > LONGEST_NAME or not (surname + given_names).isprintable():
        raise valvira_rules().refusal("valvira.search.name", "The name is too long, or not text.")
