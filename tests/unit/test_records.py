"""The kernel's books: a change is whole or not at all, it is in the journal, and no letter is lost."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import database_url, on_postgresql
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from sotepki.clock import SetClock
from sotepki.errors import Fault, Misuse, Refused
from sotepki.records import (
    Channel,
    Database,
    Head,
    JournalEntry,
    OutboxItem,
    Posting,
    Records,
    deliver,
    first_break,
    newest_entries,
    write_atomically,
)
from sotepki.records.heads import note
from sotepki.records.outbox import post
from sotepki.tokens.storage import write_private

NOON = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
LETTER = Posting(Channel.LETTER, "Aino", "letter.txt", b"code 12345678")


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    database = Database(database_url(tmp_path / "books.db"))
    database.create_tables()
    yield Records(database, SetClock(NOON), tmp_path / "outbox")
    database.close()


def _change(records: Records, count: int = 1, **details: str) -> None:
    for number in range(count):
        with records.change("office", "actor") as tx:
            tx.journal("did", f"thing {number}", **details)


def _break(records: Records) -> str | None:
    with records.look() as session:
        return first_break(session)


def _behind_the_back(records: Records, statement: object) -> None:
    with records.database.engine.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_an_untouched_journal_is_whole(records: Records) -> None:
    assert _break(records) is None
    _change(records, 5, note="ä")
    assert _break(records) is None


@pytest.mark.parametrize("field", ["office", "actor", "action", "subject", "details", "at"])
def test_a_changed_entry_is_named(records: Records, field: str) -> None:
    """Somebody could rewrite who did what."""
    _change(records, 4)
    value: object = NOON + timedelta(seconds=1) if field == "at" else "other"
    _behind_the_back(records, update(JournalEntry).where(JournalEntry.sequence == 2).values({field: value}))
    assert "entry 2" in (_break(records) or "")


def test_the_newest_entries_are_shown_oldest_first(records: Records) -> None:
    _change(records, 5)
    with records.look() as session:
        assert [entry.sequence for entry in newest_entries(session, 3)] == [3, 4, 5]


def test_a_changed_entry_with_a_new_hash_breaks_the_next(records: Records) -> None:
    _change(records, 4)
    with records.look() as session:
        entry = session.get(JournalEntry, 2)
        assert entry is not None
        entry.actor = "other"
        forged = entry.computed_hash()
    _behind_the_back(
        records, update(JournalEntry).where(JournalEntry.sequence == 2).values(actor="other", hash=forged)
    )
    assert _break(records) == "Journal entry 3 does not follow the entry before it."


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_a_removed_entry_is_named(records: Records, sequence: int) -> None:
    _change(records, 4)
    _behind_the_back(records, delete(JournalEntry).where(JournalEntry.sequence == sequence))
    assert _break(records) == f"Journal entry {sequence} is missing."


def test_two_entries_that_changed_places_are_noticed(records: Records) -> None:
    _change(records, 3)
    for step in ("update journal set sequence = 99 where sequence = 1",
                 "update journal set sequence = 1 where sequence = 2",
                 "update journal set sequence = 2 where sequence = 99"):  # fmt: skip
        _behind_the_back(records, text(step))
    assert _break(records) is not None


def test_a_reason_with_an_identity_code_is_not_journalled_and_nothing_is_stored(records: Records) -> None:
    """Reasons are typed by people, and the journal is never cleaned."""
    with pytest.raises(Misuse, match="identity code"), records.change("office", "actor") as tx:
        tx.journal("ended", "thing", reason="asked for by 010181-900C")
    with records.look() as session:
        assert session.scalars(select(JournalEntry)).all() == []
    _change(records, reason="asked for by the nurse on duty")


def test_a_change_without_a_journal_entry_is_refused_and_not_stored(records: Records) -> None:
    with pytest.raises(Fault, match="without a journal entry"), records.change("office", "actor") as tx:
        tx.post(LETTER)
    with records.look() as session:
        assert session.scalars(select(OutboxItem)).all() == []
    assert not records.outbox_directory.exists()


@pytest.mark.parametrize("error", [Refused("no"), ValueError("bug"), KeyboardInterrupt()])
def test_an_interrupted_change_leaves_nothing(records: Records, error: BaseException) -> None:
    """Half of a refused or interrupted change would stay: a letter without its order, a journal entry for nothing."""
    _change(records)
    with pytest.raises(type(error)), records.change("office", "actor") as tx:
        tx.journal("did", "half")
        tx.post(LETTER)
        raise error
    with records.look() as session:
        assert session.scalars(select(JournalEntry.subject)).all() == ["thing 0"]
        assert session.scalars(select(OutboxItem)).all() == []
    assert not records.outbox_directory.exists()
    _change(records)
    assert _break(records) is None


def test_a_letter_is_written_once_the_change_is_stored_and_its_content_leaves_the_database(records: Records) -> None:
    """The code in a PIN letter would stay readable in the database for ever."""
    with records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(LETTER)
        tx.post(Posting(Channel.EMAIL, "a@b.example", "letter.txt", b"hello"))
        assert not records.outbox_directory.exists(), "nothing is sent before the change is stored"
    letter = records.outbox_directory / "letters" / "000001-letter.txt"
    assert letter.read_bytes() == LETTER.content
    assert (records.outbox_directory / "emails" / "000002-letter.txt").read_bytes() == b"hello"
    assert stat.S_IMODE(letter.stat().st_mode) == 0o600
    with records.look() as session:
        assert session.scalars(select(OutboxItem.content)).all() == [None, None]
        assert set(session.scalars(select(OutboxItem.delivered))) == {True}


@pytest.mark.skipif(on_postgresql(), reason="the file is SQLite's")
def test_the_books_are_their_owners_alone_and_keep_no_code_that_was_sent(tmp_path: Path) -> None:
    """In a directory that was there before, everybody on the machine could read people and codes."""
    file = tmp_path / "new.db"
    database = Database(f"sqlite:///{file}")
    database.is_empty()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    database.create_tables()
    records = Records(database, SetClock(NOON), tmp_path / "outbox")
    with records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(LETTER)
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("new.db*")} == {0o600}
    with records.look() as session:
        assert session.scalar(text("PRAGMA secure_delete")) == 1
    database.close()
    assert LETTER.content not in file.read_bytes()


def test_books_in_memory_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for address in ("sqlite://", "sqlite:///:memory:"):
        database = Database(address)
        assert database.is_empty()
        database.close()
    assert list(tmp_path.iterdir()) == []


def test_a_letter_that_could_not_be_written_is_written_by_the_next_delivery(records: Records) -> None:
    """A crash or a full disk between the change and the file would lose the letter."""
    records.outbox_directory.write_text("a file where the directory should be")
    with pytest.raises(Fault, match="cannot be written"), records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(LETTER)
    with records.look() as session:
        assert session.scalars(select(JournalEntry.subject)).all() == ["thing"], "the change itself is kept"
        assert session.scalars(select(OutboxItem.content)).all() == [LETTER.content]
    records.outbox_directory.unlink()
    written = deliver(records.database, records.outbox_directory)
    assert [path.read_bytes() for path in written] == [LETTER.content]
    assert deliver(records.database, records.outbox_directory) == []


def test_a_note_that_cannot_be_written_keeps_no_letter_back(records: Records) -> None:
    """The note is made up for by the next change; the letter waited for somebody who opens the workspace."""
    noting = replace(records, head_note=records.outbox_directory.parent / "nowhere" / "head.json")
    with pytest.raises(Fault, match=r"head.json cannot be written"), noting.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(LETTER)
    assert [path.read_bytes() for path in (records.outbox_directory / "letters").iterdir()] == [LETTER.content]


@pytest.mark.parametrize(
    "write",
    [
        lambda path, number: note(path, Head(number, "0" * 64)),
        lambda path, number: write_atomically(path, str(number).encode()),
        lambda path, number: write_private(path, str(number).encode()),
    ],
)
def test_two_threads_that_write_one_file_are_both_told_that_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, int], None]
) -> None:
    """They had one temporary file: of two whose changes stood, one was told of a failure."""
    meeting, really = threading.Barrier(2, timeout=20), os.replace

    def replace_together(part: Path, target: Path) -> None:
        meeting.wait()
        really(part, target)

    monkeypatch.setattr(os, "replace", replace_together)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(write, tmp_path / "file", number) for number in (5, 6)]:
            done.result()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_process_left_half_written_is_removed(records: Records) -> None:
    """Half of a PIN letter would lie in the outbox for ever; what another process writes now is left alone."""
    letters = records.outbox_directory / "letters"
    letters.mkdir(parents=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, of_a_thread, at_work, letter = (
        letters / name
        for name in (f".a.txt.{ended.pid}.part", f".a.txt.{os.getpid()}.{ended.pid}.part",
                     f".b.txt.{ended.pid}.{os.getpid()}.part", ".c.txt.draft.part")
    )  # fmt: skip
    for path in (left, of_a_thread, at_work, letter):
        path.write_text("code 12345678")
    deliver(records.database, records.outbox_directory)
    assert sorted(letters.iterdir()) == sorted([at_work, letter])


def test_many_letters_all_arrive(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are written some at a time; the last ones may not be forgotten."""
    monkeypatch.setattr("sotepki.records.outbox._ROUND", 2)
    with records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        for number in range(5):
            tx.post(Posting(Channel.LETTER, "x", f"{number}.txt", b"x"))
    written = sorted(path.name for path in (records.outbox_directory / "letters").iterdir())
    assert written == [f"{number + 1:06d}-{number}.txt" for number in range(5)]


