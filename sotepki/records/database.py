"""The database of a workspace: SQLite in its directory, or PostgreSQL by URL; SQLAlchemy 2 typed models."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Engine,
    MetaData,
    create_engine,
    create_mock_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import TypeDecorator

from sotepki.errors import Fault, Misuse
from sotepki.records.addresses import complete, options_of, parsed, schema_of
from sotepki.records.failures import commit_errors, plain_errors
from sotepki.records.files import BooksFile

PATIENCE = 30
"""Seconds that a writer waits for the writer before it."""

_PAGE_BYTES = 8192
"""Of a new file of SQLite. A document fills several pages, each of which is written by itself, to the log and from
there to the file: with SQLite's usual 4096 storing one takes a tenth longer, with 16384 a small change a twentieth.
"""

_CACHE_KIBIBYTES = 8192
"""What a connection to SQLite keeps in memory at most."""

_WRITERS = 0x534F5445
"""First half of the key of PostgreSQL's advisory lock; the other half is the schema's."""

_FOUNDING = 0x534F5446
"""First half of the key of the lock under which a schema is looked for and made."""

# One writer of a schema at a time, as SQLite has it for a file: the journal is a chain.
_TAKE_THE_PEN = text(
    "SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:key, hashtext(current_schema()))"
)

_TAKE_THE_PLACE = text(
    "SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:key, hashtext(:schema))"
)
_THERE = text("SELECT count(*) FROM pg_namespace WHERE nspname = :schema")

_CLOSED = text("SELECT current_schema() IS NULL AND EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema)")

_NAMES = {
    "ix": "%(column_0_label)s_index",
    "uq": "%(table_name)s_%(column_0_N_name)s_once",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_to_%(referred_table_name)s",
    "pk": "%(table_name)s_key",
}
"""Every constraint has a name, so that a migration can change it on either database."""


class Base(DeclarativeBase):
    """Base of every table. A room's tables live in the room's own ``tables.py``."""

    metadata = MetaData(naming_convention=_NAMES)


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
    """An engine with two doors: ``reading`` and ``writing``. Writers follow one another, readers do not wait.

    ``address`` is a URL of SQLite or PostgreSQL (``sotepki.records.addresses``), or the path of a file of SQLite.

    Raises:
        Misuse: it is not the address of a database, or PostgreSQL's driver is not installed.
    """

    def __init__(self, address: str | Path) -> None:
        # A path is no URL: a '?' or a '%41' in it means itself.
        url = parsed(address) if isinstance(address, str) else URL.create("sqlite", database=str(address))
        self.schema = schema_of(url)
        self.file = BooksFile(url)
        self.engine = _engine(url, self.file)
        pool = type(self.engine.pool)
        logging.getLogger(f"{pool.__module__}.{pool.__name__}").addFilter(_in_one_line)

    @property
    def address(self) -> str:
        """The whole address, for another process of this program; never to be printed, it may hold a password."""
        return complete(self.engine.url)

    def create_tables(self) -> None:
        """Create the tables of every room imported so far, all or none; tables that exist are left alone."""
        with self.founding() as connection:
            self.make_schema(connection)
            if is_empty(connection):
                make_tables(connection)
            else:
                Base.metadata.create_all(connection)

    @contextmanager
    def founding(self) -> Iterator[Connection]:
        """A transaction in which nobody else makes or removes the schema, or writes to the file.

        Raises:
            Misuse: the file was removed since it was opened.
        """
        with plain_errors(), self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                self.file.require()
            elif self.schema:
                place = {"patience": f"{PATIENCE}s", "key": _FOUNDING, "schema": self.schema}
                connection.execute(_TAKE_THE_PLACE, place)
            yield connection

    def create_schema(self) -> bool:
        """Make the PostgreSQL schema of this database, if it has one of its own; whether it was made."""
        with self.founding() as connection:
            return self.make_schema(connection)

    def make_schema(self, connection: Connection) -> bool:
        """As ``create_schema``, in a transaction of ``founding``.

        A schema that is there already is only looked for: who may use it need not have the right to make one.
        """
        if not self.schema or connection.scalar(_THERE, {"schema": self.schema}):
            return False
        connection.exec_driver_sql(f'CREATE SCHEMA "{self.schema}"')
        return True

    def drop_schema(self) -> None:
        """Remove the PostgreSQL schema of this database with everything in it."""
        if self.schema:
            with plain_errors(), self.engine.begin() as connection:
                connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE')

    def is_empty(self) -> bool:
        """Whether there is no table."""
        with plain_errors(), self.engine.connect() as connection:
            return is_empty(connection)

    def lacks_schema(self) -> bool:
        """Whether this database has a PostgreSQL schema of its own, and it is not there."""
        if not self.schema:
            return False
        with plain_errors(), self.engine.connect() as connection:
            return not connection.scalar(_THERE, {"schema": self.schema})

    def is_closed(self) -> bool:
        """Whether the PostgreSQL schema of this database is there, and the user may not use it."""
        if not self.schema:
            return False
        with plain_errors(), self.engine.connect() as connection:
            return bool(connection.scalar(_CLOSED, {"schema": self.schema}))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and is rolled back at the end."""
        with plain_errors(), Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN")
            else:
                session.connection(
                    execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                )
            # Closing rolls back; an explicit rollback would also expire what the caller has read.
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that holds the write lock from its beginning; committed at the end, or rolled back whole.

        Raises:
            Misuse: another file of SQLite is in the place of the one that was opened, or none; nothing is stored.
            OutcomeUnknown: the connection was lost during the commit.
        """
        self.file.require()
        with plain_errors(), Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            else:
                take_the_pen(session.connection())
            try:
                yield session
                self.file.require()
                session.flush()  # what fails here was not stored
                with commit_errors():
                    session.commit()
            except BaseException:
                session.rollback()
                raise

    def close(self) -> None:
        """Close every connection; the database object is not used after this."""
        self.engine.dispose()
        self.file.closed()


def is_empty(connection: Connection) -> bool:
    """Whether there is no table."""
    return not inspect(connection).get_table_names()


def make_tables(connection: Connection) -> None:
    """Make the tables of every room imported so far, in a database that is empty."""
    # Asking for every table by itself takes longer than making them, and so does wording them anew each time.
    for statement in _creation(connection.dialect.name, frozenset(Base.metadata.tables)):
        connection.exec_driver_sql(statement)


def take_the_pen(connection: Connection) -> None:
    """Wait on PostgreSQL until nobody else writes to the schema, and keep them waiting until the transaction ends."""
    connection.execute(_TAKE_THE_PEN, {"patience": f"{PATIENCE}s", "key": _WRITERS})


@lru_cache
def _creation(dialect: str, tables: frozenset[str]) -> tuple[str, ...]:
    """The statements that make ``tables``, which are all that are known, in an empty database."""
    made: list[ExecutableDDLElement] = []
    engine = create_mock_engine(f"{dialect}://", lambda statement, *_parameters: made.append(statement))
    Base.metadata.create_all(engine, checkfirst=False)
    return tuple(str(statement.compile(dialect=engine.dialect)) for statement in made)


def _in_one_line(record: logging.LogRecord) -> bool:
    """What SQLAlchemy's pool reports of a connection that does not close, without a traceback.

    An interruption is not reported at all: the pool raises it again, and whoever interrupts gets a sentence then.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return True
    record.msg, record.args = f"{record.getMessage()}: {error}", ()
    record.exc_info = record.exc_text = None
    return isinstance(error, Exception)


def _engine(url: URL, file: BooksFile) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, file)
    try:
        # Who has waited for a writer sees what it wrote, whatever isolation the server or the role is set to.
        return create_engine(
            url,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={"options": options_of(url, os.environ.get("PGOPTIONS", ""))},
        )
    except ModuleNotFoundError as error:
        raise Misuse(
            "The driver of PostgreSQL is not installed.", advice="Install it with: pip install 'psycopg[binary]'"
        ) from error


def _sqlite(url: URL, file: BooksFile) -> Engine:
    engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "do_connect")
    def _keep_private(*_connecting: object) -> None:
        file.make()

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        file.opened()
        # The driver's own BEGIN comes too late for BEGIN IMMEDIATE; transactions are opened by hand.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # before the log, which settles it
        with contextlib.suppress(sqlite3.OperationalError):  # a read-only workspace keeps the mode that it has
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # A code is gone from the file when its letter is sent; Debian's SQLite does this anyway, others do not.
        cursor.execute("PRAGMA secure_delete=ON")
        # A group of documents fits, so that what a transaction wrote is not read back from the disk to be digested.
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
        cursor.close()

    return engine
