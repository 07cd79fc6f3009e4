"""Migrations: how a workspace's database of an earlier version becomes one of this version (Alembic, no ini file).

A new workspace gets its tables from the models and the mark of the newest revision; tests prove that models and
revisions make one schema on SQLite and on PostgreSQL. A revision is a file in ``versions/``, named by its number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from sotepki.errors import Fault, Misuse
from sotepki.records.database import Database, take_the_pen
from sotepki.records.failures import closed_schema, plain_errors
from sotepki.resources import package_file

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

VERSIONS = "versions"
VERSION_TABLE = "alembic_version"


def directory() -> Path:
    """Where Alembic finds the revisions of this version."""
    return package_file("records", "migrations")


def revisions(scripts: Path | None = None) -> list[str]:
    """The revisions in their order; read from the names of the files, since Alembic takes long to import."""
    return sorted(path.stem for path in ((scripts or directory()) / VERSIONS).glob("[0-9]*.py"))


def newest_revision() -> str:
    """The revision that this version works with."""
    return revisions()[-1]


def revision_of(database: Database) -> str:
    """The revision of a database; empty if it bears no mark.

    Raises:
        Misuse: the user may not use the schema that it is in.
        Fault: there is no table at all.
    """
    with plain_errors():
        if not inspect(database.engine).has_table(VERSION_TABLE):
            if database.is_empty():
                if database.is_closed():
                    raise closed_schema()
                raise Fault(
                    "The workspace's database is not complete.",
                    advice="Restore it from a copy, or make a new workspace with 'sotepki init'.",
                )
            return ""
        with database.engine.connect() as connection:
            return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) or "")


def require_current(database: Database, scripts: Path | None = None) -> None:
    """Let a database pass that has the form of this version.

    Raises:
        Misuse: it is of an earlier version (``sotepki workspace upgrade`` helps), or of a newer one.
    """
    found, known = revision_of(database), revisions(scripts)
    if found == known[-1]:
        return
    if found in known:
        raise Misuse(
            f"The workspace's database has the form {found}, this version works with {known[-1]}.",
            advice="Give 'sotepki workspace upgrade'; it keeps a copy.",
        )
    raise _not_ours(found)


def stamp_newest(connection: Connection) -> None:
    """Mark a database that was just made from the models as one of the newest revision."""
    _context(connection).stamp(_scripts(None), "head")


def upgrade(
    database: Database, scripts: Path | None = None, *, finish: Callable[[Session], None] | None = None
) -> list[str]:
    """Take a database to the newest revision, whole or not at all; the revisions that were applied.

    ``finish`` is done in the same transaction, behind the last revision.

    Raises:
        Misuse: a newer version made it, or one before the first release.
        Fault: a revision failed; nothing was changed.
    """
    found, known = revision_of(database), revisions(scripts)
    if found not in known:
        raise _not_ours(found)
    if found != known[-1]:
        with plain_errors():
            apply(database, scripts, known[-1], finish=finish)
    return known[known.index(found) + 1 :]


def apply(
    database: Database, scripts: Path | None, target: str, *, finish: Callable[[Session], None] | None = None
) -> None:
    """Run the revisions up to ``target`` in one transaction, also on an empty database."""
    from alembic.operations import Operations

    with database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # A table that is rebuilt may not drag along the rows that point to it; checked before the commit.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A writer in the middle of its change would wait for a revision's tables, and the revision for its.
            take_the_pen(connection)
        script = _scripts(scripts)
        context = _context(connection, lambda at, _context: script._upgrade_revs(target, at))
        with Operations.context(context):
            context.run_migrations()
        if finish is not None:
            with Session(connection, join_transaction_mode="rollback_only") as session:
                finish(session)
                session.commit()
        if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise Fault("The upgrade would leave a row that points nowhere; nothing was changed.")
        connection.commit()
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def back_up(database: Database, target: Path) -> None:
    """Copy a SQLite database, also one in use, to a file.

    Raises:
        Fault: the copy cannot be written.
    """
    try:
        target.touch(mode=0o600)
        with database.engine.connect() as connection:
            source = cast(sqlite3.Connection, connection.connection.dbapi_connection)
            copy = sqlite3.connect(target)
            try:
                source.backup(copy)
            finally:
                copy.close()
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise Fault(f"The copy {target} cannot be written: {error}.") from error


def _not_ours(found: str) -> Misuse:
    if found:
        return Misuse(
            f"The workspace's database has the form {found[:40]}, which a newer version made.",
            advice="Use the version that made it, or make a new workspace.",
        )
    return Misuse(
        "The workspace's database is older than the first release, from which on databases can be upgraded.",
        advice="Make a new workspace with 'sotepki init'.",
    )


def _scripts(scripts: Path | None):  # type: ignore[no-untyped-def]
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(scripts or directory()), version_locations=[str((scripts or directory()) / VERSIONS)])


def _context(connection: Connection, steps: object = None) -> MigrationContext:
    from alembic.runtime.migration import MigrationContext

    options = {"transactional_ddl": True, "fn": steps}
    return MigrationContext.configure(connection, opts={name: one for name, one in options.items() if one})
