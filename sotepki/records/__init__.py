"""State: one database, one audit journal, one outbox; every change is one transaction that says who did what."""

from sotepki.records.database import Base, Database, UtcDateTime
from sotepki.records.heads import Head
from sotepki.records.journal import JournalEntry, findings, first_break, head, newest_entries
from sotepki.records.outbox import Channel, OutboxItem, Posting, deliver, write_atomically
from sotepki.records.refusals import journals_refusals, refusals_journalled
from sotepki.records.transaction import Records, Transaction

__all__ = [
    "Base",
    "Channel",
    "Database",
    "Head",
    "JournalEntry",
    "OutboxItem",
    "Posting",
    "Records",
    "Transaction",
    "UtcDateTime",
    "deliver",
    "findings",
    "first_break",
    "head",
    "journals_refusals",
    "newest_entries",
    "refusals_journalled",
    "write_atomically",
]
