"""The table of a class: counts that a trainer can rely on, and names that are no identity codes."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from databases import database_url

from sotepki.clock import SetClock
from sotepki.errors import Misuse
from sotepki.evidence import load_yaml
from sotepki.records import Database, Records, head
from sotepki.records.heads import noted
from sotepki.resources import package_file
from sotepki.training.progress import ProgressBook, book_of, trainee_name
from sotepki.training.scene import DONE, Outcome
from sotepki.training.showing import Look, Shown, phrase, state_in_words, states
from sotepki.training.standing import standings
from sotepki.workspace import Workspace

MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
LACKING = Outcome(done=False, missing="There is no order yet.", lacking="no-order")


@pytest.fixture
def book(tmp_path: Path) -> ProgressBook:
    database = Database(database_url(tmp_path / "class.db"))
    database.create_tables()
    return ProgressBook(Records(database, SetClock(MORNING), tmp_path / "outbox"))


def test_attempts_are_counted_until_the_task_is_done(book: ProgressBook) -> None:
    for outcome in (LACKING, LACKING, DONE, LACKING, DONE):
        book.checked("anna", "lost-card", outcome)
    (row,) = book.all()
    assert (row.attempts, row.done_at, row.lacking) == (3, MORNING, "")


def test_hints_end_with_the_last_one(book: ProgressBook) -> None:
    assert [book.hinted("anna", "lost-card", 2) for _ in range(4)] == [1, 2, 2, 2]
    assert book.all()[0].hints == 2


def test_an_explanation_that_was_read_before_the_solution_is_told(book: ProgressBook) -> None:
    book.explained("anna", "lost-card")
    book.checked("bo", "lost-card", DONE)
    book.explained("bo", "lost-card")
    book.checked("anna", "lost-card", DONE)
    book.explained("anna", "lost-card")
    assert [(row.trainee, row.explained) for row in book.all()] == [("anna", True), ("bo", False)]


def test_the_trainer_sees_where_everybody_stands(book: ProgressBook) -> None:
    clock = book.records.clock
    assert isinstance(clock, SetClock)
    book.checked("bo", "driving-licence", DONE)
    book.checked("anna", "driving-licence", LACKING)
    clock.advance(timedelta(minutes=5))
    book.checked("anna", "lost-card", LACKING)
    book.hinted("anna", "lost-card", 2)
    book.hinted("bo", "lost-card", 2)
    anna, bo = standings(book.all())
    assert (anna.trainee, anna.done, anna.begun, anna.attempts, anna.hints) == ("anna", 0, 2, 2, 1)
    assert (anna.stuck_at, anna.lacking, anna.last) == ("lost-card", "no-order", MORNING + timedelta(minutes=5))
    assert (bo.done, bo.begun, bo.stuck_at) == (1, 2, ""), "who only read a hint is not stuck"
    assert [row.task for row in book.all(trainee="bo")] == ["driving-licence", "lost-card"]


def test_the_table_in_json_has_times_as_text(book: ProgressBook) -> None:
    """A spreadsheet or a script of the trainer's reads it; what is not done has no time."""
    book.checked("anna", "lost-card", LACKING)
    (row,) = book.all()
    times = [row.as_dict()[name] for name in ("began_at", "changed_at", "done_at")]
    assert times == [MORNING.isoformat(), MORNING.isoformat(), ""]
    assert row.as_dict()["lacking"] == "no-order"
    assert standings([row])[0].as_dict()["last"] == MORNING.isoformat()


