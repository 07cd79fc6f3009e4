"""Whether an open registration point still has its prerequisites, and what follows when it has not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.dvv.registration.data import point_machine, registration_rules
from sotepki.dvv.registration.guards import POINT_GUARDS, PointCase
from sotepki.dvv.registration.store import WORKING, Standing, as_registrar, contract_in_force, note_point
from sotepki.dvv.registration.tables import RegistrarRow, RegistrationPointRow
from sotepki.evidence import Finding
from sotepki.identifiers import Oid
from sotepki.records import Transaction


def point_case(session: Session, row: RegistrationPointRow, at: datetime) -> PointCase:
    """What the books say of a point at a moment."""
    day = finnish_day(at)
    registrars = session.scalars(select(RegistrarRow).where(RegistrarRow.point == row.id))
    return PointCase(
        contract_in_force=row.contract is None
        or contract_in_force(session, "registration-point", Oid(row.organisation), number=row.contract),
        public=row.public,
        registrars=sum(as_registrar(one, session).standing(day) is Standing.IN_FORCE for one in registrars),
        card_readers=row.card_readers,
        locked_storage=row.locked_storage,
        access_control=row.access_control,
    )


def shortcomings_of(case: PointCase, point_id: str) -> list[Finding]:
    """The prerequisites of an open point that are missing, each under its rule."""
    objections = {rule: POINT_GUARDS[rule](case) for rule in point_machine().transitions["open"].guards}
    return [
        registration_rules().finding(rule, objection.sentence, where=point_id)
        for rule, objection in objections.items()
        if objection is not None
    ]


def keep_up(tx: Transaction, row: RegistrationPointRow, *, role: str = "dvv") -> bool:
    """Let an open point fall below the requirements, or recover, as the books say now; whether it moved."""
    if row.state not in WORKING:
        return False
    tx.session.flush()
    case = point_case(tx.session, row, tx.now)
    missing = shortcomings_of(case, row.id)
    wanted = "fall-below" if missing else "recover"
    if row.state == point_machine().transitions[wanted].target:
        return False
    step = point_machine().step(wanted, state=row.state, actor=role, guards=POINT_GUARDS, case=case, subject=row.id)
    lacks = {"lacks": " ".join(finding.rule for finding in missing)} if missing else {}
    note_point(tx, row, step, **lacks)
    return True
