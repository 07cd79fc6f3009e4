"""Supervision of information systems: notices, the register (Astori), bars on use, deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from sotepki.clock import finnish_day, months_after
from sotepki.errors import Misuse
from sotepki.evidence import Finding, Severity
from sotepki.records import Records, Transaction, journals_refusals
from sotepki.states import Step
from sotepki.valvira.periods import aware
from sotepki.valvira.supervision import reading
from sotepki.valvira.supervision.data import (
    MissingJointTest,
    deviation_machine,
    supervision_data,
    supervision_rules,
    system_machine,
)
from sotepki.valvira.supervision.guards import (
    DEADLINE_RULE,
    DEVIATION_GUARDS,
    SYSTEM_GUARDS,
    DeviationCase,
    SystemCase,
    evidence_findings,
    text_objection,
)
from sotepki.valvira.supervision.tables import DeviationRow, EvidenceRow, StepRow, SystemRow
from sotepki.valvira.supervision.values import (
    Deviation,
    Evidence,
    EvidenceKind,
    InformationSystem,
    Role,
    Usability,
)

OFFICE = "valvira"
WEIGHTS = ("significant", "other")
REGISTERED, CLOSED = "registered", "closed"


@dataclass(frozen=True)
class Supervision:
    """The register of information systems and the deviations of the systems in it.

    ``missing_joint_test`` overrides what the package's data say of a system that was not joint-tested.
    """

    records: Records
    missing_joint_test: MissingJointTest | None = None

    # --- asking -----------------------------------------------------------------------------------------------------

    def system(self, system: str) -> InformationSystem:
        """A system with its evidence and history.

        Raises:
            Refused: ``supervision.system.known``.
        """
        with self.records.look() as session:
            return reading.system(session, reading.system_row(session, system))

    def systems(self) -> Sequence[InformationSystem]:
        """Every system, in the order of the notices."""
        with self.records.look() as session:
            rows = session.scalars(select(SystemRow).order_by(SystemRow.id)).all()
            return [reading.system(session, row) for row in rows]

    def deviation(self, deviation: str) -> Deviation:
        """A deviation with its history.

        Raises:
            Refused: ``supervision.deviation.known``.
        """
        with self.records.look() as session:
            return reading.deviation(session, reading.deviation_row(session, deviation))

    def deviations(self) -> Sequence[Deviation]:
        """Every deviation, in the order of the reports."""
        with self.records.look() as session:
            rows = session.scalars(select(DeviationRow).order_by(DeviationRow.id)).all()
            return [reading.deviation(session, row) for row in rows]

    def usability(self, system: str, at: datetime | None = None) -> Usability:
        """Whether a system may be used in production at a moment (default: now).

        Raises:
            Refused: ``supervision.system.known``.
        """
        moment = aware(at) if at else self.records.clock.now()
        found = self.system(system)
        state = found.state_at(moment)
        findings = []
        if state != REGISTERED:
            sentence = (
                f"{found.id} {found.name} is not in the register."
                if state is None
                else (f"{found.id} {found.name} is in the state {state!r}.")
            )
            findings.append(supervision_rules().finding("supervision.registered", sentence, where=found.id))
        findings += evidence_findings(self._case(found, moment, ""), found.id)
        return Usability(found.id, moment, tuple(findings))

    # --- systems ----------------------------------------------------------------------------------------------------

    @journals_refusals(OFFICE)
    def notify(
        self, *, name: str, version: str, system_class: str, kind: str, purpose: str, producer: str, actor: str
    ) -> InformationSystem:
        """Take in a producer's notice of a system.

        Raises:
            Refused: ``supervision.system.class``, ``supervision.system.described``.
        """
        data = supervision_data()
        if system_class not in data.classes or kind not in data.kinds:
            raise supervision_rules().refusal(
                "supervision.system.class",
                f"The classes are {', '.join(data.classes)}; the kinds are {', '.join(data.kinds)}.",
            )
        fields = {"name": name, "version": version, "purpose": purpose, "producer": producer}
        for field, text in fields.items():
            _refuse_text("supervision.system.described", text, f"The {field}")
        with self.records.change(OFFICE, actor) as tx:
            row = SystemRow(**fields, system_class=system_class, kind=kind, state=system_machine().initial)
            tx.session.add(row)
            tx.session.flush()
            _write_step(tx, row, None, "notify", row.state, Role.PRODUCER, "")
            tx.journal("notify-system", reading.system_id(row), name=name, version=version, system_class=system_class)
            return reading.system(tx.session, row)

    @journals_refusals(OFFICE, "system")
    def attach(
        self,
        system: str,
        kind: EvidenceKind,
        *,
        number: str,
        issuer: str,
        issued_on: date,
        actor: str,
        valid_to: date | None = None,
    ) -> InformationSystem:
        """Enter a joint-test statement or a security certificate.

        A security certificate without a last day ends when the longest time is over.

        Raises:
            Refused: ``supervision.system.known``, ``supervision.evidence.described``,
                ``supervision.evidence.period``.
        """
        _refuse_text("supervision.evidence.described", number, "The number")
        _refuse_text("supervision.evidence.described", issuer, "The issuer")
        with self.records.change(OFFICE, actor) as tx:
            row = reading.system_row(tx.session, system)
            last = None if kind is EvidenceKind.JOINT_TEST else _longest(issued_on)
            end = valid_to or last
            wrong = _period_objection(issued_on, end, last, finnish_day(tx.now))
            if wrong:
                raise supervision_rules().refusal("supervision.evidence.period", wrong, subject=system)
            tx.session.add(
                EvidenceRow(
                    system=row.id,
                    kind=kind.value,
                    number=number,
                    issuer=issuer,
                    issued_on=issued_on,
                    valid_to=end,
                    entered_at=tx.now,
                )
            )
            tx.journal(
                "attach-evidence",
                reading.system_id(row),
                kind=kind.value,
                number=number,
                issued_on=issued_on.isoformat(),
                valid_to=end.isoformat() if end else "",
            )
            tx.session.flush()
            return reading.system(tx.session, row)

    @journals_refusals(OFFICE, "system")
    def step(self, system: str, name: str, *, role: Role, actor: str, reason: str = "") -> InformationSystem:
        """Let a system take a step of ``states/information-system.yaml``.

        Raises:
            Refused: ``supervision.system.known``, ``supervision.state``, ``supervision.actor``, or the rule of a
                guard.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = reading.system_row(tx.session, system)
            self._step(tx, row, name, role, reason)
            return reading.system(tx.session, row)

    def follow_time(self) -> Sequence[str]:
        """Bar the systems whose evidence has run out; their ids."""
        now = self.records.clock.now()
        running_out = [
            (one.id, objections[0].message)
            for one in self.systems()
            if one.state == REGISTERED and (objections := self._barring(one, now))
        ]
        return [system for system, sentence in running_out if self._bar(system, sentence)]

    # --- deviations -------------------------------------------------------------------------------------------------

    @journals_refusals(OFFICE, "system")
    def report_deviation(
        self, system: str, *, weight: str, description: str, reported_by: str, actor: str
    ) -> Deviation:
        """Take in a report of a deviation, from a producer, a provider or anybody else.

        Raises:
            Refused: ``supervision.system.known``, ``supervision.deviation.weight``, ``supervision.reason``.
        """
        if weight not in WEIGHTS:
            raise supervision_rules().refusal(
                "supervision.deviation.weight", f"A deviation is not {weight[:40]!r}; it is {' or '.join(WEIGHTS)}."
            )
        _refuse_text("supervision.reason", description, "The description")
        _refuse_text("supervision.reason", reported_by, "The name of who reports")
        with self.records.change(OFFICE, actor) as tx:
            concerned = reading.system_row(tx.session, system)
            row = DeviationRow(
                system=concerned.id,
                weight=weight,
                description=description,
                reported_by=reported_by,
                deadline=None,
                state=deviation_machine().initial,
            )
            tx.session.add(row)
            tx.session.flush()
            _write_step(tx, concerned, row, "report", row.state, Role.PRODUCER, "")
            tx.journal("report-deviation", reading.deviation_id(row), system=system, weight=weight)
            return reading.deviation(tx.session, row)

    @journals_refusals(OFFICE, "deviation")
    def deviation_step(
        self,
        deviation: str,
        name: str,
        *,
        role: Role,
        actor: str,
        reason: str = "",
        deadline: date | None = None,
    ) -> Deviation:
        """Let a deviation take a step of ``states/deviation.yaml``; ``deadline`` belongs to requiring measures.

        Raises:
            Misuse: ``deadline`` is given with a step that sets none.
            Refused: ``supervision.deviation.known``, ``supervision.state``, ``supervision.actor``, or the rule of a
                guard.
        """
        if deadline and DEADLINE_RULE not in deviation_machine().transitions[name].guards:
            raise Misuse(
                f"The step {name!r} sets no day by which measures are to be done.",
                advice="Leave the day out; it is given with 'require-measures'.",
            )
        with self.records.change(OFFICE, actor) as tx:
            row = reading.deviation_row(tx.session, deviation)
            subject = reading.deviation_id(row)
            step = deviation_machine().step(
                name,
                state=row.state,
                actor=role,
                guards=DEVIATION_GUARDS,
                case=DeviationCase(tx.now, reason, deadline),
                subject=subject,
            )
            row.state = step.target
            row.deadline = deadline or row.deadline
            _write_step(tx, tx.session.get_one(SystemRow, row.system), row, name, step.target, role, reason)
            tx.journal(f"deviation-{name}", subject, reason=reason, deadline=str(deadline or ""))
            return reading.deviation(tx.session, row)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _step(self, tx: Transaction, row: SystemRow, name: str, role: Role, reason: str) -> Step:
        subject = reading.system_id(row)
        open_deviations = [
            reading.deviation_id(one)
            for one in tx.session.scalars(select(DeviationRow).where(DeviationRow.system == row.id))
            if one.weight == WEIGHTS[0] and one.state != CLOSED
        ]
        case = self._case(reading.system(tx.session, row), tx.now, reason, open_deviations)
        step = system_machine().step(
            name, state=row.state, actor=role, guards=SYSTEM_GUARDS, case=case, subject=subject
        )
        row.state = step.target
        _write_step(tx, row, None, name, step.target, role, reason)
        warned = " ".join(finding.rule for finding in step.warnings)
        tx.journal(f"system-{name}", subject, reason=reason, warnings=warned)
        return step

    def _case(
        self, system: InformationSystem, at: datetime, reason: str, open_deviations: Sequence[str] = ()
    ) -> SystemCase:
        policy = self.missing_joint_test or supervision_data().missing_joint_test
        evidence: Sequence[Evidence] = system.evidence
        return SystemCase(at, reason, system.system_class, evidence, open_deviations, policy)

    def _bar(self, system: str, sentence: str) -> bool:
        """Bar a system unless another process was quicker."""
        with self.records.change(OFFICE, "clock") as tx:
            row = reading.system_row(tx.session, system)
            if row.state != REGISTERED:
                tx.journal("system-bar", system, found="another run was quicker")
                return False
            self._step(tx, row, "bar", Role.CLOCK, sentence)
            return True

    def _barring(self, system: InformationSystem, at: datetime) -> Sequence[Finding]:
        findings = evidence_findings(self._case(system, at, ""), system.id)
        return [finding for finding in findings if finding.severity is Severity.ERROR]


def _write_step(
    tx: Transaction, system: SystemRow, deviation: DeviationRow | None, name: str, state: str, role: Role, reason: str
) -> None:
    tx.session.add(
        StepRow(
            system=system.id,
            deviation=deviation.id if deviation else None,
            at=tx.now,
            name=name,
            state=state,
            role=role.value,
            reason=reason,
        )
    )
    tx.session.flush()


def _refuse_text(rule: str, text: str, what: str) -> None:
    objection = text_objection(text, what)
    if objection is not None:
        raise supervision_rules().refusal(rule, objection.sentence)


def _period_objection(issued_on: date, end: date | None, latest_end: date | None, today: date) -> str:
    if issued_on > today:
        return f"The day of issue {issued_on} is still to come."
    if end and end < issued_on:
        return f"The last day {end} is before the day of issue {issued_on}."
    if end and latest_end and end > latest_end:
        return f"A certificate of {issued_on} is valid until {latest_end} at the longest, not until {end}."
    return ""


def _longest(issued_on: date) -> date:
    """The last day that a security certificate of a day can have."""
    return months_after(issued_on, 12 * supervision_data().security_certificate_years)
