"""The scheduled sweep: how often the staff of an organisation is checked, and running what is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from sotepki.identifiers import Oid
from sotepki.provider.access import AccessRights, Sweep
from sotepki.provider.refusals import OFFICE, refusals_journalled
from sotepki.provider.tables import SweepScheduleRow
from sotepki.provider.task_list import provider_rules
from sotepki.records import Records

LONGEST_HOURS = 24
CLOCK = "clock"


@dataclass(frozen=True)
class Schedule:
    """The schedule of an organisation."""

    organisation: Oid
    hours: int
    last_at: datetime

    @property
    def next_at(self) -> datetime:
        """When the sweep is due."""
        return self.last_at + timedelta(hours=self.hours)


class SweepSchedule:
    """The schedules of a workspace; ``access`` does the sweeping."""

    def __init__(self, records: Records, access: AccessRights) -> None:
        self.records = records
        self.access = access

    def set(self, organisation: Oid, hours: int, *, actor: str) -> Schedule:
        """Let the sweep of an organisation run every ``hours`` hours, beginning now.

        Raises:
            Refused: ``access.organisation``, ``sweep.interval``.
        """
        with refusals_journalled(self.records, actor=actor, step="schedule", subject=organisation.value):
            self.access.refuse_unknown(organisation)
            if not 1 <= hours <= LONGEST_HOURS:
                raise provider_rules().refusal("sweep.interval", f"A sweep every {hours} hours is not possible.")
            with self.records.change(OFFICE, actor) as tx:
                row = SweepScheduleRow(organisation=organisation.value, hours=hours, last_at=tx.now)
                tx.session.merge(row)
                tx.session.flush()
                tx.journal("sweep scheduled", organisation.value, hours=str(hours))
                return Schedule(organisation, hours, tx.now)

    def all(self) -> Sequence[Schedule]:
        """Every schedule."""
        with self.records.look() as session:
            rows = session.scalars(select(SweepScheduleRow).order_by(SweepScheduleRow.organisation))
            return [Schedule(Oid(row.organisation), row.hours, row.last_at) for row in rows]

    def follow_time(self, sweep: Callable[[Oid], Sweep] | None = None) -> Sequence[tuple[Oid, Sweep]]:
        """Run every sweep that is due, once however long it is overdue.

        Args:
            sweep: how an organisation is swept; by default by asking the register.
        """
        run = sweep or (lambda organisation: self.access.sweep(organisation, actor=CLOCK))
        now = self.records.clock.now()
        done = []
        for one in self.all():
            if one.next_at > now:
                continue
            found = run(one.organisation)
            with self.records.change(OFFICE, CLOCK) as tx:
                tx.session.get_one(SweepScheduleRow, one.organisation.value).last_at = tx.now
                tx.session.flush()
                tx.journal("sweep run", one.organisation.value, ended=str(len(found.ended)))
            done.append((one.organisation, found))
        return done
