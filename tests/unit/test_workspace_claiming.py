"""One init at a time has a directory, it removes what it made and nothing else, and what it is told is kept apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import on_postgresql
from inits import inits_at_once
from sqlalchemy.orm import Session

from sotepki.clock import SystemClock
from sotepki.errors import Fault, Misuse
from sotepki.records import Database
from sotepki.records.failures import OutcomeUnknown
from sotepki.records.files import BooksFile
from sotepki.records.migrations import require_current
from sotepki.tokens import storage
from sotepki.workspace import INCOMPLETE, SETTINGS, Workspace
from sotepki.workspace.claiming import Claim
from sotepki.workspace.directory import Settings, read_settings, write_settings

OURS = "sotepki init is at work here, or was interrupted.\n"
CREATED = "2026-05-04T09:00:00+00:00"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Init without keys and registers: these tests are about the directory."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)


def _everything(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b""
        for path in sorted(directory.rglob("*"))
    }


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def found(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(Workspace, "_found", found)


def _killed(directory: Path, database: str = "") -> None:
    """An init that was killed when it had its tables."""
    program = (
        "import os, sys; from pathlib import Path; from sotepki.workspace import Workspace\n"
        "Workspace._found = lambda *_: os._exit(9)\n"
        "Workspace.create(Path(sys.argv[1]), database=sys.argv[2])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(directory), database], check=False, timeout=60)
    assert done.returncode == 9


# ------------------------------------------------------------------------------------------------- two at one place


def test_a_second_init_beside_one_at_work_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer gives init twice, in two windows: the second took the tokens away from under the first."""
    directory, said = tmp_path / "ws", list[str]()

    def found(workspace: Workspace, *_arguments: object) -> None:
        monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
        before = _everything(workspace.directory)
        for attempt in (Workspace.create, Workspace.open):
            with pytest.raises(Misuse) as caught:
                attempt(directory).close()
            said.append(str(caught.value))
        assert _everything(workspace.directory) == before

    monkeypatch.setattr(Workspace, "_found", found)
    Workspace.create(directory).close()
    assert len(said) == 2
    assert all("Another init is at work here" in sentence for sentence in said), said
    assert not (directory / INCOMPLETE).exists()
    with pytest.raises(Misuse, match="holds a workspace already; nothing was changed"):
        Workspace.create(directory)
    assert (directory / SETTINGS).exists()


