"""How far each trainee is: a table in the workspace one works in, or in that of the class.

``SOTEPKI_CLASS`` names the book of a class: the directory of the trainer's workspace, or its address in PostgreSQL
with ``?schema=``. Without it, trainees have the table in their own workspace. ``SOTEPKI_TRAINEE`` is the name under
which one stands in it; nobody needs to use their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import SystemClock
from sotepki.errors import Misuse
from sotepki.identifiers import holds_identity_code
from sotepki.records import Database, Records
from sotepki.records.addresses import complete, parsed, schema_of
from sotepki.records.migrations import require_current
from sotepki.training.scene import Outcome
from sotepki.training.tables import ProgressRow
from sotepki.workspace import Workspace
from sotepki.workspace.directory import read_settings

CLASS = "SOTEPKI_CLASS"
TRAINEE = "SOTEPKI_TRAINEE"
ALONE = "trainee"
LONGEST_NAME = 60


@dataclass(frozen=True)
class Progress:
    """One trainee's work on one task; see ``ProgressRow`` for the counts."""

    trainee: str
    task: str
    began_at: datetime
    changed_at: datetime
    attempts: int
    hints: int
    explained: bool
    lacking: str
    done_at: datetime | None

    def as_dict(self) -> dict[str, object]:
        """For JSON: times in ISO form, empty if not done."""
        times = {name: getattr(self, name) for name in ("began_at", "changed_at", "done_at")}
        return {**asdict(self), **{name: at.isoformat() if at else "" for name, at in times.items()}}


@dataclass(frozen=True)
class ProgressBook:
    """The table; any number of trainees write to it at a time."""

    records: Records

    def checked(self, trainee: str, task: str, outcome: Outcome) -> None:
        """Count an attempt; a task that was done stays done."""
        with self.records.change("training", trainee) as tx:
            row = _row(tx.session, trainee, task, tx.now)
            if row.done_at is None:
                row.attempts += 1
                row.lacking = outcome.lacking
                row.done_at = tx.now if outcome.done else None
            row.changed_at = tx.now
            tx.journal("training.check", task, outcome="done" if outcome.done else outcome.lacking)

    def hinted(self, trainee: str, task: str, hints: int) -> int:
        """Count a hint; which of ``hints`` it is, from 1. After the last one it stays at the last one."""
        with self.records.change("training", trainee) as tx:
            row = _row(tx.session, trainee, task, tx.now)
            row.hints = min(row.hints + 1, hints)
            row.changed_at = tx.now
            tx.journal("training.hint", task, hint=str(row.hints))
            return row.hints

    def explained(self, trainee: str, task: str) -> None:
        """Note that the explanation was read; after the task was done that is no news."""
        with self.records.change("training", trainee) as tx:
            row = _row(tx.session, trainee, task, tx.now)
            row.explained = row.explained or row.done_at is None
            row.changed_at = tx.now
            tx.journal("training.explain", task)

    def all(self, *, trainee: str = "") -> Sequence[Progress]:
        """Every trainee's tasks, or one's, by name and in the order in which they were begun."""
        query = select(ProgressRow).order_by(ProgressRow.trainee, ProgressRow.began_at, ProgressRow.id)
        if trainee:
            query = query.where(ProgressRow.trainee == trainee)
        with self.records.look() as session:
            return [_as_progress(row) for row in session.scalars(query)]


def trainee_name(given: str = "") -> str:
    """The name under which a trainee stands in the table.

    Raises:
        Misuse: it is too long, has characters that no name has, or holds what may be a personal identity code.
    """
    name = " ".join((given or os.environ.get(TRAINEE, "") or ALONE).split())
    # Characters that nobody sees must not hide a code; the sentence repeats none, since it may stay on a screen.
    if holds_identity_code("".join(filter(str.isprintable, name)).upper()):
        raise Misuse("A personal identity code is no name here.", advice="Choose another one.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise Misuse(
            f"{name[:20]!r} cannot be a trainee's name.", advice=f"Choose one of up to {LONGEST_NAME} characters."
        )
    return name


def book_of(workspace: Workspace) -> ProgressBook:
    """The book that ``SOTEPKI_CLASS`` names, else the workspace's own.

    Raises:
        Misuse: what it names is no workspace of this version.
    """
    named = os.environ.get(CLASS, "")
    if not named:
        return ProgressBook(workspace.records)
    records = _class_records(named)
    try:
        records.require_same_place()
    except Misuse:
        # The trainer has made the class anew; what was opened before would take no row any more.
        _class_records.cache_clear()
        records.database.close()
        records = _class_records(named)
    return ProgressBook(records)


@cache
def _class_records(named: str) -> Records:
    """The records of a class; kept open as long as the program runs, since every check writes to them."""
    if "://" in named:
        address = parsed(named)
        if not schema_of(address):
            raise Misuse(
                f"{CLASS} does not say which workspace of the database it means.", advice="Add ?schema= to it."
            )
        # What a class writes has no letters; the directory is named because records have one.
        records = Records(Database(complete(address)), SystemClock(), Path(tempfile.gettempdir()) / "no-outbox")
    else:
        directory = Path(named).absolute()
        records = Workspace(directory, read_settings(directory)).records
    require_current(records.database)
    return records


def _row(session: Session, trainee: str, task: str, now: datetime) -> ProgressRow:
    row = session.scalars(
        select(ProgressRow).where(ProgressRow.trainee == trainee, ProgressRow.task == task)
    ).one_or_none()
    if row is None:
        row = ProgressRow(
            trainee=trainee, task=task, began_at=now, changed_at=now,
            attempts=0, hints=0, explained=False, lacking="",
        )  # fmt: skip
        session.add(row)
    return row


def _as_progress(row: ProgressRow) -> Progress:
    return Progress(
        row.trainee, row.task, row.began_at, row.changed_at,
        row.attempts, row.hints, row.explained, row.lacking, row.done_at,
    )  # fmt: skip
