"""Notices of change (muutosilmoitus): what a supplier tells Kela of an approved system, and what Kela decides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.errors import Refused
from sotepki.kela.approval_tables import ApprovalRow, ChangeNoticeRow
from sotepki.kela.approvals import APPROVED, REPLACED, approval_id, approval_row
from sotepki.kela.joint_testing_data import (
    JULY,
    ChangeKind,
    CountedTo,
    Role,
    change_kinds,
    change_machine,
    text_objection,
)
from sotepki.kela.request_log import OFFICE
from sotepki.kela.rules import rulebook
from sotepki.kela.tables import JointTest
from sotepki.records import Records, Transaction, journals_refusals
from sotepki.states import Guard, Objection

_ID = re.compile(r"TEST-KM-([0-9]{4,9})")


@dataclass(frozen=True)
class ChangeNotice:
    """A notice; ``effective_on`` is the day of testing, or the end of the certificate that is renewed."""

    id: str
    approval: str
    kind: str
    version: str
    description: str
    state: str
    reported_on: date
    effective_on: date | None
    decided_on: date | None
    reason: str
    joint_test: int | None

    def as_dict(self) -> dict[str, object]:
        """The notice for JSON."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class _Case:
    """What the guards look at; ``tested`` is None if no test is wanted or named, else whether it has a statement."""

    reason: str = ""
    tested: bool | None = None


class ChangeNotices:
    """The notices of change of a workspace."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def all(self) -> Sequence[ChangeNotice]:
        """Every notice, the oldest first."""
        with self.records.look() as session:
            return [_notice(session, row) for row in session.scalars(select(ChangeNoticeRow).order_by(_BY_ID))]

    @journals_refusals(OFFICE, "approval")
    def report(
        self,
        approval: str,
        kind: str,
        *,
        version: str,
        description: str,
        effective_on: date | None = None,
        actor: str,
    ) -> ChangeNotice:
        """Give notice of a change.

        Raises:
            Refused: ``approval.known``, ``approval.state``, ``change.*``, or ``joint.july`` for its day of testing.
        """
        known = change_kinds()
        if kind not in known:
            raise _refusal("change.kind", f"There is no kind of change {kind[:40]!r}; there are: {', '.join(known)}.")
        for text, what in ((version, "The version"), (description, "The description")):
            if (objection := text_objection(text, what)) is not None:
                raise _refusal("change.described", objection.sentence)
        if not known[kind].notice:
            raise _refusal("change.no-notice", f"A change that {known[kind].text} needs no notice.")
        with self.records.change(OFFICE, actor) as tx:
            entry, today = approval_row(tx.session, approval), finnish_day(tx.now)
            _refuse_ended(entry)
            _keep_deadline(known[kind], today, effective_on)
            row = ChangeNoticeRow(
                approval=entry.id,
                kind=kind,
                version=version,
                description=description,
                state=change_machine().initial,
                reported_on=today,
                effective_on=effective_on,
            )
            tx.session.add(row)
            tx.session.flush()
            tx.journal("change reported", _id(row), approval=approval, kind=kind, version=version)
            return _notice(tx.session, row)

    @journals_refusals(OFFICE, "notice")
    def require_test(self, notice: str, *, reason: str, actor: str, role: Role = Role.KELA) -> ChangeNotice:
        """Kela wants the change to be tested.

        Raises:
            Refused: ``change.*``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, notice)
            self._step(tx, row, "require-test", role, _Case(reason=reason))
            row.reason = reason
            return _notice(tx.session, row)

    @journals_refusals(OFFICE, "notice")
    def accept(
        self, notice: str, *, joint_test: int | None = None, actor: str, role: Role = Role.KELA
    ) -> ChangeNotice:
        """Kela accepts the change; one that is to be tested with the joint test of the new version. A test that is
        named without need must be that one too.

        Raises:
            Refused: ``approval.state`` or ``change.*``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, notice)
            by_test = row.state != change_machine().initial or joint_test is not None
            # The statement on the new version has already replaced the entry that a tested change is of.
            _refuse_ended(tx.session.get_one(ApprovalRow, row.approval), *([REPLACED] if by_test else []))
            tested = _tested_with(tx, row, joint_test) if by_test else None
            self._step(tx, row, "accept", role, _Case(tested=tested))
            row.joint_test = joint_test
            tx.session.flush()
            return _notice(tx.session, row)

    @journals_refusals(OFFICE, "notice")
    def cancel(self, notice: str, *, actor: str, role: Role = Role.SUPPLIER) -> ChangeNotice:
        """Take a notice back.

        Raises:
            Refused: ``change.*``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, notice)
            self._step(tx, row, "cancel", role, _Case())
            return _notice(tx.session, row)

    def _step(self, tx: Transaction, row: ChangeNoticeRow, name: str, role: Role, case: _Case) -> None:
        step = change_machine().step(
            name, state=row.state, actor=role, guards=_GUARDS, case=case, subject=f"the notice {_id(row)}"
        )
        row.state, row.decided_on = step.target, finnish_day(tx.now)
        tx.session.flush()
        tx.journal(f"change {name}", _id(row), state=step.target)


