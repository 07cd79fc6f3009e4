"""The database of a workspace: SQLite in its directory, or PostgreSQL by URL; SQLAlchemy 2 typed models."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, create_engine, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from sotepki.errors import Fault, Misuse, SotepkiError

_WRITERS = 0x534F5445
"""Key of the PostgreSQL advisory lock that lets one writer in at a time, as SQLite does by itself."""


class Base(DeclarativeBase):
    """Base of every table. A room's tables live in the room's own ``tables.py``."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise Fault("A time without a time zone was about to be stored.")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Database:
    """An engine with two doors: ``reading`` and ``writing``. Writers follow one another, readers do not wait."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

    def create_tables(self) -> None:
        """Create the tables of every room imported so far; tables that exist are left alone."""
        with _plain_errors():
            Base.metadata.create_all(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and is rolled back at the end."""
        with _plain_errors(), Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN")
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            # Closing rolls back; an explicit rollback would also expire what the caller has read.
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that holds the write lock from its beginning; committed at the end, or rolled back whole."""
        with _plain_errors(), Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            elif self.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def close(self) -> None:
        """Close every connection; the database object is not used after this."""
        self.engine.dispose()


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except SotepkiError:
        raise
    except UnicodeEncodeError as error:
        raise Misuse(f"The text {error.object!a} is not UTF-8.", advice="Write it again as UTF-8.") from error
    except OperationalError as error:
        raise Fault(_sentence(str(error.orig)), advice=_advice(str(error.orig))) from error
    except DatabaseError as error:
        raise Fault(f"The database refused the change: {error.orig}.") from error


def _sentence(cause: str) -> str:
    if "readonly" in cause or "unable to open" in cause:
        return "The workspace's database cannot be written."
    if "full" in cause or "disk I/O" in cause:
        return "The disk is full, nothing was changed."
    if "locked" in cause:
        return "Another process holds the workspace's database."
    if "no such table" in cause:
        return "The workspace's database is not complete."
    return f"The database failed: {cause}."


def _advice(cause: str) -> str:
    if "readonly" in cause or "unable to open" in cause:
        return "Check the owner and the permissions of the workspace directory."
    if "full" in cause or "disk I/O" in cause:
        return "Make room and give the command again."
    if "locked" in cause:
        return "Wait until it is ready and give the command again."
    if "no such table" in cause:
        return "Make a new workspace with 'sotepki init'."
    return ""


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # The driver's own BEGIN comes too late for BEGIN IMMEDIATE; transactions are opened by hand.
        connection.isolation_level = None
        cursor = connection.cursor()
        with contextlib.suppress(sqlite3.OperationalError):  # a read-only workspace keeps the mode that it has
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine
