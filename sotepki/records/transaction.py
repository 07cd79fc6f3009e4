"""One change of state: rows, journal entry and postings together, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from sotepki.clock import Clock
from sotepki.errors import Fault, Misuse, SotepkiError
from sotepki.identifiers import holds_identity_code
from sotepki.records import heads, journal, outbox
from sotepki.records.database import Database
from sotepki.records.failures import OutcomeUnknown
from sotepki.records.vouching import Touched, watching


@dataclass
class Transaction:
    """What an office holds while it changes something.

    Attributes:
        before_commit: called when all is written and only the disk has to be waited for.
        if_not_stored: called when the commit failed for certain, to undo what ``before_commit`` did.
    """

    session: Session
    now: datetime
    office: str
    actor: str
    touched: Touched
    before_commit: Callable[[], None] | None = field(default=None, init=False)
    if_not_stored: Callable[[], None] | None = field(default=None, init=False)
    entries: list[journal.Entry] = field(default_factory=list, init=False)
    postings: int = field(default=0, init=False)

    def journal(self, action: str, subject: str, **details: str) -> None:
        """Write the change into the audit journal. Never pass identity codes, PINs or codes in ``details``.

        Raises:
            Misuse: the ``reason``, which people write, holds an identity code; then nothing is stored.
        """
        if holds_identity_code(details.get("reason", "")):
            raise Misuse(
                "The reason holds a personal identity code, and the journal keeps what it is given.",
                advice="Name people by their task.",
            )
        self.entries.append(journal.Entry(self.now, self.office, self.actor, action, subject, details))

    def post(self, posting: outbox.Posting) -> None:
        """Send a letter or an e-mail when, and only when, this transaction is committed."""
        outbox.post(self.session, posting, self.now)
        self.postings += 1


@contextmanager
def _undone() -> Iterator[list[Callable[[], None]]]:
    """Do what stands in the list at the end, if it is certain by then that nothing was stored."""
    undo: list[Callable[[], None]] = []
    try:
        yield undo
    except OutcomeUnknown:
        raise
    except SotepkiError:
        for one in undo:
            one()
        raise


@dataclass(frozen=True)
class Records:
    """What every office keeps its books with: the database, the clock, and where letters go.

    ``head_note`` is the file in which the journal's head is noted after every change. ``require_place`` raises if
    another workspace has taken the place of the one that was opened; a file of SQLite is looked at anyway.
    """

    database: Database
    clock: Clock
    outbox_directory: Path
    head_note: Path | None = None
    require_place: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    @contextmanager
    def change(self, office: str, actor: str) -> Iterator[Transaction]:
        """One transaction of ``office`` on behalf of ``actor``. It must journal what it does.

        Raises:
            Fault: the block ended without a journal entry; then nothing is stored. Or letters could not be written,
                of which the sentence says that the change was stored.
            Misuse: the workspace was removed or made anew since it was opened; then nothing is stored.
            OutcomeUnknown: the connection was lost during the commit.
        """
        self.require_same_place()
        with _undone() as undo, self.database.writing() as session, watching(session) as touched:
            transaction = Transaction(session, self.clock.now(), office, actor, touched)
            yield transaction
            if not transaction.entries:
                raise Fault(f"A change by {office} was about to be stored without a journal entry.")
            head = journal.append(session, transaction.entries, touched)
            self.require_same_place()  # before anything is written by path
            if transaction.before_commit is not None:
                transaction.before_commit()
            if transaction.if_not_stored is not None:
                undo.append(transaction.if_not_stored)
        # Letters first: the note may be behind the journal, and the next change mends it, but a letter waits for
        # whoever opens the workspace next.
        try:
            if transaction.postings:
                outbox.deliver(self.database, self.outbox_directory)
        except Fault as fault:
            raise Fault(
                f"The change was stored, but not all of its letters were written: {fault.sentence}",
                advice="Do not give the command again: they are written when the workspace is opened next.",
            ) from fault
        finally:
            if self.head_note is not None:
                self.require_same_place()  # another journal may have its head there now
                heads.note(self.head_note, head)

    @contextmanager
    def look(self) -> Iterator[Session]:
        """A session for reading."""
        with self.database.reading() as session:
            yield session

    def require_same_place(self) -> None:
        """Let the workspace pass that was opened.

        Raises:
            Misuse: it was moved, removed or made anew.
        """
        self.database.file.require()
        if self.require_place is not None:
            self.require_place()
