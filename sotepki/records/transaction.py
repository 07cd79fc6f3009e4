"""One change of state: rows, journal entry and postings together, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from sotepki.clock import Clock
from sotepki.errors import Fault
from sotepki.records import journal, outbox
from sotepki.records.database import Database


@dataclass
class Transaction:
    """What an office holds while it changes something."""

    session: Session
    now: datetime
    office: str
    actor: str
    entries: int = field(default=0, init=False)
    postings: int = field(default=0, init=False)

    def journal(self, action: str, subject: str, **details: str) -> None:
        """Write the change into the audit journal. Never pass identity codes, PINs or codes in ``details``."""
        journal.append(
            self.session,
            at=self.now,
            office=self.office,
            actor=self.actor,
            action=action,
            subject=subject,
            details=details,
        )
        self.entries += 1

    def post(self, posting: outbox.Posting) -> None:
        """Send a letter or an e-mail when, and only when, this transaction is committed."""
        outbox.post(self.session, posting, self.now)
        self.postings += 1


@dataclass(frozen=True)
class Records:
    """What every office keeps its books with: the database, the clock, and where letters go."""

    database: Database
    clock: Clock
    outbox_directory: Path

    @contextmanager
    def change(self, office: str, actor: str) -> Iterator[Transaction]:
        """One transaction of ``office`` on behalf of ``actor``. It must journal what it does.

        Raises:
            Fault: the block ended without a journal entry; then nothing is stored.
        """
        with self.database.writing() as session:
            transaction = Transaction(session, self.clock.now(), office, actor)
            yield transaction
            if not transaction.entries:
                raise Fault(f"A change by {office} was about to be stored without a journal entry.")
        if transaction.postings:
            outbox.deliver(self.database, self.outbox_directory)

    @contextmanager
    def look(self) -> Iterator[Session]:
        """A session for reading."""
        with self.database.reading() as session:
            yield session
