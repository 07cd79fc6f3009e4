"""Plans at work: a version is begun, written part by part, approved, reviewed; the next version takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.identifiers import Oid
from sotepki.provider.plans.data import PlanKind, plan_kinds, plan_machine, plan_rules
from sotepki.provider.plans.guards import PLAN_GUARDS, PlanCase
from sotepki.provider.plans.tables import PlanPartRow, PlanRow
from sotepki.provider.refusals import OFFICE, refusals_journalled
from sotepki.records import Records, Transaction
from sotepki.registers import OrganisationRegister


class Role(StrEnum):
    """Who takes a step with a plan."""

    AUTHOR = "author"
    MANAGEMENT = "management"


class PlanState(StrEnum):
    """The states of ``states/plan.yaml``."""

    DRAFT = "draft"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


@dataclass(frozen=True)
class Plan:
    """A version of a plan; ``parts`` maps the parts that are written to their text."""

    organisation: Oid
    kind: str
    version: int
    state: PlanState
    author: str
    begun_at: datetime
    approved_at: datetime | None
    approved_by: str
    ended_at: datetime | None
    reviewed_on: date | None
    review_by: date | None
    parts: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that its kind asks for and that are not written."""
        return tuple(part for part in plan_kinds()[self.kind].parts if part not in self.parts)

    def review_due(self, today: date) -> bool:
        """Whether the day of its next review has passed."""
        return self.review_by is not None and self.review_by < today

    def as_dict(self) -> dict[str, object]:
        """The plan for JSON."""
        return {
            "organisation": self.organisation.value,
            "kind": self.kind,
            "version": self.version,
            "state": self.state.value,
            "author": self.author,
            "begun_at": self.begun_at.isoformat(),
            "approved_at": self.approved_at.isoformat() if self.approved_at else None,
            "approved_by": self.approved_by,
            "reviewed_on": self.reviewed_on.isoformat() if self.reviewed_on else None,
            "review_by": self.review_by.isoformat() if self.review_by else None,
            "parts": dict(self.parts),
            "missing": list(self.missing),
        }