def test_an_init_that_was_waited_for_is_not_undone(
    tmp_path: Path, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the marker and its lock the other init ends: the workspace that it reported stays."""
    directory = tmp_path / "ws"
    directory.mkdir()
    (directory / INCOMPLETE).write_text(OURS)
    real = storage.try_lock

    def late(path: Path) -> Any:
        lock = real(path)
        if path.exists() and not (directory / SETTINGS).exists():
            path.unlink()
            (directory / SETTINGS).write_text("{}")
        return lock

    monkeypatch.setattr("sotepki.workspace.claiming.try_lock", late)
    with pytest.raises(Misuse, match="holds a workspace already"):
        Workspace.create(directory)
    assert _everything(directory) == {SETTINGS: b"{}"}


def test_an_upgrade_leaves_a_workspace_alone_that_is_not_finished(tmp_path: Path) -> None:
    from sotepki.workspace import upgrade

    (tmp_path / INCOMPLETE).write_text(OURS)
    with pytest.raises(Misuse, match="left incomplete"):
        upgrade(tmp_path)


# ------------------------------------------------------------------------------------------------ what is not init's


@pytest.mark.parametrize("marker", ["My notes of what is incomplete.\n", "", None])
def test_a_strangers_file_of_the_markers_name_is_not_taken_for_it(
    tmp_path: Path, hasty: None, marker: str | None
) -> None:
    """A directory of a thesis that happened to hold a file INCOMPLETE was emptied."""
    if marker is None:
        (tmp_path / INCOMPLETE).mkdir()
    else:
        (tmp_path / INCOMPLETE).write_text(marker)
    (tmp_path / "thesis.txt").write_text("mine")
    before = _everything(tmp_path)
    with pytest.raises(Misuse, match="holds other files already; nothing was changed"):
        Workspace.create(tmp_path)
    assert _everything(tmp_path) == before


def test_a_file_that_came_to_an_unfinished_workspace_stays(tmp_path: Path, hasty: None) -> None:
    directory = tmp_path / "ws"
    _killed(directory)
    (directory / "thesis.txt").write_text("mine")
    before = _everything(directory)
    with pytest.raises(Misuse, match=r"other files beside what an interrupted init left \(thesis.txt\)"):
        Workspace.create(directory)
    assert _everything(directory) == before
    (directory / "thesis.txt").unlink()
    Workspace.create(directory).close()
    assert not (directory / INCOMPLETE).exists()


def test_a_failed_init_removes_what_it_made_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(workspace: Workspace, *_arguments: object) -> None:
        (workspace.directory / "thesis.txt").write_text("mine")
        raise Fault("first")

    monkeypatch.setattr(Workspace, "_found", found)
    with pytest.raises(Fault, match="first"):
        Workspace.create(tmp_path / "ws")
    assert _everything(tmp_path / "ws") == {"thesis.txt": b"mine"}
    _failing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        Workspace.create(tmp_path / "other")
    assert not (tmp_path / "other").exists()


# ------------------------------------------------------------------------------------- books outside the directory


def test_a_failed_init_removes_the_file_of_the_books_that_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood in the way of the next init with the same address."""
    _failing(monkeypatch, Fault("first"))
    for name in ("books.db", "what they are.db"):
        with pytest.raises(Fault, match="first"):
            Workspace.create(tmp_path / "ws", database=f"sqlite:///{tmp_path / name}")
        assert _everything(tmp_path) == {}


def test_a_failed_init_leaves_the_file_of_the_books_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "books.db").touch()
    _failing(monkeypatch, Fault("first"))
    with pytest.raises(Fault, match="first"):
        Workspace.create(tmp_path / "ws", database=f"sqlite:///{tmp_path / 'books.db'}")
    assert not (tmp_path / "ws").exists()
    books = Database(f"sqlite:///{tmp_path / 'books.db'}")
    assert (tmp_path / "books.db").exists() and books.is_empty()
    books.close()


def test_a_killed_init_can_be_given_again_with_its_address(tmp_path: Path, hasty: None) -> None:
    for place in (tmp_path / "books.db", tmp_path / "ws" / "books.db"):
        address = f"sqlite:///{place}"
        _killed(tmp_path / "ws", address)
        Workspace.create(tmp_path / "ws", database=address).close()
        assert not (tmp_path / "ws" / INCOMPLETE).exists()
        assert json.loads((tmp_path / "ws" / SETTINGS).read_text())["database"] == address
        for path in (*(tmp_path / "ws").iterdir(), place):
            path.unlink(missing_ok=True)


def test_what_could_not_be_removed_is_left_to_the_next_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first error is told, not that of clearing, and the next init still knows what there is to remove."""
    address = f"sqlite:///{tmp_path / 'books.db'}"

    def refuse(_file: BooksFile) -> None:
        raise Fault("second")

    with monkeypatch.context() as context:
        _failing(context, Fault("first"))
        context.setattr(BooksFile, "remove", refuse)
        with pytest.raises(Fault, match="first"):
            Workspace.create(tmp_path / "ws", database=address)
        assert {path.name for path in (tmp_path / "ws").iterdir()} == {INCOMPLETE, SETTINGS}
        with pytest.raises(Misuse, match=r"left the file sqlite:.*books.db, which cannot be removed: second"):
            Workspace.create(tmp_path / "ws")
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    Workspace.create(tmp_path / "ws").close()
    assert not (tmp_path / "books.db").exists()


def test_two_inits_that_want_one_file_do_not_hurt_each_other(
    tmp_path: Path, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class starts its scripts together: both failed, and the tables of the one that stood were dropped."""
    address = f"sqlite:///{tmp_path / 'books.db'}"
    inits = inits_at_once(monkeypatch, address, tmp_path / "anna", tmp_path / "bo")
    errors = [init.exception() for init in inits]
    monkeypatch.undo()
    assert [type(error) for error in errors if error] == [Misuse]
    assert "holds tables already" in " ".join(map(str, errors))
    stands, refused = ("anna", "bo") if errors[0] is None else ("bo", "anna")
    inits[0 if errors[0] is None else 1].result().close()
    assert not (tmp_path / refused).exists()
    books = Database(address)
    require_current(books)
    books.close()
    assert not (tmp_path / stands / INCOMPLETE).exists()


