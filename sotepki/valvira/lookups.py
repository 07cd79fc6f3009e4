"""Reading the rights register: values out of rows. Statements are built once; a lookup is two indexed queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from sotepki.evidence import Grade
from sotepki.identifiers import Hetu, PrescriberId, RegistrationNumber
from sotepki.records import UtcDateTime
from sotepki.registers import Person, Professional, ProfessionalRight, Register, RightKind
from sotepki.valvira.tables import ProfessionalRow, RestrictionRow, RightCodeRow, RightRow


@dataclass(frozen=True)
class RightCode:
    """A right that can be granted, with its titles and whether it brings a prescriber's identifier."""

    code: str
    register: Register
    kind: RightKind
    title_fi: str
    title_sv: str
    title_en: str
    prescriber: bool
    grade: Grade


_AT = bindparam("at", type_=UtcDateTime())


def _rights(*conditions: ColumnElement[bool]) -> Any:
    restricted_then = and_(
        RestrictionRow.registration_number == RightRow.registration_number,
        RestrictionRow.right_code == RightRow.code,
        RestrictionRow.began_at <= _AT,
        or_(RestrictionRow.lifted_at.is_(None), RestrictionRow.lifted_at > _AT),
    )
    return (
        select(
            RightRow.id,
            RightRow.code,
            RightCodeRow.kind,
            RightCodeRow.register,
            RightCodeRow.title_fi,
            RightCodeRow.title_sv,
            RightRow.valid_from,
            RightRow.valid_to,
            RightRow.ended_at,
            RestrictionRow.target,
        )
        .join(RightCodeRow, RightCodeRow.code == RightRow.code)
        .outerjoin(RestrictionRow, restricted_then)
        .where(RightRow.registration_number == bindparam("number"), *conditions)
        .order_by(RightRow.code, RightRow.began_at, RightRow.id, RestrictionRow.target)
    )


_ALL_RIGHTS = _rights()
_RIGHTS_IN_FORCE = _rights(RightRow.began_at <= _AT, or_(RightRow.over_at.is_(None), RightRow.over_at > _AT))
_RIGHTS_KNOWN_THEN = _RIGHTS_IN_FORCE.where(RightRow.recorded_at <= bindparam("known_at", type_=UtcDateTime()))
_PERSON = select(
    ProfessionalRow.registration_number,
    ProfessionalRow.hetu,
    ProfessionalRow.given_names,
    ProfessionalRow.surname,
    ProfessionalRow.language,
    ProfessionalRow.prescriber_id,
)
_BY_NUMBER = _PERSON.where(ProfessionalRow.registration_number == bindparam("number"))
_BY_HETU = _PERSON.where(ProfessionalRow.hetu == bindparam("hetu"))


def rights_in_force(
    session: Session, number: RegistrationNumber, at: datetime, known_at: datetime | None = None
) -> tuple[ProfessionalRight, ...]:
    """The rights in force at a moment, with the restrictions in force at that moment, ordered by code.

    ``known_at`` leaves out what the register did not have at that moment yet.
    """
    wanted = {"number": number.value, "at": at}
    if known_at is None:
        return _joined(session.execute(_RIGHTS_IN_FORCE, wanted))
    return _joined(session.execute(_RIGHTS_KNOWN_THEN, {**wanted, "known_at": known_at}))


def professional_by_number(session: Session, number: RegistrationNumber, at: datetime) -> Professional | None:
    """The professional with all periods of rights, past ones too, and the restrictions in force at ``at``."""
    row = session.execute(_BY_NUMBER, {"number": number.value}).first()
    return None if row is None else _professional(session, row, at)


def professional_by_hetu(session: Session, hetu: Hetu, at: datetime) -> Professional | None:
    """As ``professional_by_number``, found by the personal identity code."""
    row = session.execute(_BY_HETU, {"hetu": hetu.value}).first()
    return None if row is None else _professional(session, row, at)


def right_code(session: Session, code: str) -> RightCode | None:
    """The entry of the code list, or None."""
    row = session.get(RightCodeRow, code)
    return None if row is None else right_code_of(row)


def right_code_of(row: RightCodeRow) -> RightCode:
    """The value of a row of the code list."""
    return RightCode(
        code=row.code,
        register=Register(row.register),
        kind=RightKind(row.kind),
        title_fi=row.title_fi,
        title_sv=row.title_sv,
        title_en=row.title_en,
        prescriber=row.prescriber,
        grade=Grade(row.grade),
    )


def _professional(session: Session, row: Any, at: datetime) -> Professional:
    return Professional(
        registration_number=RegistrationNumber(row.registration_number),
        person=Person(Hetu(row.hetu), row.given_names, row.surname, row.language),
        rights=_joined(session.execute(_ALL_RIGHTS, {"number": row.registration_number, "at": at})),
        prescriber_id=PrescriberId(row.prescriber_id) if row.prescriber_id else None,
    )


def _joined(rows: Iterable[Any]) -> tuple[ProfessionalRight, ...]:
    """One right per period; rows that differ only in the restriction are put together."""
    found: dict[int, tuple[Any, list[str]]] = {}
    for row in rows:
        _, targets = found.setdefault(row.id, (row, []))
        if row.target is not None:
            targets.append(row.target)
    return tuple(_right(row, tuple(targets)) for row, targets in found.values())


def _right(row: Any, restrictions: tuple[str, ...]) -> ProfessionalRight:
    return ProfessionalRight(
        code=row.code,
        kind=RightKind(row.kind),
        register=Register(row.register),
        title_fi=row.title_fi,
        title_sv=row.title_sv,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        ended_at=row.ended_at,
        restrictions=restrictions,
    )