class Plans:
    """The plans of the organisations of a workspace."""

    def __init__(self, records: Records, organisations: OrganisationRegister) -> None:
        self.records = records
        self.organisations = organisations

    # --- asking -----------------------------------------------------------------------------------------------------

    def versions(self, organisation: Oid, kind: str = "") -> Sequence[Plan]:
        """The versions of an organisation's plans, the oldest first."""
        query = select(PlanRow).where(PlanRow.organisation == organisation.value)
        if kind:
            query = query.where(PlanRow.kind == self._kind(kind).id)
        with self.records.look() as session:
            return [_plan(session, row) for row in session.scalars(query.order_by(PlanRow.kind, PlanRow.version))]

    def in_force(self, organisation: Oid, kind: str, at: datetime | None = None) -> Plan | None:
        """The version that was in force at a moment (default: now), or None."""
        moment = at or self.records.clock.now()
        return next(
            (
                plan
                for plan in self.versions(organisation, kind)
                if plan.approved_at is not None
                and plan.approved_at <= moment
                and (plan.ended_at is None or moment < plan.ended_at)
            ),
            None,
        )

    # --- steps ------------------------------------------------------------------------------------------------------

    def begin(self, organisation: Oid, kind: str, *, actor: str) -> Plan:
        """Begin the next version; it takes over the texts of the version in force.

        Raises:
            Refused: ``plan.kind``, ``plan.organisation`` or ``plan.one-draft``; the refusal stands in the journal.
        """
        with refusals_journalled(self.records, actor=actor, step="begin", subject=organisation.value):
            wanted = self._kind(kind)
            if self.organisations.organisation(organisation) is None:
                raise plan_rules().refusal(
                    "plan.organisation", f"{organisation} is not in the organisation register."
                )
            with self.records.change(OFFICE, actor) as tx:
                return self._begin(tx, organisation, wanted, actor)

    def write(
        self, organisation: Oid, kind: str, part: str, text: str, *, actor: str, role: Role = Role.AUTHOR
    ) -> Plan:
        """Write a part of the draft; what was there before is replaced.

        Raises:
            Refused: ``plan.*``.
        """
        with self._stepping(organisation, kind, "write", actor):
            case = PlanCase(self._today(), self._kind(kind), part=part, text=text)
            with self.records.change(OFFICE, actor) as tx:
                row = _newest(tx.session, organisation, kind)
                self._step(tx, row, "write", role, case, part=part)
                tx.session.merge(PlanPartRow(plan=row.id, part=part, text=text.strip()))
                tx.session.flush()
                return _plan(tx.session, row)

    def approve(
        self, organisation: Oid, kind: str, *, review_by: date | None, actor: str, role: Role = Role.MANAGEMENT
    ) -> Plan:
        """Approve the draft; the version that was in force is superseded.

        Raises:
            Refused: ``plan.*``.
        """
        with self._stepping(organisation, kind, "approve", actor), self.records.change(OFFICE, actor) as tx:
            row = _newest(tx.session, organisation, kind)
            written = frozenset(_plan(tx.session, row).parts)
            case = PlanCase(self._today(), self._kind(kind), written=written, review_by=review_by)
            old = tx.session.scalars(select(PlanRow).where(PlanRow.slot == _slot(row, PlanState.APPROVED))).first()
            self._step(tx, row, "approve", role, case)
            if old is not None:
                self._step(tx, old, "supersede", role, case)
                old.ended_at, old.slot = tx.now, None
                tx.session.flush()
            row.approved_at, row.approved_by, row.slot = tx.now, actor, _slot(row, PlanState.APPROVED)
            row.reviewed_on, row.review_by = case.today, review_by
            tx.session.flush()
            return _plan(tx.session, row)

    def review(
        self, organisation: Oid, kind: str, *, review_by: date | None, actor: str, role: Role = Role.MANAGEMENT
    ) -> Plan:
        """Note that the plan in force was reviewed and holds; name the day of the next review.

        Raises:
            Refused: ``plan.*``.
        """
        with self._stepping(organisation, kind, "review", actor), self.records.change(OFFICE, actor) as tx:
            row = _newest(tx.session, organisation, kind, PlanState.APPROVED)
            case = PlanCase(self._today(), self._kind(kind), review_by=review_by)
            self._step(tx, row, "review", role, case)
            row.reviewed_on, row.review_by = case.today, review_by
            tx.session.flush()
            return _plan(tx.session, row)

    def discard(self, organisation: Oid, kind: str, *, actor: str, role: Role = Role.AUTHOR) -> Plan:
        """Give the draft up.

        Raises:
            Refused: ``plan.*``.
        """
        with self._stepping(organisation, kind, "discard", actor), self.records.change(OFFICE, actor) as tx:
            row = _newest(tx.session, organisation, kind)
            self._step(tx, row, "discard", role, PlanCase(self._today(), self._kind(kind)))
            row.ended_at, row.slot = tx.now, None
            tx.session.flush()
            return _plan(tx.session, row)

    # ----------------------------------------------------------------------------------------------------------------

    def _begin(self, tx: Transaction, organisation: Oid, kind: PlanKind, actor: str) -> Plan:
        latest = _latest(tx.session, organisation, kind.id)
        row = PlanRow(
            organisation=organisation.value,
            kind=kind.id,
            version=latest.version + 1 if latest else 1,
            state=plan_machine().initial,
            author=actor[:100],
            begun_at=tx.now,
        )
        row.slot = _slot(row, PlanState.DRAFT)
        tx.session.add(row)
        try:
            tx.session.flush()
        except IntegrityError:
            raise plan_rules().refusal(
                "plan.one-draft", f"There is a draft of the plan {kind.id!r} already."
            ) from None
        before = tx.session.scalars(select(PlanRow).where(PlanRow.slot == _slot(row, PlanState.APPROVED))).first()
        if before is not None:
            for part, text in _plan(tx.session, before).parts.items():
                tx.session.add(PlanPartRow(plan=row.id, part=part, text=text))
        tx.session.flush()
        tx.journal("plan.begun", organisation.value, kind=kind.id, version=str(row.version))
        return _plan(tx.session, row)

    def _step(self, tx: Transaction, row: PlanRow, name: str, role: Role, case: PlanCase, **details: str) -> None:
        subject = f"the {row.kind} plan, version {row.version}"
        step = plan_machine().step(name, state=row.state, actor=role, guards=PLAN_GUARDS, case=case, subject=subject)
        row.state = step.target
        tx.journal(f"plan.{name}", row.organisation, kind=row.kind, version=str(row.version), **details)

    def _stepping(self, organisation: Oid, kind: str, step: str, actor: str) -> AbstractContextManager[None]:
        self._kind(kind)
        return refusals_journalled(self.records, actor=actor, step=step, subject=organisation.value)

    def _today(self) -> date:
        return finnish_day(self.records.clock.now())

    def _kind(self, kind: str) -> PlanKind:
        if kind not in plan_kinds():
            known = ", ".join(plan_kinds())
            raise plan_rules().refusal("plan.kind", f"There is no kind of plan {kind[:40]!r}; there are: {known}.")
        return plan_kinds()[kind]


def _slot(row: PlanRow, state: PlanState) -> str:
    return f"{row.organisation}/{row.kind}/{state}"


def _latest(session: Session, organisation: Oid, kind: str, state: PlanState | None = None) -> PlanRow | None:
    query = select(PlanRow).where(PlanRow.organisation == organisation.value, PlanRow.kind == kind)
    if state is not None:
        query = query.where(PlanRow.state == state.value)
    return session.scalars(query.order_by(PlanRow.version.desc())).first()


def _newest(session: Session, organisation: Oid, kind: str, state: PlanState | None = None) -> PlanRow:
    """The newest version, or the newest in a state if there is one."""
    row = (_latest(session, organisation, kind, state) if state else None) or _latest(session, organisation, kind)
    if row is None:
        raise plan_rules().refusal("plan.known", f"No version of the plan {kind!r} has been begun.")
    return row


def _plan(session: Session, row: PlanRow) -> Plan:
    parts = session.scalars(select(PlanPartRow).where(PlanPartRow.plan == row.id).order_by(PlanPartRow.part))
    written = {one.part: one.text for one in parts}
    order = [*plan_kinds()[row.kind].parts, *written]
    return Plan(
        organisation=Oid(row.organisation),
        kind=row.kind,
        version=row.version,
        state=PlanState(row.state),
        author=row.author,
        begun_at=row.begun_at,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        ended_at=row.ended_at,
        reviewed_on=row.reviewed_on,
        review_by=row.review_by,
        parts={part: written[part] for part in order if part in written},
    )