def test_what_a_killed_init_left_is_known_by_its_mark(tmp_path: Path, hasty: None) -> None:
    """Somebody removed its file and made another workspace there, which the next init then took for its own."""
    address = f"sqlite:///{tmp_path / 'books.db'}"
    _killed(tmp_path / "ws", address)
    for left in tmp_path.glob("books.db*"):
        left.unlink()
    Workspace.create(tmp_path / "living", database=address).close()
    Workspace.create(tmp_path / "ws", database=f"sqlite:///{tmp_path / 'others.db'}").close()
    books = Database(address)
    require_current(books)
    books.close()


def _killed_now(*_arguments: object) -> None:
    raise SystemExit(9)


@pytest.mark.parametrize("lent", [False, True])
@pytest.mark.parametrize("step", ["make_tables", "stamp_newest", "commit"])
def test_an_init_that_is_killed_while_it_makes_its_books_can_be_given_again(
    tmp_path: Path, hasty: None, monkeypatch: pytest.MonkeyPatch, step: str, lent: bool
) -> None:
    """Between a commit and the note of it the books stayed for ever, and were in the way of every later init."""
    address = f"sqlite:///{tmp_path / 'books.db'}"
    if lent:
        (tmp_path / "books.db").touch()
    with monkeypatch.context() as kill:
        kill.setattr(Claim, "abandon", lambda claim: claim.marker.close())  # a kill leaves everything as it is
        if step == "commit":
            kill.setattr(Workspace, "_found", _killed_now)
        else:
            kill.setattr(f"sotepki.records.founding.{step}", _killed_now)
        with pytest.raises(SystemExit):
            Workspace.create(tmp_path / "ws", database=address)
    Workspace.create(tmp_path / "ws", database=f"sqlite:///{tmp_path / 'others.db'}").close()
    assert (tmp_path / "books.db").exists() == lent, "what init made is gone, and what it was lent is there"
    Workspace.create(tmp_path / "other", database=address).close()


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///:memory:", "sqlite:///books.db", "sqlite:///file:books.db?uri=true"]
)
def test_books_that_nobody_would_find_again_are_refused(tmp_path: Path, address: str) -> None:
    """In memory they end with the command; by a relative path they are where the next command is given, or not."""
    with pytest.raises(Misuse, match="names no file that a workspace finds again"):
        Workspace.create(tmp_path / "ws", database=address)
    assert _everything(tmp_path) == {}


# --------------------------------------------------------------------------------------------------- odd directories


@pytest.mark.parametrize("name", ["a#b", "a=b", "a\nb", "a\rb"])
def test_a_path_that_softhsm_would_cut_is_refused(tmp_path: Path, hasty: None, name: str) -> None:
    """The keys of the authorities would lie outside the workspace, together with those of another one."""
    with pytest.raises(Misuse, match="SoftHSM cannot keep tokens in the directory"):
        Workspace.create(tmp_path / name / "ws")
    assert _everything(tmp_path) == {}


