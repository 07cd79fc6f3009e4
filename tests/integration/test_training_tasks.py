"""Every exercise, as a trainee meets it: not done at first, and done by its own solution, on a fresh workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from databases import copy_workspace
from sqlalchemy import select

from sotepki.cli.training import _handed_in
from sotepki.journey import load_cast
from sotepki.journey.card_holder import passport
from sotepki.records import JournalEntry, Records, Transaction
from sotepki.training import Exercise, Task, all_tasks, task
from sotepki.training.exercise import judge
from sotepki.training.tasks import fields_of
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

CARD_KEYS = 2


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("training") / "workspace"
    with Workspace.create(directory, card_keys=CARD_KEYS):
        pass
    return directory


def refuses_everything(exercise: Exercise) -> None:
    """A trainee hands in a file name, a list or the exercise itself: the lesson goes on, with a sentence."""
    for handed_in in (None, "", "x" * 5000, "ä\0", b"", b"\xff" * 50, -1, 2.5, True, [], [None], {}, exercise):
        answered = exercise.check(handed_in)
        assert not answered, f"{handed_in!r:.40} was taken for the answer"
        assert len(repr(answered)) > len(exercise.task.text("en").title) + 10
        assert "<script" not in answered._repr_html_()


def from_a_file(one: Task, answer: Any, directory: Path) -> Any:
    """The answer as the command line hands it in, after a trainee wrote it into a file."""
    written = json.dumps(answer) if isinstance(answer, list) else str(answer)
    path = directory / "answer"
    path.write_bytes(answer if isinstance(answer, bytes) else f"{written}\n".encode())
    return _handed_in(one.takes, None, str(path))


@pytest.mark.parametrize("one", all_tasks().values(), ids=lambda one: one.id)
def test_a_task_is_done_by_its_solution_and_by_nothing_less(
    one: Task, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SOTEPKI_CLASS", "SOTEPKI_TRAINEE", "SOTEPKI_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as workspace:
        exercise = task(one.id, workspace)
        assert exercise.scene is not None, exercise.trouble
        assert one.text("en").title in repr(exercise)
        for texts in one.texts.values():
            for text in (texts.situation, texts.question, texts.answer, *texts.hints, texts.explanation):
                assert fields_of(text) <= set(exercise.scene.names), "a {name} that the preparation does not give"
        before = judge(exercise.scene)
        assert not before.done
        assert not exercise.check()
        wants_answer = bool(one.text("en").answer)
        if wants_answer:
            refuses_everything(exercise)
        names: dict[str, Any] = {
            "workspace": workspace, "cast": load_cast(), "exercise": exercise, "scene": exercise.scene.names,
            "passport": passport,
        }  # fmt: skip
        exec(compile(one.solution, f"solution of {one.id}", "exec"), names)
        assert wants_answer == ("answer" in names), "a solution sets 'answer' exactly if the text asks for one"
        after = exercise.check(names["answer"]) if wants_answer else exercise.check()
        assert after, after
        if wants_answer:
            assert judge(replace(exercise.scene, answer=from_a_file(one, names["answer"], tmp_path))).done


def test_a_task_says_how_code_and_commands_name_its_people(fresh: Path, tmp_path: Path) -> None:
    """Who reads of Veikko Rantahalla cannot guess his part of the cast, nor his identity code at the command line."""
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as workspace:
        shown = " ".join(repr(task("driving-licence", workspace, language="fi")).split())
        assert 'Henkilöt: Raili Kaamosjärvi `cast.person("registrar-county-1")` 010572-9585;' in shown
        assert 'Veikko Rantahalla `cast.person("sosionomi")` 091292W971J' in shown


def test_a_task_is_prepared_once_and_goes_on_after_a_restart(fresh: Path, tmp_path: Path) -> None:
    """The cell is run twice, the kernel is started anew: no second card is made, and progress is kept."""
    directory = copy_workspace(fresh, tmp_path / "workspace")
    with Workspace.open(directory) as workspace:
        first = task("letter-lost", workspace)
        again = task("letter-lost", workspace)
        assert first.scene is not None and again.scene is not None
        assert first.scene.names == again.scene.names
        assert "Hint 1 of 2" in repr(first.hint())
    with Workspace.open(directory) as workspace:
        later = task("letter-lost", workspace)
        assert later.scene is not None and later.scene.names == first.scene.names
        assert len(workspace.vartti.orders()) == 1
        with workspace.records.look() as session:
            assert list(session.scalars(select(JournalEntry.action))).count("training.begin") == 1
        assert "Hint 2 of 2" in repr(later.hint()) and "last hint" in repr(later.hint())


class Killed(BaseException):
    """In the place of a signal: nothing between the change and the next opening runs any more."""


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("lost-card", 2), ("lost-card", 4), ("lost-card", 10), ("left-at-home", 11), ("restricted-farmaseutti", 2),
        ("restricted-farmaseutti", 3), ("renew-and-revoke", 4), ("friday-fix", 5),
    ],
)  # fmt: skip
def test_a_preparation_that_was_killed_is_finished_when_the_task_is_opened_again(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, after: int
) -> None:
    """The kernel died while the card was made: the trainee opens the task again, and can do it.

    ``after``: how many changes of the books the run survives; the first says that the preparation has begun.
    """
    change, changes = Records.change, count(1)

    @contextmanager
    def dying(records: Records, office: str, actor: str) -> Iterator[Transaction]:
        with change(records, office, actor) as tx:
            yield tx
        if next(changes) == after:
            raise Killed

    directory = copy_workspace(fresh, tmp_path / "workspace")
    with Workspace.open(directory) as workspace, monkeypatch.context() as patched:
        patched.setattr(Records, "change", dying)
        with suppress(Killed):
            task(name, workspace)
    with Workspace.open(directory) as workspace:
        exercise = task(name, workspace)
        assert exercise.scene is not None, exercise.trouble
        assert not exercise.check()
        names = {"workspace": workspace, "cast": load_cast(), "scene": exercise.scene.names, "passport": passport}
        exec(compile(exercise.task.solution, f"solution of {name}", "exec"), names)
        assert exercise.check(), repr(exercise.check())


def test_a_task_in_a_workspace_whose_story_went_another_way_says_so(fresh: Path, tmp_path: Path) -> None:
    """The dentist has a card already: the situation cannot be prepared, and the trainee learns what to do."""
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as workspace:
        cast = load_cast()
        workspace.vartti.order_professional_card(
            registrar=cast.person("registrar-county-1"),
            applicant=cast.person("dentist"),
            identity=passport(workspace),
        )
        exercise = task("hand-over", workspace, language="sv")
        assert exercise.trouble
        for shown in (repr(exercise), repr(exercise.check())):
            assert "Börja med en ny arbetsyta" in " ".join(shown.split())
        assert "{card}" not in repr(exercise.explain())
        again = task("hand-over", workspace)
        assert again.trouble, "the card that somebody else ordered does not become the situation's at a second look"


def test_a_card_whose_pin_an_exercise_locked_does_not_stop_a_later_one(fresh: Path, tmp_path: Path) -> None:
    """At the command line all exercises share a workspace: who left the locked card as it was goes on."""
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as workspace:
        assert not task("unlock-the-pin", workspace).trouble
        assert not task("people-after-the-fall", workspace).trouble


def test_a_workspace_that_is_not_there_is_told_kindly(fresh: Path, tmp_path: Path) -> None:
    """The notebook's first cell was not run, or its last one was."""
    assert "Run the cells above" in repr(task("hand-over", None))
    assert not task("hand-over", "workspace").check()
    directory = copy_workspace(fresh, tmp_path / "workspace")
    with Workspace.open(directory) as workspace:
        exercise = task("driving-licence", workspace)
    for path in directory.glob("sotepki.db*"):
        path.unlink()
    for shown in (exercise.check(), exercise.hint(), exercise.explain(), task("driving-licence", workspace)):
        assert shown is not None and "Traceback" not in repr(shown)
