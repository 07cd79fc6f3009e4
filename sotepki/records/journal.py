"""The audit journal: every change of state in order, each entry hashed together with the one before it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sotepki.records.database import Base, UtcDateTime

_BEFORE_THE_FIRST = "0" * 64


class JournalEntry(Base):
    """One change: who (``actor``) did what (``action``) to what (``subject``), in which office, and when."""

    __tablename__ = "journal"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    office: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]

    def computed_hash(self) -> str:
        """SHA-256 over every field but the hash itself, as JSON with fixed separators."""
        fields = [
            self.sequence, self.at.isoformat(), self.office, self.actor, self.action, self.subject, self.details,
            self.previous_hash,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


_COLUMNS = ("sequence", "at", "office", "actor", "action", "subject", "details", "previous_hash", "hash")
# Statements of the core, not of the object mapper: an entry is written in every transaction there is.
_LAST = select(JournalEntry.sequence, JournalEntry.hash).order_by(JournalEntry.sequence.desc()).limit(1)
_INSERT = insert(cast(Table, JournalEntry.__table__))


def append(
    session: Session,
    *,
    at: datetime,
    office: str,
    actor: str,
    action: str,
    subject: str,
    details: dict[str, str],
) -> None:
    """Add an entry behind the last one; the caller's transaction holds the write lock."""
    last = session.execute(_LAST).first()
    entry = JournalEntry(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        office=office,
        actor=actor,
        action=action,
        subject=subject,
        details=json.dumps(details, ensure_ascii=False, sort_keys=True),
        previous_hash=last.hash if last else _BEFORE_THE_FIRST,
    )
    values = {column: getattr(entry, column) for column in _COLUMNS[:-1]}
    session.execute(_INSERT, {**values, "hash": entry.computed_hash()})


def first_break(session: Session) -> str | None:
    """None if the chain is whole; otherwise a sentence that names the first entry that does not fit."""
    expected_hash = _BEFORE_THE_FIRST
    expected_sequence = 1
    for entry in session.scalars(select(JournalEntry).order_by(JournalEntry.sequence)):
        if entry.sequence != expected_sequence:
            return f"Journal entry {expected_sequence} is missing."
        if entry.previous_hash != expected_hash:
            return f"Journal entry {entry.sequence} does not follow the entry before it."
        if entry.hash != entry.computed_hash():
            return f"Journal entry {entry.sequence} ({entry.action} of {entry.subject}) was changed afterwards."
        expected_hash = entry.hash
        expected_sequence += 1
    return None


def newest_entries(session: Session, count: int) -> list[JournalEntry]:
    """The last ``count`` entries, oldest of them first."""
    newest = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence.desc()).limit(count)).all()
    return list(reversed(newest))
