"""The upgrade of a workspace of an earlier version."""

from __future__ import annotations

from pathlib import Path

from sotepki.clock import SystemClock
from sotepki.records.homes import require_schema
from sotepki.records.migrations.upgrading import upgrade_books
from sotepki.workspace.claiming import require_finished
from sotepki.workspace.directory import books_of, read_settings


def upgrade(directory: Path) -> tuple[list[str], Path | None]:
    """Take the database of a workspace to the form of this version; the revisions applied, and the copy made before.

    On SQLite the database is copied into ``backups/`` first; a PostgreSQL database is its owner's to copy (pg_dump).

    Raises:
        Misuse: there is no workspace, init has not finished it, or its database is not one that can be upgraded.
        Fault: the copy cannot be written, or a revision fails; then nothing was changed.
    """
    directory = directory.absolute()
    require_finished(directory)
    settings = read_settings(directory)
    database = books_of(directory, settings)
    try:
        require_schema(database)
        now = SystemClock(settings.clock_offset).now()
        return upgrade_books(database, directory / "backups", now)
    finally:
        database.close()