def test_the_book_of_a_class_is_found_by_its_name(book: ProgressBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without a schema would write to whichever workspace comes first."""
    own = cast(Workspace, SimpleNamespace(records=book.records))
    monkeypatch.delenv("SOTEPKI_CLASS", raising=False)
    assert book_of(own).records is book.records
    monkeypatch.setenv("SOTEPKI_CLASS", "postgresql://127.0.0.1:1/class")
    with pytest.raises(Misuse, match="which workspace"):
        book_of(own)


def test_a_class_that_was_made_anew_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check was counted in a table that nobody reads, and the trainer's new journal was called cut off."""
    monkeypatch.setattr(Workspace, "_found", lambda *_arguments: None)
    monkeypatch.delenv("SOTEPKI_DATABASE_URL", raising=False)
    directory, own = tmp_path / "class", cast(Workspace, SimpleNamespace(records=None))
    monkeypatch.setenv("SOTEPKI_CLASS", str(directory))
    for checks in (3, 1):
        Workspace.create(directory).close()
        for _ in range(checks):
            book_of(own).checked("anna", "lost-card", LACKING)
        assert [row.attempts for row in book_of(own).all()] == [checks]
        records = book_of(own).records
        with records.look() as session:
            assert records.head_note is not None and noted(records.head_note) == head(session)
        shutil.rmtree(directory)
    with pytest.raises(Misuse, match="no workspace"):
        book_of(own)


@pytest.mark.parametrize(
    "name",
    [
        "010572-9585", "131052-308T", "anna 131052-308T", "131052-308t", "131052a308T", "010572\u20139585",
        "010572\u22129585", "131052\u200b-308T", "010572A958E", "x" * 61 + "131052-308T",
    ],
)  # fmt: skip
def test_an_identity_code_is_no_name_whatever_stands_beside_it(name: str) -> None:
    """It would stay in the journal for ever, or be read on the screen; one with a slip in it may tell as much."""
    with pytest.raises(Misuse) as caught:
        trainee_name(name)
    assert str(caught.value).startswith("A personal identity code is no name here. Choose another one")
    assert not re.search("[0-9]", str(caught.value))


@pytest.mark.parametrize("name", ["x" * 61, "a\x00b"])
def test_a_name_that_may_not_stand_in_the_table(name: str) -> None:
    """The table would be torn, and a terminal that shows it could be told to do things."""
    with pytest.raises(Misuse, match="up to 60 characters"):
        trainee_name(name)


@pytest.mark.parametrize("name", ["x" * 60, "anna 01", "group 010572-1", "Åsa-Leena 2026\u20132027"])
def test_a_name_that_may_stand_in_the_table(name: str) -> None:
    """A class that numbers its trainees would be turned away."""
    assert trainee_name(name) == name


def test_the_name_comes_from_the_environment_or_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTEPKI_TRAINEE", "  Anna   A. ")
    assert trainee_name() == "Anna A."
    monkeypatch.delenv("SOTEPKI_TRAINEE")
    assert trainee_name() == "trainee"


def test_what_is_shown_is_plain_text_and_escaped_html() -> None:
    shown = Shown("Task: <b>", [("", "See `order.one-card` & *think*; 5 < 6")], Look.TASK)
    assert repr(shown) == "Task: <b>\n  See `order.one-card` & *think*; 5 < 6"
    assert not shown and Shown("Done", [], Look.DONE, done=True), "bool(task.check()) tells whether it is done"
    page = shown._repr_html_()
    assert "<code>order.one-card</code> &amp; <em>think</em>; 5 &lt; 6" in page
    assert "&lt;b&gt;" in page and "<b>Task: &lt;b&gt;</b>" in page


def test_every_phrase_of_the_frame_is_there_in_three_languages() -> None:
    frame = ["task", "hand-in", "people", "done", "not-yet", "explanation", "rests-on", "rules", "trouble"]
    for name in [*frame, "no-workspace"]:
        assert len({phrase(name, language) for language in ("en", "fi", "sv")}) == 3


MACHINES = [
    *sorted(package_file("dvv", "vartti", "states").glob("*.yaml")),
    *sorted(package_file("dvv", "registration", "states").glob("*.yaml")),
    package_file("dvv", "service_certificates", "states", "service-application.yaml"),
    package_file("valvira", "supervision", "states", "information-system.yaml"),
]


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_state_that_a_trainee_meets_is_told_in_words(path: Path) -> None:
    """A Finnish sentence would otherwise end in an English id: "sen tila on handed-out"."""
    for state in set(load_yaml(path)["states"]) - {"none"}:
        assert set(states().get(state, {})) == {"en", "fi", "sv"}, f"{state} has no words in states.yaml"
        assert state_in_words(state, "fi") != state
    assert state_in_words("never-heard-of", "fi") == "never-heard-of"
