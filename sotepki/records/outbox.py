"""The outbox: letters and e-mails that the offices send, written as files once their transaction is committed.

A posting is stored in the same transaction as the change that caused it, so a crash can neither lose a letter nor
send one for a change that did not happen. Writing the file is repeated until it succeeds.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sotepki.errors import Fault
from sotepki.records.database import Base, Database, UtcDateTime
from sotepki.records.vouching import UNVOUCHED
from sotepki.signals import is_alive

_ROUND = 50
"""Postings marked as written in one transaction: a kill repeats no more than these, under the same names."""


class Channel(StrEnum):
    """How a posting travels; also the name of its directory in the outbox."""

    LETTER = "letters"
    EMAIL = "emails"


@dataclass(frozen=True)
class Posting:
    """A letter or an e-mail with one file of content. ``name`` is the file name, without directories."""

    channel: Channel
    recipient: str
    name: str
    content: bytes


class OutboxItem(Base):
    """A posting on its way; ``content`` is emptied when the file is written, since letters hold codes."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    channel: Mapped[str]
    recipient: Mapped[str]
    name: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(info={UNVOUCHED: True})
    delivered: Mapped[bool] = mapped_column(default=False, info={UNVOUCHED: True})


def post(session: Session, posting: Posting, at: datetime) -> OutboxItem:
    """Put a posting in the outbox as part of the caller's transaction."""
    if Path(posting.name).name != posting.name or posting.name in ("", "..") or not posting.name.isprintable():
        raise Fault(f"The outbox name {posting.name!r} is not a plain file name.")
    item = OutboxItem(
        posted_at=at, channel=posting.channel, recipient=posting.recipient, name=posting.name, content=posting.content
    )
    session.add(item)
    session.flush()
    return item


def deliver(database: Database, directory: Path) -> list[Path]:
    """Write the files of all undelivered postings; each appears whole or not at all.

    Files are named ``<number>-<name>``, so that two postings of one name do not meet.
    """
    _clear_parts(directory)
    written: list[Path] = []
    with database.reading() as session:
        waiting = session.scalars(select(OutboxItem.id).where(OutboxItem.delivered.is_(False))).all()
    for start in range(0, len(waiting), _ROUND):
        with database.writing() as session:
            for item in session.scalars(select(OutboxItem).where(OutboxItem.id.in_(waiting[start : start + _ROUND]))):
                if item.content is None:  # another process was faster
                    continue
                target = directory / item.channel / f"{item.id:06d}-{item.name}"
                write_atomically(target, item.content, private=True)
                item.delivered, item.content = True, None
                written.append(target)
    return written


def _clear_parts(directory: Path) -> None:
    """Remove the unfinished files of processes that were killed: they may hold codes."""
    for part in directory.glob("*/.*.part"):
        process = part.name.split(".")[-2]
        if process.isdecimal() and not is_alive(int(process)):
            part.unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file so that a reader sees the old content or the new, never a part; ``private`` means mode 0600.

    Raises:
        Fault: the disk is full or the directory cannot be written.
    """
    # Two threads may write one file; the process comes last, where ``_clear_parts`` looks for it.
    part = target.with_name(f".{target.name}.{threading.get_native_id()}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, target)
        _sync_directory(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise Fault(f"The file {target} cannot be written: {error.strerror}.") from error


def _sync_directory(directory: Path) -> None:
    """Make the name of a file that was just put in place survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
