"""The audit journal: every change of state in order, each entry hashed together with the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sotepki.records.database import Base, UtcDateTime
from sotepki.records.heads import Head
from sotepki.records.vouching import (
    Touched,
    as_json,
    as_sorted_json,
    digests_by_entry,
    strangers,
    vouch,
    vouch_for_all,
    watching,
)

_BEFORE_THE_FIRST = "0" * 64


class JournalEntry(Base):
    """One change: who (``actor``) did what (``action``) to what (``subject``), in which office, and when.

    ``rows`` is the SHA-256 over the digests of all rows that the transaction touched (``vouching``); of several
    entries of one transaction the last one has it.
    """

    __tablename__ = "journal"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    office: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]
    rows: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]

    def computed_hash(self) -> str:
        """SHA-256 over every field but the hash itself, as JSON with fixed separators."""
        return _hash({name: getattr(self, name) for name in _HASHED})


@dataclass(frozen=True)
class Entry:
    """What a transaction says that it did; it becomes a ``JournalEntry`` when the transaction ends."""

    at: datetime
    office: str
    actor: str
    action: str
    subject: str
    details: Mapping[str, str]


_HASHED = ("sequence", "at", "office", "actor", "action", "subject", "details", "rows", "previous_hash")

# Statements of the core, not of the object mapper: an entry is written in every transaction there is.
_TABLE = cast(Table, JournalEntry.__table__)
_LAST = select(_TABLE.c.sequence, _TABLE.c.hash).order_by(_TABLE.c.sequence.desc()).limit(1)
_INSERT = insert(_TABLE)


def append(session: Session, entries: Sequence[Entry], touched: Touched) -> Head:
    """Add entries behind the last one, with the digests of the rows that the transaction touched; the new head.

    The caller's transaction holds the write lock and ends with this.
    """
    last = head(session)
    written: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, start=1):
        sequence = last.sequence + number
        row = {
            "sequence": sequence,
            "at": entry.at,
            "office": entry.office,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "details": as_sorted_json(entry.details),
            "rows": vouch(session, touched, sequence) if number == len(entries) else "",
            "previous_hash": written[-1]["hash"] if written else last.hash,
        }
        written.append(row | {"hash": _hash(row)})
    session.connection().execute(_INSERT, written)
    return Head(last.sequence + len(written), written[-1]["hash"])


def _hash(row: Mapping[str, Any]) -> str:
    fields = [row["at"].isoformat() if name == "at" else row[name] for name in _HASHED]
    return hashlib.sha256(as_json(fields).encode()).hexdigest()


def note_upgrade(session: Session, at: datetime) -> None:
    """Let the journal vouch for every row in the form that an upgrade of the database gave it."""
    with watching(session) as touched:
        vouch_for_all(session, touched)
        append(session, [Entry(at, "workspace", "upgrade", "database upgraded", "all rows", {})], touched)


def head(session: Session) -> Head:
    """The last entry; number 0 before the first."""
    last = session.connection().execute(_LAST).first()
    return Head(last.sequence, last.hash) if last else Head(0, _BEFORE_THE_FIRST)


def first_break(session: Session) -> str | None:
    """None if the chain is whole; otherwise a sentence that names the first entry that does not fit."""
    expected_hash = _BEFORE_THE_FIRST
    expected_sequence = 1
    vouched = dict(digests_by_entry(session))
    for entry in session.scalars(select(JournalEntry).order_by(JournalEntry.sequence)):
        if entry.sequence != expected_sequence:
            return f"Journal entry {expected_sequence} is missing."
        if entry.previous_hash != expected_hash:
            return f"Journal entry {entry.sequence} does not follow the entry before it."
        if entry.hash != entry.computed_hash():
            return f"Journal entry {entry.sequence} ({entry.action} of {entry.subject}) was changed afterwards."
        if entry.rows != vouched.pop(entry.sequence, ""):
            return f"The digests of rows that belong to journal entry {entry.sequence} were changed afterwards."
        expected_hash = entry.hash
        expected_sequence += 1
    if vouched:
        return f"Journal entry {min(vouched)} is missing, its digests of rows are still there."
    return None


def findings(session: Session, noted: Sequence[Head] = ()) -> Iterator[str]:
    """A sentence for everything that does not fit: the chain, heads that were noted, every row of every table."""
    broken = first_break(session)
    if broken:
        yield broken
    last = head(session).sequence
    for one in noted:
        # A number behind the last one is not asked for: it may be larger than any that the database knows.
        asked = select(JournalEntry.hash).where(JournalEntry.sequence == one.sequence)
        there = session.scalar(asked) if one.sequence <= last else None
        if one.sequence and there is None:
            yield f"The journal ends before entry {one.sequence}, which was noted as its last: its end was cut off."
        elif one.sequence and there != one.hash:
            yield f"Journal entry {one.sequence} is another one than was noted: the journal was written anew."
    yield from strangers(session)


def newest_entries(session: Session, count: int) -> list[JournalEntry]:
    """The last ``count`` entries, oldest of them first."""
    newest = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence.desc()).limit(count)).all()
    return list(reversed(newest))
