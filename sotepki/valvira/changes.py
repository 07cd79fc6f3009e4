"""What was decided about rights, in order: who must learn of a removal at once reads it here.

The audit journal is the source, so nothing that was decided can be missing, and nothing is told that was not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.identifiers import RegistrationNumber
from sotepki.records import JournalEntry
from sotepki.valvira.periods import start_of_finnish_day

MOST = 1000
"""Changes in one answer."""


class Decision(StrEnum):
    """What can be decided about a right; also the action in the journal."""

    GRANT = "grant-right"
    REMOVE = "remove-right"
    RESTORE = "restore-right"
    RESTRICT = "restrict-right"
    LIFT = "lift-restriction"


@dataclass(frozen=True)
class RightChange:
    """A decision about a right.

    ``effective_at`` is when it takes effect: for a grant the beginning of the right, which may be before or after
    ``at``, for an announced removal a later moment.
    """

    number: int
    at: datetime
    decision: Decision
    registration_number: RegistrationNumber
    code: str
    effective_at: datetime


def changes_after(session: Session, after: int, limit: int) -> Sequence[RightChange]:
    """The decisions with a number above ``after``, the oldest first, at most ``limit``."""
    entries = session.scalars(
        select(JournalEntry)
        .where(
            JournalEntry.office == "valvira", JournalEntry.action.in_(tuple(Decision)), JournalEntry.sequence > after
        )
        .order_by(JournalEntry.sequence)
        .limit(limit)
    )
    return [_change(entry) for entry in entries]


def _change(entry: JournalEntry) -> RightChange:
    details: dict[str, str] = json.loads(entry.details)
    decision = Decision(entry.action)
    if "effective_at" in details:
        effective_at = datetime.fromisoformat(details["effective_at"])
    elif decision is Decision.GRANT:  # as earlier releases wrote it
        effective_at = start_of_finnish_day(date.fromisoformat(details["valid_from"]))
    else:
        effective_at = entry.at
    return RightChange(
        number=entry.sequence,
        at=entry.at,
        decision=decision,
        registration_number=RegistrationNumber(entry.subject),
        code=details["code"],
        effective_at=effective_at,
    )
