"""Migrations: models and revisions make one schema, earlier workspaces keep their content, newer ones are refused."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import database_url, on_postgresql
from sqlalchemy import insert, inspect, text

from sotepki.clock import SetClock
from sotepki.dvv.population import PersonRow
from sotepki.errors import Fault, Misuse
from sotepki.records import Database, Records, findings, head
from sotepki.records.journal import note_upgrade
from sotepki.records.migrations import (
    apply,
    back_up,
    directory,
    require_current,
    revision_of,
    revisions,
    stamp_newest,
    upgrade,
)
from sotepki.records.migrations.models import load_models
from sotepki.records.migrations.upgrading import upgrade_books
from sotepki.records.migrations.writing import differences

NOON = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
LATER = '''
"""A later revision: a table, and a column in a table that has rows and that others point to."""

import sqlalchemy as sa
from alembic import op

revision = "9999_later"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("thl_organisation", recreate="{recreate}") as table:
        table.add_column(sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    {more}
'''
ORGANISATION = (
    "INSERT INTO thl_organisation (oid, name, long_name, business_id, kind, municipality, public, kanta_intermediary)"
    " VALUES ('1.2.3', 'TEST', '', '9900001-8', 'county', 'Testilä', true, false)"
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(database_url(tmp_path / "books.db"))
    opened.create_schema()
    yield opened
    opened.close()


@pytest.fixture
def filled(database: Database) -> Database:
    """A database as a new workspace has it, with rows that point to each other."""
    load_models()
    database.create_tables()
    with database.engine.begin() as connection:
        stamp_newest(connection)
        connection.execute(text(ORGANISATION))
        connection.execute(
            text("INSERT INTO thl_domain (name, organisation, position) VALUES ('a.example', '1.2.3', 1)")
        )
    return database


def later(place: Path, *, more: str = "", recreate: str = "auto") -> Path:
    """The revisions of this version and one after them."""
    scripts = place / "scripts"
    shutil.copytree(directory(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    code = LATER.format(before=revisions()[-1], more=more, recreate=recreate)
    (scripts / "versions" / "9999_later.py").write_text(code)
    return scripts


def test_models_and_revisions_make_one_schema(database: Database) -> None:
    """A table or column without a revision: every workspace made before would break at its first use.

    Mend it with ``python -m sotepki.records.migrations regenerate`` before the first release, and with
    ``python -m sotepki.records.migrations revision TITLE`` after it.
    """
    apply(database, None, revisions()[-1])
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_a_drift_would_be_found(database: Database) -> None:
    """The test above would pass whatever happened if the comparison saw nothing."""
    apply(database, None, revisions()[-1])
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE dvv_person DROP COLUMN language"))
        connection.execute(text("DROP INDEX dvv_person_surname_index"))
    with database.engine.connect() as connection:
        assert {found[0] for found in differences(connection)} == {"add_column", "add_index"}


def test_the_names_of_the_files_are_the_revisions_in_their_order() -> None:
    """Opening reads the names only; a chain that says otherwise would refuse every workspace."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(directory()), version_locations=[str(directory() / "versions")])
    assert [one.revision for one in reversed(list(scripts.walk_revisions()))] == revisions()


@pytest.mark.parametrize("start", revisions())
def test_every_revision_leads_to_the_newest(database: Database, start: str) -> None:
    apply(database, None, start)
    assert revision_of(database) == start
    upgrade(database)
    require_current(database)
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_a_new_database_is_current(filled: Database) -> None:
    require_current(filled)
    assert upgrade(filled) == []


@pytest.mark.parametrize("recreate", ["auto", *([] if on_postgresql() else ["always"])])
def test_an_upgrade_keeps_what_is_there(filled: Database, tmp_path: Path, recreate: str) -> None:
    """Rows, and the rows that point to them, also when SQLite has to build the table anew."""
    scripts = later(tmp_path, recreate=recreate)
    with pytest.raises(Misuse, match="sotepki workspace upgrade"):
        require_current(filled, scripts)
    assert upgrade(filled, scripts) == ["9999_later"]
    require_current(filled, scripts)
    with filled.engine.connect() as connection:
        row = connection.execute(text("SELECT name, closed FROM thl_organisation")).one()
        assert (row.name, bool(row.closed)) == ("TEST", False)
        assert connection.scalar(text("SELECT organisation FROM thl_domain")) == "1.2.3"
    with pytest.raises(Misuse, match="a newer version made"):
        require_current(filled)
    with pytest.raises(Misuse, match="a newer version made"):
        upgrade(filled)


def test_the_journal_vouches_for_what_an_upgrade_changed(filled: Database, tmp_path: Path) -> None:
    """Else the audit would call every row that an upgrade has changed a forgery."""
    records = Records(filled, SetClock(NOON), tmp_path / "outbox")
    with records.change("thl", "test") as tx:
        tx.session.execute(text("UPDATE thl_domain SET position = 2"))
        tx.session.execute(insert(PersonRow), [{"hetu": "x", "surname": "x", "given_names": "x", "language": "fi",
                                                "home_address": ""}])  # fmt: skip
        tx.journal("entered", "person 1")
    change = "op.execute(\"UPDATE dvv_person SET home_address = 'unknown'\")"
    upgrade(filled, later(tmp_path, more=change), finish=lambda session: note_upgrade(session, NOON))
    with records.look() as session:
        assert list(findings(session)) == []
    with filled.engine.begin() as connection:
        connection.execute(text("UPDATE dvv_person SET home_address = 'elsewhere'"))
    with records.look() as session:
        assert [line for line in findings(session) if "dvv_person" in line]


