"""The code service (koodistopalvelu): code systems by OID and version, with names in three languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.evidence import Basis, Grade
from sotepki.identifiers import Oid
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import CodeRow, CodeSystemRow


@dataclass(frozen=True)
class Code:
    """A code with its names, and how well it is known that the national list has it so."""

    code: str
    name_fi: str
    name_sv: str
    name_en: str
    source: str
    grade: Grade
    basis: Basis


@dataclass(frozen=True)
class CodeSystem:
    """A version of a code system; ``codes`` in the order of the list.

    The lists of the test world hold what public sources show, not the whole national list.
    """

    oid: Oid
    version: str
    name_fi: str
    name_sv: str
    name_en: str
    owner: str
    source: str
    grade: Grade
    basis: Basis
    codes: tuple[Code, ...]

    def code(self, code: str) -> Code | None:
        """The entry of a code, or None."""
        return next((entry for entry in self.codes if entry.code == code), None)


def code_system(session: Session, oid: Oid, version: str | None, at: datetime) -> CodeSystem:
    """A code system as it was known at a moment; without ``version`` the one that was loaded last.

    Raises:
        Refused: ``thl.code.system-known``.
    """
    question = (
        select(CodeSystemRow)
        .where(CodeSystemRow.oid == oid.value, CodeSystemRow.loaded_at <= at)
        .order_by(CodeSystemRow.position.desc())
    )
    if version is not None:
        question = question.where(CodeSystemRow.version == version)
    row = session.scalars(question.limit(1)).first()
    if row is None:
        which = f"{oid} in version {version!r}" if version is not None else str(oid)
        raise thl_rules().refusal("thl.code.system-known", f"The code service has no code system {which}.")
    return _system(session, row)


def code_systems(session: Session, at: datetime) -> Sequence[CodeSystem]:
    """Every version of every code system that was known at a moment, in the order of loading."""
    rows = session.scalars(
        select(CodeSystemRow).where(CodeSystemRow.loaded_at <= at).order_by(CodeSystemRow.position)
    ).all()
    return [_system(session, row) for row in rows]


def _system(session: Session, row: CodeSystemRow) -> CodeSystem:
    codes = session.scalars(
        select(CodeRow).where(CodeRow.oid == row.oid, CodeRow.version == row.version).order_by(CodeRow.position)
    )
    return CodeSystem(
        oid=Oid(row.oid),
        version=row.version,
        name_fi=row.name_fi,
        name_sv=row.name_sv,
        name_en=row.name_en,
        owner=row.owner,
        source=row.source,
        grade=Grade(row.grade),
        basis=Basis(row.basis),
        codes=tuple(_code(code) for code in codes),
    )


def _code(row: CodeRow) -> Code:
    return Code(
        code=row.code,
        name_fi=row.name_fi,
        name_sv=row.name_sv,
        name_en=row.name_en,
        source=row.source,
        grade=Grade(row.grade),
        basis=Basis(row.basis),
    )
