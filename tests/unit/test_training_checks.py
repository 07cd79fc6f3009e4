"""What checks make of an answer, and of the day: without a workspace, in memory."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from databases import database_url

from sotepki.clock import SetClock
from sotepki.errors import Fault, Refused
from sotepki.identifiers import Oid
from sotepki.journey import load_cast
from sotepki.kela import SystemClass
from sotepki.kela.joint_testing import JointTests
from sotepki.records import Database, Records
from sotepki.training import Exercise, find_task, task
from sotepki.training.exercise import judge
from sotepki.training.scene import Scene
from sotepki.workspace import Workspace

VENDOR = Oid("1.2.246.10.99000106.10.0")
NO_WORKSPACE = cast(Workspace, None)


def scene_of(name: str, workspace: Workspace = NO_WORKSPACE, *, language: str = "en", answer: Any = None) -> Scene:
    return Scene(find_task(name), workspace, load_cast(), language, {"card": "9900000001"}, answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (" `AR`. ", "ar"),
        ("'6A  80'", "6a 80"),
        (42, "42"),
        (np.int64(42), "42"),
        (2.5, "2.5"),
        (True, ""),
        (np.bool_(True), ""),
        (None, ""),
        (["ar"], ""),
        (b"ar", ""),
        ("x" * 300, "x" * 200),
    ],
    ids=repr,
)
def test_an_answer_is_read_as_it_was_meant(answer: Any, said: str) -> None:
    """Quotes, blanks and capitals do not matter, nor whether a number came from a table; True is no number."""
    assert scene_of("which-answer-to-repeat", answer=answer).said() == said


def test_a_sentence_is_filled_in_the_trainees_language() -> None:
    finnish = scene_of("hand-over", language="fi").lacks("state", state="delivered")
    assert (finnish.done, finnish.lacking) == (False, "state")
    assert "toimitettu" in finnish.missing and "delivered" not in finnish.missing
    for key in ("no-such-sentence", "state"):
        with pytest.raises(Fault, match="hand-over"):
            scene_of("hand-over").lacks(key)


def test_an_answer_that_upsets_the_check_is_answered_with_a_sentence() -> None:
    """A lesson goes on: no traceback, and the trainee is asked to look again at what is wanted."""
    exercise = Exercise(find_task("hand-over"), "anna", "sv", scene_of("hand-over", language="sv"))
    shown = exercise.check(object())
    said = " ".join(repr(shown).split())
    assert not shown and "Kontrollen kunde inte läsa det som lämnades in (AttributeError)" in said


def test_a_task_shows_what_is_to_be_handed_in() -> None:
    exercise = Exercise(find_task("which-answer-to-repeat"), "anna", "en")
    assert "To hand in: The two letters." in repr(exercise)
    assert "<i>To hand in:</i> The two letters." in exercise._repr_html_()
    assert "To hand in" not in repr(Exercise(find_task("hand-over"), "anna", "en"))


@pytest.mark.parametrize(
    ("asked", "everywhere", "spoken"),
    [("", "", "en"), ("", "fi", "fi"), ("sv", "fi", "sv"), ("", "de", "en"), ("de", "fi", "en")],
)
def test_a_task_speaks_the_language_that_was_chosen(
    asked: str, everywhere: str, spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOTEPKI_LANGUAGE", everywhere)
    assert task("hand-over", None, language=asked).language == spoken


@pytest.mark.parametrize(
    ("today", "earliest"),
    [
        (date(2026, 1, 30), date(2026, 3, 30)),
        (date(2026, 4, 30), date(2026, 6, 30)),
        (date(2026, 5, 1), date(2026, 8, 1)),
        (date(2026, 5, 31), date(2026, 8, 1)),
        (date(2026, 6, 2), date(2026, 8, 2)),
        (date(2026, 12, 31), date(2027, 2, 28)),
    ],
)
def test_the_earliest_day_of_joint_testing_is_the_first_that_kela_accepts(
    today: date, earliest: date, tmp_path: Path
) -> None:
    """Whoever learns in May would otherwise be asked for a day in July, on which Kela tests nothing."""
    clock = SetClock(datetime(today.year, today.month, today.day, 10, tzinfo=UTC))
    records = Records(Database(database_url(tmp_path / "db")), clock, tmp_path / "outbox")
    records.database.create_tables()
    tests = JointTests(records)
    workspace = cast(Workspace, SimpleNamespace(joint_tests=tests, clock=clock))

    def register(day: date) -> str:
        tests.register(
            system="Oksa", version="1.0", supplier=VENDOR, system_class=SystemClass.A3, content="Potilastietovaranto",
            begins_on=day, actor="Kaarna",
        )  # fmt: skip
        return judge(scene_of("register-in-time", workspace)).lacking

    with pytest.raises(Refused):
        register(earliest - timedelta(days=1))
    assert register(earliest + timedelta(days=32)) == "later"
    assert register(earliest) == ""
    records.database.close()
