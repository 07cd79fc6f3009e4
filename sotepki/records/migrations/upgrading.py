"""The upgrade of a workspace's books: copied first, taken to this version's form, and vouched for in it."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from sotepki.errors import Fault
from sotepki.records.database import Database
from sotepki.records.journal import note_upgrade
from sotepki.records.migrations import back_up, newest_revision, revision_of, upgrade
from sotepki.records.migrations.models import load_models


def upgrade_books(database: Database, backups: Path, at: datetime) -> tuple[list[str], Path | None]:
    """Upgrade a database; the revisions applied, and the copy made before in ``backups`` (of SQLite only).

    Raises:
        Misuse: the database is not one that can be upgraded.
        Fault: the copy cannot be written, or a revision fails; then nothing was changed.
    """
    load_models()
    before, copy = revision_of(database), None
    if database.engine.dialect.name == "sqlite" and before not in ("", newest_revision()):
        try:
            backups.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Fault(f"The directory {backups} cannot be made: {error.strerror}.") from error
        copy = backups / f"sotepki-{before}-{secrets.token_hex(3)}.db"
        back_up(database, copy)
    return upgrade(database, finish=lambda session: note_upgrade(session, at)), copy
