"""Kela's register of approved systems: which version came through joint testing, and which changes are covered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.identifiers import Oid
from sotepki.kela.approval_tables import ApprovalRow, ChangeNoticeRow
from sotepki.kela.joint_testing_data import Role, approval_machine, change_kinds, text_objection
from sotepki.kela.request_log import OFFICE
from sotepki.kela.rules import rulebook
from sotepki.kela.tables import JointTest
from sotepki.records import Records, Transaction, journals_refusals
from sotepki.states import Objection

APPROVED, REPLACED = "approved", "replaced"
ACCEPTED, CANCELLED = "accepted", "cancelled"

_ID = re.compile(r"TEST-KJ-([0-9]{4,9})")


@dataclass(frozen=True)
class Approval:
    """An entry: system, version and content with Kela's statement; ``versions`` are those that it covers.

    ``provisional`` are the versions of urgent fixes that are live before Kela has decided.
    """

    id: str
    state: str
    system: str
    version: str
    supplier: Oid
    system_class: str
    content: str
    statement: str
    approved_on: date
    ended_on: date | None
    reason: str
    versions: tuple[str, ...]
    provisional: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """The entry for JSON."""
        return {
            **{name: getattr(self, name) for name in ("id", "state", "system", "version", "system_class", "content")},
            "supplier": self.supplier.value,
            "statement": self.statement,
            "approved_on": self.approved_on.isoformat(),
            "ended_on": self.ended_on.isoformat() if self.ended_on else None,
            "reason": self.reason,
            "versions": list(self.versions),
            "provisional": list(self.provisional),
        }


@dataclass(frozen=True)
class Coverage:
    """Whether a version of a system is approved: the entry that covers it, or why there is none."""

    approval: Approval | None
    reason: str


class Approvals:
    """The register. Entries are made with Kela's statements (``JointTests.give_statement``)."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def all(self) -> Sequence[Approval]:
        """Every entry, in the order of approval."""
        with self.records.look() as session:
            return [
                as_approval(session, row) for row in session.scalars(select(ApprovalRow).order_by(ApprovalRow.id))
            ]

    def approval(self, approval: str) -> Approval:
        """One entry.

        Raises:
            Refused: ``approval.known``.
        """
        with self.records.look() as session:
            return as_approval(session, approval_row(session, approval))

    def coverage(self, system: str, version: str) -> Coverage:
        """Whether a version of a system is approved now."""
        entries = [one for one in self.all() if one.system == system]
        valid = [one for one in entries if one.state == APPROVED]
        for one in valid:
            if version in (*one.versions, *one.provisional):
                beforehand = "" if version in one.versions else ", live as an urgent fix before Kela's decision"
                return Coverage(one, f"{one.id} covers version {version}{beforehand}, statement {one.statement}")
        if valid:
            known = ", ".join(valid[-1].versions)
            return Coverage(None, f"version {version} is not covered by {valid[-1].id}, which covers: {known}")
        if entries:
            return Coverage(None, f"{entries[-1].id} is {entries[-1].state}")
        return Coverage(None, f"Kela's register has no approval of {system}")

    def require(self, system: str, version: str) -> Approval:
        """The entry that covers a version.

        Raises:
            Refused: ``approval.version``.
        """
        found = self.coverage(system, version)
        if found.approval is None:
            notice = any(one.system == system and one.state == APPROVED for one in self.all())
            advice = "" if notice else "Let the supplier register the version for joint testing."
            raise rulebook().refusal("approval.version", f"{found.reason}.", advice=advice, subject=system)
        return found.approval

    @journals_refusals(OFFICE, "approval")
    def withdraw(self, approval: str, *, reason: str, actor: str, role: Role = Role.KELA) -> Approval:
        """Take an entry off the register.

        Raises:
            Refused: ``approval.*``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = approval_row(tx.session, approval)
            _end(tx, row, "withdraw", role, reason)
            tx.session.flush()
            return as_approval(tx.session, row)


def enter_approval(tx: Transaction, test: JointTest) -> None:
    """Enter a version with its statement; the entry of an earlier version for the same content is replaced."""
    same = select(ApprovalRow).join(JointTest, JointTest.number == ApprovalRow.joint_test)
    same = same.where(
        ApprovalRow.state == APPROVED,
        JointTest.system == test.system,
        JointTest.supplier == test.supplier,
        JointTest.content == test.content,
    )
    for earlier in tx.session.scalars(same).all():
        _end(tx, earlier, "replace", Role.KELA, f"version {test.version}")
    row = ApprovalRow(joint_test=test.number, state=approval_machine().initial, approved_on=finnish_day(tx.now))
    tx.session.add(row)
    tx.session.flush()
    tx.journal("approval entered", approval_id(row), system=test.system, version=test.version)


def approval_id(row: ApprovalRow) -> str:
    """How an entry is called: TEST-KJ-0001."""
    return f"TEST-KJ-{row.id:04d}"


def approval_row(session: Session, approval: str) -> ApprovalRow:
    """The row of an entry; ``approval.known`` if there is none."""
    form = _ID.fullmatch(approval)
    row = session.get(ApprovalRow, int(form[1])) if form else None
    if row is None:
        raise rulebook().refusal("approval.known", f"There is no approval {approval[:40]!r}.")
    return row


def as_approval(session: Session, row: ApprovalRow) -> Approval:
    """The value of a row, with the versions that accepted changes added."""
    test = session.get_one(JointTest, row.joint_test)
    query = select(ChangeNoticeRow).where(ChangeNoticeRow.approval == row.id).order_by(ChangeNoticeRow.id)
    notices = session.scalars(query).all()
    accepted = [one.version for one in notices if one.state == ACCEPTED]
    live = [
        one.version
        for one in notices
        if one.state not in (ACCEPTED, CANCELLED) and change_kinds()[one.kind].live_first
    ]
    return Approval(
        id=approval_id(row),
        state=row.state,
        system=test.system,
        version=test.version,
        supplier=Oid(test.supplier),
        system_class=test.system_class,
        content=test.content,
        statement=f"{test.statement_running}{test.statement_year}",
        approved_on=row.approved_on,
        ended_on=row.ended_on,
        reason=row.reason,
        versions=tuple(dict.fromkeys([test.version, *accepted])),
        provisional=tuple(dict.fromkeys(live)),
    )


def _reason(reason: str) -> Objection | None:
    return text_objection(reason, "The reason")


def _end(tx: Transaction, row: ApprovalRow, name: str, role: Role, reason: str) -> None:
    step = approval_machine().step(
        name, state=row.state, actor=role, guards={"approval.reason": _reason}, case=reason, subject=approval_id(row)
    )
    row.state, row.ended_on, row.reason = step.target, finnish_day(tx.now), reason
    tx.journal(f"approval {step.target}", approval_id(row), reason=reason)
