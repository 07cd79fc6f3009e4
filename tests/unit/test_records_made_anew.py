"""Who has books open that were removed or made anew is told, and nothing of theirs reaches the new ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sotepki.clock import SetClock
from sotepki.errors import Misuse, Refused
from sotepki.records import (
    Channel,
    Database,
    JournalEntry,
    Posting,
    Records,
    findings,
    outbox,
    refusals_journalled,
)
from sotepki.records.heads import NOTE, noted
from sotepki.workspace import SETTINGS, Workspace

NOON = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
SAID = r"moved, removed or made anew since it was opened\. Open it again"


def _opened(directory: Path) -> Records:
    return Records(Database(directory / "sotepki.db"), SetClock(NOON), directory / "outbox", directory / NOTE)


def _made(directory: Path, changes: int) -> Records:
    directory.mkdir()
    records = _opened(directory)
    records.database.create_tables()
    _change(records, changes)
    return records


def _change(records: Records, count: int = 1) -> None:
    for number in range(count):
        with records.change("office", "actor") as tx:
            tx.journal("did", f"thing {number}")


def _made_anew(directory: Path) -> None:
    shutil.rmtree(directory)
    _made(directory, 1).database.close()


def _removed(directory: Path) -> None:
    shutil.rmtree(directory)


def _moved(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


def _only_the_books(directory: Path) -> None:
    for path in directory.glob("sotepki.db*"):
        path.unlink()


def _entries(records: Records) -> int:
    with records.look() as session:
        return session.scalar(select(func.count()).select_from(JournalEntry)) or 0


def _audit(directory: Path) -> list[str]:
    records = _opened(directory)
    head = noted(directory / NOTE)
    try:
        with records.look() as session:
            assert head is not None
            return list(findings(session, [head]))
    finally:
        records.database.close()


def test_a_workspace_that_was_begun_anew_is_no_forgery_of_the_one_before(tmp_path: Path) -> None:
    """Work was acknowledged into a deleted file, and the new journal was called cut off for ever."""
    directory = tmp_path / "anna"
    before = _made(directory, 5)
    _made_anew(directory)
    with pytest.raises(Misuse, match=SAID):
        _change(before)
    assert _audit(directory) == []
    assert _entries(before) == 5, "what was written before can still be read"
    after = _opened(directory)
    _change(after)
    assert (_entries(after), _audit(directory)) == (2, [])
    for records in (before, after):
        records.database.close()


@pytest.mark.parametrize("gone", [_removed, _moved, _only_the_books])
def test_a_change_to_books_that_are_gone_is_refused(tmp_path: Path, gone: Callable[[Path], None]) -> None:
    """It was acknowledged, and nobody finds it again."""
    records = _made(tmp_path / "anna", 3)
    gone(tmp_path / "anna")
    with pytest.raises(Misuse, match=SAID):
        _change(records)
    assert _entries(records) == 3
    assert not (tmp_path / "anna" / "sotepki.db").exists(), "no empty file is left, which would be in the way"
    records.database.close()


def test_books_that_are_made_anew_during_a_change_get_nothing_of_it(tmp_path: Path) -> None:
    """A long change, such as a sweep, was committed into a file that was removed meanwhile."""
    directory = tmp_path / "anna"
    records = _made(directory, 3)
    done = []
    with pytest.raises(Misuse, match=SAID), records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.before_commit = lambda: done.append("written by path")
        _made_anew(directory)
    assert (_entries(records), done, _audit(directory)) == (3, [], [])
    records.database.close()


def test_books_that_are_made_anew_after_a_commit_keep_their_own_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters are written between the commit and the note: long enough for another workspace to come."""
    directory, deliver = tmp_path / "anna", outbox.deliver
    records = _made(directory, 3)

    def delivered(database: Database, to: Path) -> list[Path]:
        monkeypatch.setattr(outbox, "deliver", deliver)
        _made_anew(directory)
        return deliver(database, to)

    monkeypatch.setattr(outbox, "deliver", delivered)
    with pytest.raises(Misuse, match=SAID), records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(Posting(Channel.LETTER, "Aino", "letter.txt", b"code 12345678"))
    assert _audit(directory) == []
    assert not (directory / "outbox").exists(), "a letter of another workspace"
    records.database.close()


def test_a_refusal_is_not_written_into_books_that_are_gone(tmp_path: Path) -> None:
    """The journal of refusals goes the same way as every change."""
    records = _made(tmp_path / "anna", 1)
    _made_anew(tmp_path / "anna")
    with (
        pytest.raises(Misuse, match=SAID),
        refusals_journalled(records, office="office", actor="actor", step="step", subject="thing"),
    ):
        raise Refused("no", rule="a.rule")
    assert _audit(tmp_path / "anna") == []
    records.database.close()


def test_books_that_were_closed_are_opened_as_they_are_then(tmp_path: Path) -> None:
    """Who closed them and opens them again means those that are there."""
    records = _made(tmp_path / "anna", 3)
    records.database.close()
    _made_anew(tmp_path / "anna")
    _change(records)
    assert (_entries(records), _audit(tmp_path / "anna")) == (2, [])
    records.database.close()


def test_an_address_that_is_relative_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that goes to another directory has not moved its books."""
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///books.db")
    database.create_tables()
    records = Records(database, SetClock(NOON), tmp_path / "outbox")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    _change(records)
    assert _entries(records) == 1
    database.close()


def _made_anew_with_books_in_it(directory: Path) -> None:
    shutil.rmtree(directory)
    Workspace.create(directory).close()


def _settings_lost(directory: Path) -> None:
    (directory / SETTINGS).unlink()


@pytest.mark.parametrize("gone", [_made_anew_with_books_in_it, _settings_lost])
def test_a_directory_is_told_from_another_one_when_its_books_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: Callable[[Path], None]
) -> None:
    """Books in PostgreSQL outlive their directory: the head of the old ones went into the new directory."""
    monkeypatch.setattr(Workspace, "_found", lambda workspace, *_arguments: _change(workspace.records))
    monkeypatch.setattr(Workspace, "catch_up", lambda *_arguments: None)
    monkeypatch.delenv("SOTEPKI_DATABASE_URL", raising=False)
    directory = tmp_path / "anna"
    with Workspace.create(directory, database=f"sqlite:///{tmp_path / 'books.db'}") as workspace:
        _change(workspace.records, 4)
        workspace.advance_clock(1)  # writes the settings anew: it is the same workspace
        _change(workspace.records)
        before, stands = _entries(workspace.records), noted(directory / NOTE)
        gone(directory)
        new = noted(directory / NOTE)
        with pytest.raises(Misuse, match=SAID):
            _change(workspace.records)
        assert _entries(workspace.records) == before
        assert noted(directory / NOTE) == new
    assert gone is _settings_lost or (new != stands and _audit(directory) == [])