@pytest.mark.skipif(on_postgresql(), reason="the file is SQLite's")
@pytest.mark.parametrize("name", ["what?", "100%41", "ä ö"])
def test_a_directory_means_itself_and_no_url(tmp_path: Path, hasty: None, name: str) -> None:
    """The books of a directory ``what?`` were in a file ``what`` beside it."""
    Workspace.create(tmp_path / name).close()
    assert (tmp_path / name / "sotepki.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


# ---------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"clock_offset_seconds": "x"}, {"clock_offset_seconds": None}, {"clock_offset_seconds": 1e300},
        {"clock_offset_seconds": float("nan")}, {"clock_offset_seconds": True}, {"database": None}, {"schema": 1},
        {"created": None}, {"format": "1"},
    ],
)  # fmt: skip
def test_settings_of_another_kind_are_damaged(tmp_path: Path, wrong: dict[str, object]) -> None:
    (tmp_path / SETTINGS).write_text(json.dumps({"format": 1, "created": CREATED} | wrong))
    with pytest.raises(Fault, match="is damaged"):
        Workspace.open(tmp_path)


# ------------------------------------------------------------------------------------------------------------- clock


def _workspace(directory: Path) -> Workspace:
    """An open workspace without registers and keys, whose books are in its directory."""
    return Workspace(directory, read_settings(directory), database=Database(f"sqlite:///{directory / 'books.db'}"))


def test_two_processes_that_move_the_clock_move_it_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page and a command: the second wrote what it had read at its beginning, and the time went back a month."""
    monkeypatch.setattr(Workspace, "catch_up", lambda _workspace: None)
    write_settings(tmp_path, Settings(1, CREATED))
    one, other = _workspace(tmp_path), _workspace(tmp_path)
    one.records.database.create_tables()
    one.advance_clock(30)
    other.advance_clock(1)
    assert read_settings(tmp_path).clock_offset_seconds == timedelta(days=31).total_seconds()
    assert isinstance(other.clock, SystemClock) and other.clock.offset == timedelta(days=31)
    one.advance_clock(2)
    assert read_settings(tmp_path).clock_offset_seconds == timedelta(days=33).total_seconds()
    for workspace in (one, other):
        workspace.close()


@pytest.mark.parametrize(("error", "days"), [(Fault("no"), 1), (OutcomeUnknown("perhaps"), 31)])
def test_a_step_of_the_clock_that_was_not_stored_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Fault, days: int
) -> None:
    """The time of the workspace had moved by a month of which the journal knew nothing; another's step stays."""
    monkeypatch.setattr(Workspace, "catch_up", lambda _workspace: None)
    write_settings(tmp_path, Settings(1, CREATED))
    one, other = _workspace(tmp_path), _workspace(tmp_path)
    one.records.database.create_tables()

    def fail(session: Session) -> None:
        session.rollback()
        monkeypatch.undo()
        monkeypatch.setattr(Workspace, "catch_up", lambda _workspace: None)
        other.advance_clock(1)
        raise error

    monkeypatch.setattr(Session, "commit", fail)
    with pytest.raises(type(error)):
        one.advance_clock(30)
    assert read_settings(tmp_path).clock_offset_seconds == timedelta(days=days).total_seconds()
    one.advance_clock(2)
    assert read_settings(tmp_path).clock_offset_seconds == timedelta(days=days + 2).total_seconds()
    for workspace in (one, other):
        workspace.close()


def test_the_clock_stops_before_dates_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may not become, workspace.json may not hold either."""
    monkeypatch.setattr(Workspace, "catch_up", lambda _workspace: None)
    write_settings(tmp_path, Settings(1, CREATED))
    workspace = _workspace(tmp_path)
    workspace.records.database.create_tables()
    for _ in range(10):
        workspace.advance_clock(36500)
    before = os.stat(tmp_path / SETTINGS).st_mtime_ns
    with pytest.raises(Misuse, match="cannot be moved by more than"):
        workspace.advance_clock(36500)
    assert os.stat(tmp_path / SETTINGS).st_mtime_ns == before
    assert workspace.clock.now().year > 3000
    workspace.close()