@pytest.mark.parametrize("more", ["op.execute('SELECT * FROM nowhere')", "op.execute('not SQL')"])
def test_an_upgrade_that_fails_changes_nothing(filled: Database, tmp_path: Path, more: str) -> None:
    """Half of an upgrade fits neither version."""
    with pytest.raises(Fault):
        upgrade(filled, later(tmp_path, more=more))
    require_current(filled)
    assert "later" not in inspect(filled.engine).get_table_names()


def test_a_database_from_before_the_first_release_is_said(filled: Database) -> None:
    with filled.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    for opening in (require_current, upgrade):
        with pytest.raises(Misuse, match="older than the first release"):
            opening(filled)


def test_an_empty_database_is_said(database: Database) -> None:
    with pytest.raises(Fault, match="not complete"):
        require_current(database)


def test_a_copy_has_everything_also_while_somebody_works(filled: Database, tmp_path: Path) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("a PostgreSQL database is copied by pg_dump")
    with filled.reading() as session:
        session.execute(text("SELECT * FROM thl_domain"))
        back_up(filled, tmp_path / "copy.db")
    copy = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    with copy.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM thl_domain")) == 1
    copy.close()
    with pytest.raises(Fault, match="cannot be written"):
        back_up(filled, tmp_path / "nowhere" / "copy.db")


def test_half_of_a_copy_is_not_left(filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody would take it for the way back."""
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("a PostgreSQL database is copied by pg_dump")

    def full(_target: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with filled.engine.connect():
        pass
    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(Fault, match="disk is full"):
        back_up(filled, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


# --------------------------------------------------------------------------------- the upgrade of a workspace's books


def a_later_version(place: Path, monkeypatch: pytest.MonkeyPatch, **how: str) -> None:
    """From here on the program is one whose newest revision is ``9999_later``."""
    scripts = later(place, **how)
    monkeypatch.setattr("sotepki.records.migrations.directory", lambda: scripts)


@pytest.mark.parametrize("again", [False, True])
def test_books_are_copied_before_they_are_upgraded(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """Who is not content with the new version goes back to the copy; there people stand in it, so it is private."""
    old = revisions()[-1]
    a_later_version(tmp_path, monkeypatch)
    if again and not on_postgresql():
        (tmp_path / "backups").mkdir(mode=0o700)
    done, copy = upgrade_books(filled, tmp_path / "backups", NOON)
    assert done == ["9999_later"]
    require_current(filled)
    with filled.reading() as session:
        assert list(findings(session)) == [] and head(session).sequence == 1
    if on_postgresql():
        assert copy is None and not (tmp_path / "backups").exists()
        return
    assert copy is not None and copy.parent == tmp_path / "backups" and copy.name.startswith(f"sotepki-{old}-")
    assert (stat.S_IMODE(copy.parent.stat().st_mode), stat.S_IMODE(copy.stat().st_mode)) == (0o700, 0o600)
    with filled.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1, "guarded again after the upgrade"
    before = Database(f"sqlite:///{copy}")
    assert revision_of(before) == old
    with before.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM thl_domain")) == 1
    before.close()


def test_books_of_this_version_are_neither_copied_nor_changed(filled: Database, tmp_path: Path) -> None:
    assert upgrade_books(filled, tmp_path / "backups", NOON) == ([], None)
    assert not (tmp_path / "backups").exists()
    with filled.reading() as session:
        assert head(session).sequence == 0


def test_books_that_cannot_be_upgraded_are_not_copied(filled: Database, tmp_path: Path) -> None:
    with filled.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(Misuse, match="older than the first release"):
        upgrade_books(filled, tmp_path / "backups", NOON)
    assert not (tmp_path / "backups").exists()


@pytest.mark.skipif(on_postgresql(), reason="a PostgreSQL database is copied by pg_dump")
def test_without_a_copy_nothing_is_upgraded(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a file in the way: the only books there are would be changed without a way back."""
    before = revision_of(filled)
    a_later_version(tmp_path, monkeypatch)
    (tmp_path / "backups").write_text("a file where the directory should be")
    with pytest.raises(Fault):
        upgrade_books(filled, tmp_path / "backups", NOON)
    with pytest.raises(Fault, match="cannot be made"):
        upgrade_books(filled, tmp_path / "nowhere" / "backups", NOON)
    assert revision_of(filled) == before


def test_an_upgrade_that_would_leave_a_row_without_the_one_it_points_to_changes_nothing(
    filled: Database, tmp_path: Path
) -> None:
    """The domain of an organisation that is gone: later commands would fail where nobody looks for the cause."""
    with pytest.raises(Fault):
        upgrade(filled, later(tmp_path, more="op.execute('DELETE FROM thl_organisation')"))
    require_current(filled)
    with filled.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM thl_organisation")) == 1