def test_a_letter_that_another_process_wrote_in_between_is_left_alone(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content is gone by then: the letter would be overwritten by nothing, or the delivery fail."""
    with records.database.writing() as session:
        post(session, LETTER, NOON)
    real = Database.writing

    def after_another(database: Database) -> AbstractContextManager[Session]:
        monkeypatch.undo()
        assert len(deliver(database, records.outbox_directory)) == 1
        return real(database)

    monkeypatch.setattr(Database, "writing", after_another)
    assert deliver(records.database, records.outbox_directory) == []
    (letter,) = (records.outbox_directory / "letters").iterdir()
    assert letter.read_bytes() == LETTER.content


def test_a_change_whose_letter_could_not_be_written_is_not_called_undone(records: Records) -> None:
    """Whoever reads that the disk is full gives the command again, and is refused or changes twice."""
    records.outbox_directory.mkdir(parents=True, exist_ok=True)
    letters = records.outbox_directory / "letters"
    letters.write_text("in the way")
    with pytest.raises(Fault, match="The change was stored"), records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(LETTER)
    letters.unlink()
    assert len(deliver(records.database, records.outbox_directory)) == 1


@pytest.mark.parametrize("name", ["../escape.txt", "/etc/passwd", "a/b", "..", ".", "", "a\0b"])
def test_a_posting_cannot_leave_the_outbox(records: Records, name: str) -> None:
    with pytest.raises(Fault, match="plain file name"), records.change("office", "actor") as tx:
        tx.journal("did", "thing")
        tx.post(Posting(Channel.LETTER, "x", name, b""))


def test_a_file_is_replaced_whole_and_without_leftovers(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.bin"
    write_atomically(target, b"old")
    write_atomically(target, b"new", private=True)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(target.parent) == ["file.bin"]
    with pytest.raises(Fault, match="cannot be written"):
        write_atomically(target / "below", b"x")


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The half-written letter, with its code, would stay as long as the process lives."""

    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Fault, match="No space left on device"):
        write_atomically(tmp_path / "letter.txt", b"letter")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss of power the letter would be there and empty, or its name would be gone."""
    synced: list[tuple[bool, int, bool]] = []
    opened: list[int] = []

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        is_directory = stat.S_ISDIR(status.st_mode)
        synced.append((is_directory, 0 if is_directory else status.st_size, (tmp_path / "letter.txt").exists()))
        opened.append(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "letter.txt", b"letter")
    assert synced == [(False, len(b"letter"), False), (True, 0, True)]
    for descriptor in opened:
        with pytest.raises(OSError):
            os.fstat(descriptor)  # a service that writes for months would run out of them


def test_what_was_read_can_be_used_after_the_reading(records: Records) -> None:
    """A command that prints what it has read would fail after closing the session."""
    _change(records)
    with records.look() as session:
        entry = session.scalars(select(JournalEntry)).one()
    assert (entry.subject, entry.at) == ("thing 0", NOON)


def test_a_reader_sees_one_state_while_somebody_writes(records: Records) -> None:
    """A report would count a change in one table and miss it in the other."""
    _change(records)
    with records.look() as session:
        before = session.scalars(select(JournalEntry.sequence)).all()
        _change(records)
        assert session.scalars(select(JournalEntry.sequence)).all() == before
    with records.look() as session:
        assert len(session.scalars(select(JournalEntry.sequence)).all()) == 2


def test_writers_in_several_threads_follow_one_another(records: Records) -> None:
    """Two registrars at once would break the chain or lose a change."""
    threads = [threading.Thread(target=_change, args=(records, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with records.look() as session:
        assert session.scalars(select(JournalEntry.sequence).order_by("sequence")).all() == list(range(1, 41))
    assert _break(records) is None


def test_a_time_without_a_zone_is_not_stored(records: Records) -> None:
    clock = SetClock(datetime(2026, 5, 4))
    with pytest.raises(Exception, match="without a time zone"):
        _change(Records(records.database, clock, records.outbox_directory))


def _drop_journal(records: Records) -> None:
    _behind_the_back(records, text("drop table journal"))


def _garbage(records: Records) -> None:
    if on_postgresql():
        pytest.skip("PostgreSQL's files are not ours to damage")
    records.database.close()
    path = Path(str(records.database.engine.url.database))
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()
    path.write_bytes(b"not a database" * 100)


@pytest.mark.parametrize("damage", [_drop_journal, _garbage])
def test_a_damaged_database_is_one_sentence(records: Records, damage: Callable[[Records], None]) -> None:
    """A traceback of the database driver."""
    damage(records)
    with pytest.raises(Fault):
        _change(records)
    with pytest.raises(Fault):
        _break(records)


@given(st.lists(st.tuples(st.text(), st.text(), st.dictionaries(st.sampled_from("abc"), st.text())), max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_words_go_through_the_journal_and_back(entries: list[tuple[str, str, dict[str, str]]]) -> None:
    """A name with an odd character would break the chain. Lone surrogates cannot be stored and are refused whole."""
    database = Database("sqlite://")
    database.create_tables()
    records = Records(database, SetClock(NOON), Path("/nonexistent"))
    stored = []
    for action, subject, details in entries:
        try:
            with records.change("office", "actor") as tx:
                tx.journal(action, subject, **details)
        except Misuse:
            continue
        stored.append((action, subject, details))
    with records.look() as session:
        assert first_break(session) is None
        back = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence)).all()
    assert [(e.action, e.subject, json.loads(e.details)) for e in back] == stored
    database.close()
