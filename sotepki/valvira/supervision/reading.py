"""Reading the tables of supervision: values out of rows, rows by the ids that people use."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.valvira.supervision.data import supervision_rules
from sotepki.valvira.supervision.tables import DeviationRow, EvidenceRow, StepRow, SystemRow
from sotepki.valvira.supervision.values import (
    Deviation,
    Evidence,
    EvidenceKind,
    InformationSystem,
    Role,
    TakenStep,
)

_SYSTEM = re.compile(r"TEST-IS-([0-9]{4,9})")
_DEVIATION = re.compile(r"TEST-DEV-([0-9]{4,9})")


def system_id(row: SystemRow) -> str:
    """How a system is called: TEST-IS-0001."""
    return f"TEST-IS-{row.id:04d}"


def deviation_id(row: DeviationRow) -> str:
    """How a deviation is called: TEST-DEV-0001."""
    return f"TEST-DEV-{row.id:04d}"


def system_row(session: Session, name: str) -> SystemRow:
    """The row of a system; ``supervision.system.known`` if there is none."""
    form = _SYSTEM.fullmatch(name)
    row = session.get(SystemRow, int(form[1])) if form else None
    if row is None:
        raise supervision_rules().refusal("supervision.system.known", f"There is no system {name[:40]!r}.")
    return row


def deviation_row(session: Session, name: str) -> DeviationRow:
    """The row of a deviation; ``supervision.deviation.known`` if there is none."""
    form = _DEVIATION.fullmatch(name)
    row = session.get(DeviationRow, int(form[1])) if form else None
    if row is None:
        raise supervision_rules().refusal("supervision.deviation.known", f"There is no deviation {name[:40]!r}.")
    return row


def system(session: Session, row: SystemRow) -> InformationSystem:
    """The value of a row, with its evidence and history."""
    evidence = session.scalars(
        select(EvidenceRow).where(EvidenceRow.system == row.id).order_by(EvidenceRow.issued_on, EvidenceRow.id)
    )
    return InformationSystem(
        id=system_id(row),
        name=row.name,
        version=row.version,
        system_class=row.system_class,
        kind=row.kind,
        purpose=row.purpose,
        producer=row.producer,
        state=row.state,
        evidence=tuple(
            Evidence(EvidenceKind(one.kind), one.number, one.issuer, one.issued_on, one.valid_to) for one in evidence
        ),
        history=_history(session, row.id, None),
    )


def deviation(session: Session, row: DeviationRow) -> Deviation:
    """The value of a row, with its history."""
    return Deviation(
        id=deviation_id(row),
        system=system_id(session.get_one(SystemRow, row.system)),
        weight=row.weight,
        description=row.description,
        reported_by=row.reported_by,
        deadline=row.deadline,
        state=row.state,
        history=_history(session, row.system, row.id),
    )


def _history(session: Session, system: int, deviation: int | None) -> tuple[TakenStep, ...]:
    mine = StepRow.deviation.is_(None) if deviation is None else StepRow.deviation == deviation
    rows = session.scalars(select(StepRow).where(StepRow.system == system, mine).order_by(StepRow.id))
    return tuple(TakenStep(row.at, row.name, row.state, Role(row.role), row.reason) for row in rows)