_BY_ID = ChangeNoticeRow.id
_GUARDS: Mapping[str, Guard[_Case]] = {
    "change.reason": lambda case: text_objection(case.reason, "The reason"),
    "change.tested": lambda case: (
        Objection("The joint test of the new version is not named, is of another system, or has no statement.")
        if case.tested is False
        else None
    ),
}


def _keep_deadline(kind: ChangeKind, today: date, effective_on: date | None) -> None:
    if not kind.months_before:
        return
    first = months_after(today, kind.months_before)
    if effective_on is None:
        raise rulebook().refusal(
            "change.deadline",
            f"A change that {kind.text} needs a day; the first one possible is {first}.",
            advice="Name the day of testing, or the day on which the certificate ends.",
        )
    if effective_on < first:
        raise _refusal(
            "change.deadline", f"A change that {kind.text}, on {effective_on}: the first day possible is {first}."
        )
    if kind.counted_to is CountedTo.TESTING and effective_on.month == JULY:
        raise _refusal("joint.july", f"A change cannot be tested on {effective_on}.")


def _refuse_ended(approval: ApprovalRow, *also: str) -> None:
    if approval.state not in (APPROVED, *also):
        raise _refusal("approval.state", f"{approval_id(approval)} is {approval.state}.")


def _tested_with(tx: Transaction, row: ChangeNoticeRow, joint_test: int | None) -> bool:
    test = tx.session.get(JointTest, joint_test) if joint_test is not None else None
    if test is None or test.statement_running is None or test.version != row.version:
        return False
    before = tx.session.get_one(JointTest, tx.session.get_one(ApprovalRow, row.approval).joint_test)
    return test is not before and (test.system, test.supplier) == (before.system, before.supplier)


def _id(row: ChangeNoticeRow) -> str:
    return f"TEST-KM-{row.id:04d}"


def _row(session: Session, notice: str) -> ChangeNoticeRow:
    form = _ID.fullmatch(notice)
    row = session.get(ChangeNoticeRow, int(form[1])) if form else None
    if row is None:
        raise _refusal("change.known", f"There is no notice of change {notice[:40]!r}.")
    return row


def _notice(session: Session, row: ChangeNoticeRow) -> ChangeNotice:
    return ChangeNotice(
        id=_id(row),
        approval=approval_id(session.get_one(ApprovalRow, row.approval)),
        kind=row.kind,
        version=row.version,
        description=row.description,
        state=row.state,
        reported_on=row.reported_on,
        effective_on=row.effective_on,
        decided_on=row.decided_on,
        reason=row.reason,
        joint_test=row.joint_test,
    )


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)
