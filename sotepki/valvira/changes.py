"""What was decided about rights, in order: who must learn of a removal at once reads it here.

The audit journal is the source, so nothing that was decided can be missing, and nothing is told that was not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.identifiers import RegistrationNumber
from sotepki.records import JournalEntry

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
    """A decision about a right. ``effective_at`` of an announced removal is later than ``at``."""

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
    effective = details.get("effective_at")
    return RightChange(
        number=entry.sequence,
        at=entry.at,
        decision=Decision(entry.action),
        registration_number=RegistrationNumber(entry.subject),
        code=details["code"],
        effective_at=datetime.fromisoformat(effective) if effective else entry.at,
    )
