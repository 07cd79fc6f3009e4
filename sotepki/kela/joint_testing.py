"""The register of joint tests (yhteistestaus): registration, pre-test cases, phases, statement.

Which cases a system goes through is the matter of the conformance suite. Deadlines and order are Kela's
(docs/field/kanta.md 10); with its statement a version comes into the register of approved systems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.kela.approvals import enter_approval
from sotepki.kela.joint_testing_data import JULY, Role, joint_test_machine, text_objection
from sotepki.kela.request_log import OFFICE
from sotepki.kela.rules import rulebook
from sotepki.kela.tables import JointTest, JointTestPhase
from sotepki.records import Records, Transaction, journals_refusals
from sotepki.states import Guard, Objection

_MONTHS_BEFORE = 2
_PHASES = 3


class SystemClass(StrEnum):
    """Classes of information systems and applications (docs/field/kanta.md 11)."""

    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    B = "B"
    WELLBEING_A = "wellbeing-A"


_TESTED = frozenset({SystemClass.A2, SystemClass.A3, SystemClass.WELLBEING_A})


@dataclass(frozen=True)
class Statement:
    """Kela's joint testing statement (yhteistestauslausunto): its number and date as Kela's lists write them."""

    number: str
    given_on: date

    @property
    def date(self) -> str:
        """The date in the Finnish form, ``29.5.2023``."""
        return f"{self.given_on.day}.{self.given_on.month}.{self.given_on.year}"


@dataclass(frozen=True)
class JointTestState:
    """One joint test as the register shows it; ``phases`` maps a phase to its result."""

    number: int
    state: str
    system: str
    version: str
    supplier: Oid
    system_class: SystemClass
    content: str
    begins_on: date
    pretest_errors: int | None
    phases: dict[int, bool]
    statement: Statement | None

    def as_dict(self) -> dict[str, object]:
        """The joint test for JSON."""
        statement = {"number": self.statement.number, "date": self.statement.date} if self.statement else None
        return {
            **{name: str(getattr(self, name)) for name in ("state", "system", "version", "supplier", "system_class")},
            "number": self.number,
            "content": self.content,
            "begins_on": self.begins_on.isoformat(),
            "pretest_errors": self.pretest_errors,
            "phases": {str(phase): passed for phase, passed in self.phases.items()},
            "statement": statement,
        }


@dataclass(frozen=True)
class _Case:
    """What the guards look at; ``phase`` is None where the statement is asked for."""

    number: int
    begins_on: date
    today: date
    pretest_errors: int | None
    phases: Mapping[int, bool]
    phase: int | None = None


@dataclass(frozen=True)
class JointTests:
    """Kela's register of joint tests."""

    records: Records

    @journals_refusals(OFFICE, "supplier")
    def register(
        self,
        *,
        system: str,
        supplier: Oid,
        system_class: SystemClass,
        content: str,
        begins_on: date,
        actor: str,
        version: str = "1",
        received_on: date | None = None,
    ) -> int:
        """Register a version of a system for one content; gives the number of the joint test.

        The supplier takes part as manufacturer and is in no register that is looked into: an entry in THL's SOTE
        organisation register is asked for service certificates and for joining Kanta, and no source asks it here
        (docs/field/kanta.md 10, rows process and roles; 11, row joining).

        Args:
            received_on: when the registration came, if it is entered later; the two months count from that day.

        Raises:
            Refused: ``joint.described``, ``joint.class``, ``joint.received``, ``joint.deadline`` or ``joint.july``.
        """
        for text, what in ((system, "The name"), (version, "The version"), (content, "The content")):
            if (objection := text_objection(text, what)) is not None:
                raise _refusal("joint.described", objection.sentence)
        if system_class not in _TESTED:
            raise _refusal("joint.class", f"A system of class {system_class} does not go through joint testing.")
        today = finnish_day(self.records.clock.now())
        received = received_on or today
        if received > today:
            raise _refusal("joint.received", f"A registration of {received} cannot have come by {today}.")
        if begins_on < months_after(received, _MONTHS_BEFORE):
            raise _refusal("joint.deadline", f"Joint testing cannot begin on {begins_on}: less than two months away.")
        if begins_on.month == JULY:
            raise _refusal("joint.july", f"Joint testing cannot begin on {begins_on}.")
        with self.records.change(OFFICE, actor) as tx:
            row = JointTest(
                state=joint_test_machine().initial,
                system=system,
                version=version,
                supplier=supplier.value,
                system_class=system_class.value,
                content=content,
                registered_on=received,
                begins_on=begins_on,
            )
            tx.session.add(row)
            tx.session.flush()
            tx.journal("joint test registered", str(row.number), system=system, supplier=supplier.value)
            return row.number

    @journals_refusals(OFFICE, "number")
    def report_pretests(
        self, number: int, *, significant_errors: int, actor: str, role: Role = Role.SUPPLIER
    ) -> None:
        """Record the report on the pre-test cases (esitestitapaukset); a new report replaces the old.

        Raises:
            Refused: ``joint.unknown``, ``joint.state`` or ``joint.actor``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            _step(row, "report-errors" if significant_errors else "report-clean", role, _case(tx, row))
            row.pretest_errors = significant_errors
            tx.journal("pre-test cases reported", str(number), significant_errors=str(significant_errors))

    @journals_refusals(OFFICE, "number")
    def finish_phase(self, number: int, phase: int, *, passed: bool, actor: str, role: Role = Role.KELA) -> None:
        """Record the result of phase 1, 2 or 3; a phase that was not passed may be repeated.

        Raises:
            Refused: ``joint.unknown``, ``joint.pretests``, ``joint.begun``, ``joint.phase``, ``joint.state`` or
                ``joint.actor``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            _step(row, "finish-phase", role, _case(tx, row, phase))
            tx.session.merge(
                JointTestPhase(joint_test=number, phase=phase, passed=passed, done_on=finnish_day(tx.now))
            )
            tx.journal("joint test phase done", str(number), phase=str(phase), passed=str(passed).lower())

    @journals_refusals(OFFICE, "number")
    def give_statement(self, number: int, *, actor: str, role: Role = Role.KELA) -> Statement:
        """Kela's statement, once the pre-test cases are in order, phase 1 is passed and no later phase has failed;
        asked again, the same statement.

        The number is a running number of the year followed by the year, like ``20142023`` (confirmed). With it the
        version comes into the register of approved systems.

        Raises:
            Refused: ``joint.unknown``, ``joint.pretests``, ``joint.phase``, ``joint.state`` or ``joint.actor``.
        """
        known = self.state(number).statement
        if known is not None:
            return known
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            _step(row, "give-statement", role, _case(tx, row))
            statement = _number(tx, row)
            tx.journal("joint testing statement given", str(number), statement=statement.number)
            enter_approval(tx, row)
        return statement

    @journals_refusals(OFFICE, "number")
    def cancel(self, number: int, *, actor: str, role: Role = Role.SUPPLIER) -> None:
        """Give a joint test up.

        Raises:
            Refused: ``joint.unknown``, ``joint.state`` or ``joint.actor``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            _step(row, "cancel", role, _case(tx, row))
            tx.journal("joint test cancelled", str(number))

    def state(self, number: int) -> JointTestState:
        """One joint test.

        Raises:
            Refused: ``joint.unknown``.
        """
        with self.records.look() as session:
            return _state(session, _row(session, number))

    def all(self) -> Sequence[JointTestState]:
        """Every joint test, in order of registration."""
        with self.records.look() as session:
            return [_state(session, row) for row in session.scalars(select(JointTest).order_by(JointTest.number))]


def _pretests(case: _Case) -> Objection | None:
    if case.pretest_errors == 0:
        return None
    return Objection(f"The pre-test cases of joint test {case.number} are not in order.")


def _begun(case: _Case) -> Objection | None:
    if case.today >= case.begins_on:
        return None
    return Objection(f"Joint test {case.number} begins on {case.begins_on}; until then no phase of it is finished.")


def _phase(case: _Case) -> Objection | None:
    if case.phase is None:
        if case.phases.get(1) and all(case.phases.values()):
            return None
        return Objection(f"Joint test {case.number} has phases that are not passed.")
    if case.phase in range(1, _PHASES + 1) and (case.phase == 1 or case.phases.get(case.phase - 1)):
        return None
    return Objection(f"Phase {case.phase} of joint test {case.number} cannot be done now.")


_GUARDS: Mapping[str, Guard[_Case]] = {"joint.pretests": _pretests, "joint.begun": _begun, "joint.phase": _phase}


def _case(tx: Transaction, row: JointTest, phase: int | None = None) -> _Case:
    phases = _phases(tx.session, row.number)
    return _Case(row.number, row.begins_on, finnish_day(tx.now), row.pretest_errors, phases, phase)


def _step(row: JointTest, name: str, role: Role, case: _Case) -> None:
    machine = joint_test_machine()
    subject = f"joint test {row.number}"
    row.state = machine.step(name, state=row.state, actor=role, guards=_GUARDS, case=case, subject=subject).target


def _number(tx: Transaction, row: JointTest) -> Statement:
    today = finnish_day(tx.now)
    last = tx.session.scalar(
        select(func.max(JointTest.statement_running)).where(JointTest.statement_year == today.year)
    )
    row.statement_year, row.statement_running, row.statement_on = today.year, (last or 0) + 1, today
    statement = _statement(row)
    assert statement is not None
    return statement


def _row(session: Session, number: int) -> JointTest:
    row = session.get(JointTest, number)
    if row is None:
        raise _refusal("joint.unknown", f"There is no joint test {number} in the register.")
    return row


def _phases(session: Session, number: int) -> dict[int, bool]:
    rows = session.scalars(select(JointTestPhase).where(JointTestPhase.joint_test == number))
    return {row.phase: row.passed for row in rows}


def _state(session: Session, row: JointTest) -> JointTestState:
    return JointTestState(
        number=row.number,
        state=row.state,
        system=row.system,
        version=row.version,
        supplier=Oid(row.supplier),
        system_class=SystemClass(row.system_class),
        content=row.content,
        begins_on=row.begins_on,
        pretest_errors=row.pretest_errors,
        phases=_phases(session, row.number),
        statement=_statement(row),
    )


def _statement(row: JointTest) -> Statement | None:
    if row.statement_running is None or row.statement_on is None:
        return None
    return Statement(f"{row.statement_running}{row.statement_year}", row.statement_on)


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)
