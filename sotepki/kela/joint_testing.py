"""The register of joint tests (yhteistestaus): registration, pre-test cases, phases, statement.

Thin: which cases a system goes through is the matter of the conformance suite. Deadlines and order are Kela's
(docs/field/kanta.md 10).
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.kela.request_log import OFFICE
from sotepki.kela.rules import rulebook
from sotepki.kela.tables import JointTest, JointTestPhase
from sotepki.records import Records

_JULY = 7
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
    system: str
    supplier: Oid
    system_class: SystemClass
    content: str
    begins_on: date
    pretest_errors: int | None
    phases: dict[int, bool]
    statement: Statement | None


@dataclass(frozen=True)
class JointTests:
    """Kela's register of joint tests."""

    records: Records

    def register(
        self, *, system: str, supplier: Oid, system_class: SystemClass, content: str, begins_on: date, actor: str
    ) -> int:
        """Register a system for one content; gives the number of the joint test.

        Raises:
            Refused: ``joint.class``, ``joint.deadline`` or ``joint.july``.
        """
        if system_class not in _TESTED:
            raise _refusal("joint.class", f"A system of class {system_class} does not go through joint testing.")
        today = finnish_day(self.records.clock.now())
        if begins_on < months_after(today, _MONTHS_BEFORE):
            raise _refusal("joint.deadline", f"Joint testing cannot begin on {begins_on}: less than two months away.")
        if begins_on.month == _JULY:
            raise _refusal("joint.july", f"Joint testing cannot begin on {begins_on}.")
        with self.records.change(OFFICE, actor) as tx:
            row = JointTest(
                system=system,
                supplier=supplier.value,
                system_class=system_class.value,
                content=content,
                registered_on=today,
                begins_on=begins_on,
            )
            tx.session.add(row)
            tx.session.flush()
            tx.journal("joint test registered", str(row.number), system=system, supplier=supplier.value)
            return row.number

    def report_pretests(self, number: int, *, significant_errors: int, actor: str) -> None:
        """Record the report on the pre-test cases (esitestitapaukset); a new report replaces the old.

        Raises:
            Refused: ``joint.unknown``.
        """
        with self.records.change(OFFICE, actor) as tx:
            _row(tx.session, number).pretest_errors = significant_errors
            tx.journal("pre-test cases reported", str(number), significant_errors=str(significant_errors))

    def finish_phase(self, number: int, phase: int, *, passed: bool, actor: str) -> None:
        """Record the result of phase 1, 2 or 3; a phase that was not passed may be repeated.

        Raises:
            Refused: ``joint.unknown``, ``joint.pretests`` or ``joint.phase``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            if row.pretest_errors is None or row.pretest_errors > 0:
                raise _refusal("joint.pretests", f"The pre-test cases of joint test {number} are not in order.")
            done = _phases(tx.session, number)
            if phase not in range(1, _PHASES + 1) or (phase > 1 and not done.get(phase - 1)):
                raise _refusal("joint.phase", f"Phase {phase} of joint test {number} cannot be done now.")
            tx.session.merge(
                JointTestPhase(joint_test=number, phase=phase, passed=passed, done_on=finnish_day(tx.now))
            )
            tx.journal("joint test phase done", str(number), phase=str(phase), passed=str(passed).lower())

    def give_statement(self, number: int, *, actor: str) -> Statement:
        """Kela's statement, once phase 1 is passed and no later phase has failed; asked again, the same statement.

        The number is a running number of the year followed by the year, like ``20142023`` (confirmed).

        Raises:
            Refused: ``joint.unknown`` or ``joint.phase``.
        """
        known = self.state(number).statement
        if known is not None:
            return known
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, number)
            phases = _phases(tx.session, number)
            if not phases.get(1) or not all(phases.values()):
                raise _refusal("joint.phase", f"Joint test {number} has phases that are not passed.")
            today = finnish_day(tx.now)
            last = tx.session.scalar(
                select(func.max(JointTest.statement_running)).where(JointTest.statement_year == today.year)
            )
            row.statement_year, row.statement_running, row.statement_on = today.year, (last or 0) + 1, today
            statement = _statement(row)
            assert statement is not None
            tx.journal("joint testing statement given", str(number), statement=statement.number)
        return statement

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


def months_after(day: date, months: int) -> date:
    """The same day ``months`` later, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


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
        system=row.system,
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
    return Refused(sentence, rule=rule, advice=rulebook()[rule].advice)
