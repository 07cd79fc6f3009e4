"""State: one database, one audit journal, one outbox; every change is one transaction that says who did what."""

from sotepki.records.database import Base, Database, UtcDateTime
from sotepki.records.journal import JournalEntry, first_break, newest_entries
from sotepki.records.outbox import Channel, OutboxItem, Posting, deliver, write_atomically
from sotepki.records.transaction import Records, Transaction

__all__ = [
    "Base",
    "Channel",
    "Database",
    "JournalEntry",
    "OutboxItem",
    "Posting",
    "Records",
    "Transaction",
    "UtcDateTime",
    "deliver",
    "first_break",
    "newest_entries",
    "write_atomically",
]
