"""Tasks as data: a typo in a file is refused, and what a task names is there: rules, checks, sentences, notebooks."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sotepki.errors import Fault, Misuse
from sotepki.rulebook import whole_book
from sotepki.training import Task, all_tasks, find_task
from sotepki.training.solutions import solutions_notebook
from sotepki.training.tasks import named_function, read_tasks

ROOT = Path(__file__).resolve().parents[2]
TASKS = pytest.mark.parametrize("one", all_tasks().values(), ids=lambda one: one.id)


def a_file(**changes: Any) -> dict[str, Any]:
    """A file with one task in three languages; ``changes`` replace or add parts of the task."""
    texts = {
        "title": "T", "situation": "S {card}", "question": "Q", "hints": ["one", "two"], "explanation": "E",
        "missing": {"nothing": "Nothing of {what} is there."},
    }  # fmt: skip
    one = {
        "check": "registrar.hand_over", "source": "docs/field/registration.md 3", "grade": "confirmed",
        "rules": ["order.one-card"], "texts": {code: dict(texts) for code in ("en", "fi", "sv")}, "solution": "x = 1",
        **changes,
    }  # fmt: skip
    return {"notebook": "03_registrar", "languages": ["en", "fi", "sv"], "tasks": {"a-task": one}}


def written(tmp_path: Path, content: Any, name: str = "one.yaml") -> Path:
    (tmp_path / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_a_well_formed_file_is_read(tmp_path: Path) -> None:
    (one,) = read_tasks(written(tmp_path, a_file())).values()
    assert (one.id, one.notebook, one.rules) == ("a-task", "03_registrar", ("order.one-card",))
    assert one.text("sv").hints == ("one", "two")
    assert one.text("de") is one.text("en"), "a language that is not there falls back to English"


def test_a_mistyped_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="unknown key 'hint'"):
        read_tasks(written(tmp_path, a_file(hint="x")))


@pytest.mark.parametrize("key", ["check", "source", "grade", "rules", "texts", "solution"])
def test_a_task_without_a_part_is_refused(key: str, tmp_path: Path) -> None:
    content = a_file()
    del content["tasks"]["a-task"][key]
    with pytest.raises(Fault, match=key):
        read_tasks(written(tmp_path, content))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("hints", ["one"]),
        ("situation", "S without the place for a value"),
        ("missing", {"something": "Nothing of {what} is there."}),
        ("missing", {"nothing": "Nothing is there."}),
    ],
)
def test_a_translation_that_differs_in_shape_is_refused(part: str, value: Any, tmp_path: Path) -> None:
    content = a_file()
    content["tasks"]["a-task"]["texts"]["sv"][part] = value
    with pytest.raises(Fault, match="in sv are not those of the English"):
        read_tasks(written(tmp_path, content))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grade": "certain"}, "not well formed"),
        ({"check": "hand_over"}, "module.function"),
        ({"check": "os.path.join"}, "module.function"),
        ({"texts": {"en": {}}}, "must have texts in en, fi, sv"),
        ({"texts": "none"}, "must be a mapping"),
        ({"takes": "numbers"}, "'numbers' is not a valid Takes"),
        ({"takes": "bytes"}, "needs both or neither: 'takes'"),
    ],
)
def test_a_damaged_task_is_refused_in_a_sentence(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(Fault, match=words):
        read_tasks(written(tmp_path, a_file(**changes)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taks": {}}, "unknown key 'taks'"),
        ({"notebook": None}, "lacks notebook"),
        ({"languages": ["fi", "sv"]}, "must have the language en"),
        ({"languages": ["en", "de"]}, "must have the language en, and may have fi and sv"),
        ({"tasks": []}, "must be a mapping"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    content = {**a_file(), **changes}
    kept = {key: value for key, value in content.items() if value is not None}
    with pytest.raises(Fault, match=words):
        read_tasks(written(tmp_path, kept))


@pytest.mark.parametrize("part", ["title", "situation", "question", "hints", "explanation", "missing"])
def test_a_text_without_a_part_is_refused(part: str, tmp_path: Path) -> None:
    content = a_file()
    del content["tasks"]["a-task"]["texts"]["fi"][part]
    with pytest.raises(Fault, match=f"a-task in one.yaml, fi lacks {part}"):
        read_tasks(written(tmp_path, content))


@pytest.mark.parametrize(("part", "nothing"), [("hints", []), ("missing", {})])
def test_a_task_without_a_hint_or_a_sentence_is_refused(part: str, nothing: Any, tmp_path: Path) -> None:
    """It would leave a trainee alone."""
    content = a_file()
    for texts in content["tasks"]["a-task"]["texts"].values():
        texts[part] = nothing
    with pytest.raises(Fault, match="lacks hints or missing"):
        read_tasks(written(tmp_path, content))


def test_a_brace_too_many_is_refused(tmp_path: Path) -> None:
    content = a_file()
    for texts in content["tasks"]["a-task"]["texts"].values():
        texts["question"] = "Why {not?"
    with pytest.raises(Fault, match="brace"):
        read_tasks(written(tmp_path, content))


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path, a_file(), "one.yaml")
    with pytest.raises(Fault, match="Two tasks bear the id a-task"):
        read_tasks(written(tmp_path, a_file(), "two.yaml"))


def test_an_unknown_task_is_told_with_those_that_come_near() -> None:
    with pytest.raises(Misuse, match="driving-licence"):
        find_task("driving-license")


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(Fault, match=r"nobody in sotepki/training/checks_registrar\.py"):
        named_function("checks", "registrar.nobody")


def test_the_course_is_large_enough() -> None:
    of_notebook = [one.notebook[:2] for one in all_tasks().values()]
    assert len(of_notebook) >= 25
    assert of_notebook.count("03") >= 10, "the registrar course is the heart of it"


@TASKS
def test_a_task_names_rules_that_are_in_the_rule_book(one: Task) -> None:
    unknown = [rule for rule in one.rules if rule not in whole_book()]
    assert not unknown


@TASKS
def test_a_task_belongs_to_a_notebook_that_hooks_it_in(one: Task) -> None:
    source = ROOT / "notebooks" / f"{one.notebook}.py"
    assert f'"{one.id}"' in source.read_text(encoding="utf-8"), f"{source.name} does not open the task"


@TASKS
def test_every_sentence_of_a_task_is_one_that_its_check_may_say(one: Task) -> None:
    check = named_function("checks", one.check)
    if one.prepare:
        assert inspect.getdoc(named_function("scenes", one.prepare))
    module = inspect.getsource(sys.modules[check.__module__])
    assert [key for key in one.text("en").missing if f'"{key}"' not in module] == []


@TASKS
def test_a_task_can_be_set_in_three_languages(one: Task) -> None:
    assert set(one.texts) == {"en", "fi", "sv"}
    titles = {texts.title for texts in one.texts.values()}
    assert len(titles) == 3, "a title was not translated"


@TASKS
def test_a_translated_text_shows_the_same_code(one: Task) -> None:
    """A trainee who copies a call from the Finnish hint gets what the English one says."""

    def code(language: str) -> list[list[str]]:
        texts = one.text(language)
        parts = (texts.situation, texts.question, texts.answer, *texts.hints, texts.explanation)
        return [sorted(re.findall(r"`[^`]+`", part)) for part in parts]

    assert code("fi") == code("sv") == code("en")


@TASKS
@pytest.mark.parametrize(("language", "foreign"), [("sv", r"\b(DVV|Kela)\b"), ("fi", r"\b(MDB|FPA)\b")])
def test_authorities_bear_their_name_in_the_language(one: Task, language: str, foreign: str) -> None:
    """docs/field/README.md 5: DVV is MDB in Swedish, Kela is FPA; that is what the authorities' pages say."""
    texts = one.text(language)
    whole = " ".join([texts.situation, texts.question, *texts.hints, texts.explanation, *texts.missing.values()])
    assert not re.search(foreign, re.sub(r"`[^`]+`", "", whole))


@TASKS
def test_a_text_is_fit_to_be_read(one: Task) -> None:
    for texts in one.texts.values():
        whole = " ".join([texts.situation, texts.question, *texts.hints, texts.explanation, *texts.missing.values()])
        assert not re.search(r"\b[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]\b", whole), "an identity code in a text"
        assert not re.search(r"/(?:home|root|tmp|usr|work)/", whole), "a path of a machine in a text"
        assert texts.question[-1] in ".?" and texts.explanation[-1] in ".?"
    assert re.search(r"\d", one.source), "the source names its section or clause"


def test_the_notebook_of_solutions_is_made_from_the_tasks() -> None:
    kept = (ROOT / "notebooks" / "solutions.py").read_text(encoding="utf-8")
    assert kept == solutions_notebook(), "give 'python -m sotepki.training solutions'"
