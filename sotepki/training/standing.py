"""How a class stands: one line a trainee, from the table of their work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from sotepki.training.progress import Progress


@dataclass(frozen=True)
class Standing:
    """One trainee: tasks done and begun, attempts, hints and explanations used, and where the work stands still.

    ``stuck_at`` is the task that was tried last and is not done, with the key of what it lacks; empty if none is.
    """

    trainee: str
    done: int
    begun: int
    attempts: int
    hints: int
    explained: int
    stuck_at: str
    lacking: str
    last: datetime

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "last": self.last.isoformat()}


def standings(rows: Sequence[Progress]) -> list[Standing]:
    """One line for each trainee; ``rows`` are in the order of the names, as ``ProgressBook.all`` gives them."""
    return [_standing(name, list(own)) for name, own in groupby(rows, key=lambda row: row.trainee)]


def _standing(trainee: str, rows: Sequence[Progress]) -> Standing:
    waiting = [row for row in rows if row.done_at is None and row.attempts]
    stuck = max(waiting, key=lambda row: row.changed_at, default=None)
    return Standing(
        trainee=trainee,
        done=sum(row.done_at is not None for row in rows),
        begun=len(rows),
        attempts=sum(row.attempts for row in rows),
        hints=sum(row.hints for row in rows),
        explained=sum(row.explained for row in rows),
        stuck_at=stuck.task if stuck else "",
        lacking=stuck.lacking if stuck else "",
        last=max(row.changed_at for row in rows),
    )
