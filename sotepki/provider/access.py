"""Access rights of staff: given by task and right, ended when the right is gone (docs/field/registration.md 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sotepki.errors import Misuse
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider.refusals import OFFICE, refusals_journalled, refuse_note
from sotepki.provider.staff_rights import AskedRegister, StaffRights, Standing, Unanswered
from sotepki.provider.tables import AccessRow
from sotepki.provider.task_list import Obstacle, Task, obstacle, provider_rules, tasks
from sotepki.records import Records
from sotepki.registers import OrganisationRegister, RightsRegister


@dataclass(frozen=True)
class Access:
    """A task that a professional holds or held; ``ended_by`` is the rule or the words that ended it."""

    id: int
    organisation: Oid
    registration_number: RegistrationNumber
    task: str
    granted_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True)
class Sweep:
    """What a sweep found: how many access rights it looked at, and those that it ended, each with its reason.

    ``unanswered`` counts those that nobody could tell anything about, ``trouble`` says why; they were left alone.
    """

    at: datetime
    checked: int
    ended: tuple[Access, ...]
    reasons: tuple[str, ...]
    unanswered: int = 0
    trouble: str = ""

    def as_dict(self) -> dict[str, object]:
        """The sweep for JSON."""
        return {
            "at": self.at.isoformat(),
            "checked": self.checked,
            "unanswered": self.unanswered,
            "trouble": self.trouble,
            "ended": [
                {"registration_number": one.registration_number.value, "task": one.task, "rule": one.ended_by,
                 "reason": reason}
                for one, reason in zip(self.ended, self.reasons, strict=True)
            ],
        }  # fmt: skip


class AccessRights:
    """The access rights of the staff of all organisations of a workspace, one organisation at a time."""

    def __init__(self, records: Records, rights: RightsRegister, organisations: OrganisationRegister) -> None:
        self.records = records
        self.asked = AskedRegister(rights)
        self.organisations = organisations

    def grant(self, organisation: Oid, registration_number: RegistrationNumber, task: str, *, actor: str) -> Access:
        """Give a professional a task.

        Raises:
            Refused: the organisation or task is unknown, the right is not in force or does not carry the task, or
                the person has the task already; the refusal stands in the journal.
        """
        wanted = self._task(task)
        with refusals_journalled(self.records, actor=actor, step="grant", subject=registration_number.value):
            self.refuse_unknown(organisation)
            found = self._obstacle(wanted, registration_number)
            if found is not None:
                raise provider_rules().refusal(found.rule, found.sentence, subject=registration_number.value)
            return self._enter(organisation, registration_number, wanted, actor)

    def end(
        self, organisation: Oid, registration_number: RegistrationNumber, task: str, *, actor: str, reason: str
    ) -> Access:
        """Take a task away.

        Raises:
            Misuse: the person does not hold it.
            Refused: ``books.text``, the reason is no note.
        """
        with refusals_journalled(self.records, actor=actor, step="end", subject=registration_number.value):
            refuse_note(reason, 200)
        with self.records.change(OFFICE, actor) as tx:
            row = _row(tx.session, organisation, registration_number, self._task(task))
            if row is None:
                raise Misuse(f"The person {registration_number} does not hold the task {task!r}.")
            row.ended_at, row.ended_by, row.slot = tx.now, reason[:80], None
            tx.journal("access.ended", registration_number.value, task=task, reason=reason)
            return _access(row)

    def may(self, organisation: Oid, registration_number: RegistrationNumber, task: str) -> bool:
        """Whether a person may do a task now: it was given, and the right behind it is still in force."""
        held = self.holds(organisation, registration_number, task)
        return held and self._obstacle(self._task(task), registration_number) is None

    def holds(self, organisation: Oid, registration_number: RegistrationNumber, task: str) -> bool:
        """Whether a person has been given a task and it was not ended; nobody is asked about the right behind it."""
        wanted = self._task(task)
        with self.records.look() as session:
            return _row(session, organisation, registration_number, wanted) is not None

    def refuse_unknown(self, organisation: Oid) -> None:
        """Raise ``access.organisation`` for an organisation that is not in the register."""
        if self.organisations.organisation(organisation) is None:
            raise provider_rules().refusal(
                "access.organisation", f"The organisation {organisation} is not in the register."
            )

    def held(self, organisation: Oid) -> list[Access]:
        """The access rights of an organisation's staff that have not been ended."""
        query = select(AccessRow).where(AccessRow.organisation == organisation.value, AccessRow.slot.is_not(None))
        with self.records.look() as session:
            return [_access(row) for row in session.scalars(query.order_by(AccessRow.id))]

    def without_right(self, organisation: Oid) -> list[tuple[Access, Obstacle]]:
        """The access rights that no longer rest on a right in force, with the reason of each."""
        held = self.held(organisation)
        return self._lost(held, self._ask_all(held, self.asked))

    def sweep(self, organisation: Oid, *, actor: str = "sweep", asked: StaffRights | None = None) -> Sweep:
        """Check all staff of an organisation against Valvira and end what no longer rests on a right.

        Everybody is asked about before anything is ended. When the register stops answering, what it told counts and
        the rest is left as it is: silence is not a lost right.

        Args:
            asked: who tells the rights; by default the register, or the role and attribute service over HTTP.

        Raises:
            Refused: the register refuses the provider's system; nothing is ended.
        """
        held = self.held(organisation)
        standings = self._ask_all(held, asked or self.asked)
        silent = [one for one in held if isinstance(standings[one.registration_number], Unanswered)]
        trouble = next((one.sentence for one in standings.values() if isinstance(one, Unanswered)), "")
        lost = self._lost(held, standings)
        with self.records.change(OFFICE, actor) as tx:
            ended = []
            for one, found in lost:
                row = tx.session.get_one(AccessRow, one.id)
                if row.slot is None:
                    continue  # ended by hand while the register was asked
                row.ended_at, row.ended_by, row.slot = tx.now, found.rule, None
                tx.journal("access.ended", one.registration_number.value, task=one.task, rule=found.rule)
                ended.append((_access(row), found.sentence))
            tx.journal(
                "access.swept", organisation.value, checked=str(len(held)), ended=str(len(ended)),
                unanswered=str(len(silent)),
            )  # fmt: skip
            return Sweep(
                tx.now,
                len(held),
                tuple(one for one, _ in ended),
                tuple(why for _, why in ended),
                len(silent),
                trouble,
            )

    def _ask_all(
        self, held: Sequence[Access], asked: StaffRights
    ) -> Mapping[RegistrationNumber, Standing | Unanswered]:
        """What is told of each person, asked once; after the first silence nobody else is asked about."""
        now = self.records.clock.now()
        told: dict[RegistrationNumber, Standing | Unanswered] = {}
        silence: Unanswered | None = None
        prescribing = {one.registration_number for one in held if tasks()[one.task].prescriber}
        for number in dict.fromkeys(one.registration_number for one in held):
            answer = silence or asked.standing(number, now, prescriber=number in prescribing)
            silence = answer if isinstance(answer, Unanswered) else None
            told[number] = answer
        return told

    def _task(self, task: str) -> Task:
        if task not in tasks():
            known = ", ".join(tasks())
            raise provider_rules().refusal("access.task", f"There is no task {task[:40]!r}; there are: {known}.")
        return tasks()[task]

    def _obstacle(self, task: Task, number: RegistrationNumber) -> Obstacle | None:
        standing = self.asked.standing(number, self.records.clock.now(), prescriber=task.prescriber)
        return obstacle(task, standing, self._prescribing([task]))

    def _prescribing(self, wanted: Iterable[Task]) -> frozenset[str]:
        """The codes of the rights that allow prescribing, asked only for a prescriber's task."""
        return self.asked.rights.prescribing_codes() if any(task.prescriber for task in wanted) else frozenset()

    def _lost(
        self, held: Sequence[Access], standings: Mapping[RegistrationNumber, Standing | Unanswered]
    ) -> list[tuple[Access, Obstacle]]:
        prescribing = self._prescribing(tasks()[one.task] for one in held)
        found = []
        for one in held:
            standing = standings[one.registration_number]
            if isinstance(standing, Unanswered):
                continue
            if (why := obstacle(tasks()[one.task], standing, prescribing)) is not None:
                found.append((one, why))
        return found

    def _enter(self, organisation: Oid, number: RegistrationNumber, task: Task, actor: str) -> Access:
        with self.records.change(OFFICE, actor) as tx:
            row = AccessRow(
                organisation=organisation.value,
                registration_number=number.value,
                task=task.id,
                slot=_slot(organisation, number, task),
                granted_at=tx.now,
            )
            tx.session.add(row)
            try:
                tx.session.flush()
            except IntegrityError:
                sentence = f"The person {number} holds the task {task.id!r} already."
                raise provider_rules().refusal("access.twice", sentence, subject=number.value) from None
            tx.journal("access.granted", number.value, organisation=organisation.value, task=task.id)
            return _access(row)


def _slot(organisation: Oid, number: RegistrationNumber, task: Task) -> str:
    return f"{organisation}/{number}/{task.id}"


def _row(session: Session, organisation: Oid, number: RegistrationNumber, task: Task) -> AccessRow | None:
    return session.scalars(select(AccessRow).where(AccessRow.slot == _slot(organisation, number, task))).first()


def _access(row: AccessRow) -> Access:
    return Access(
        id=row.id,
        organisation=Oid(row.organisation),
        registration_number=RegistrationNumber(row.registration_number),
        task=row.task,
        granted_at=row.granted_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


__all__ = ["Access", "AccessRights", "Sweep"]
