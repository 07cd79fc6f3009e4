"""Tasks as data: ``tasks/*.yaml``, one file a notebook, each task with its texts, its check and its solution."""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sotepki.errors import Fault, Misuse
from sotepki.evidence import Grade, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file

ENGLISH = "en"
LANGUAGES = (ENGLISH, "fi", "sv")

_FILE = {"notebook", "languages", "tasks"}
_TASK = {"check", "prepare", "takes", "source", "grade", "rules", "texts", "solution"}
_NEEDED = _TASK - {"prepare", "takes"}
_TEXTS = {"title", "situation", "question", "answer", "hints", "explanation", "missing"}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME = re.compile(r"([a-z_]+)\.([a-z_]+)")


class Takes(StrEnum):
    """What is handed in to a check: nothing, bytes as they are, or words (text, a number, a day, a list)."""

    NOTHING = ""
    BYTES = "bytes"
    WORDS = "words"


@dataclass(frozen=True)
class Texts:
    """What a trainee reads, in one language.

    Attributes:
        answer: what is to be handed in to the check; empty if the check looks at the workspace alone.
        missing: the sentences that the check may answer, by key, with places for values in braces.
    """

    title: str
    situation: str
    question: str
    answer: str
    hints: tuple[str, ...]
    explanation: str
    missing: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """One exercise.

    Attributes:
        notebook: the stem of the notebook that it belongs to.
        takes: what kind of answer is handed in; a command line reads a file by it.
        check, prepare: ``module.function``, to be found in ``checks_<module>.py`` and ``scenes_<module>.py``.
        source, grade: of the fact that it teaches.
        rules: the rules of the rule book that it teaches.
        solution: Python that solves it (``sotepki.training.solutions`` says what it may use).
    """

    id: str
    notebook: str
    check: str
    prepare: str
    takes: Takes
    source: str
    grade: Grade
    rules: tuple[str, ...]
    texts: Mapping[str, Texts]
    solution: str

    def text(self, language: str) -> Texts:
        """Its texts in a language, in English where it was not translated."""
        return self.texts.get(language) or self.texts[ENGLISH]


def named_function(kind: str, name: str) -> Callable[..., Any]:
    """The function of a task's ``check`` (kind ``checks``) or ``prepare`` (kind ``scenes``).

    Raises:
        Fault: there is none.
    """
    module, function = name.split(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(f"sotepki.training.{kind}_{module}"), function)
    except (ImportError, AttributeError):
        raise Fault(f"There is no function {function} in sotepki/training/{kind}_{module}.py.") from None
    return found


@cache
def all_tasks() -> Mapping[str, Task]:
    """Every task by its id, in the order of the notebooks.

    Raises:
        Fault: a file is not well formed, or two tasks have one id.
    """
    return read_tasks(package_file("training", "tasks"))


def read_tasks(directory: Path) -> Mapping[str, Task]:
    """The tasks of the YAML files in a directory; errors as ``all_tasks``."""
    tasks: dict[str, Task] = {}
    for path in sorted(directory.glob("*.yaml")):
        for one in _tasks_of(path):
            if one.id in tasks:
                raise Fault(f"Two tasks bear the id {one.id}: in {path.name} and for {tasks[one.id].notebook}.")
            tasks[one.id] = one
    return MappingProxyType(tasks)


def find_task(task_id: str) -> Task:
    """The task with an id.

    Raises:
        Misuse: there is none; the sentence names those that come near.
    """
    tasks = all_tasks()
    if task_id in tasks:
        return tasks[task_id]
    import difflib

    near = difflib.get_close_matches(str(task_id), tasks, n=3)
    raise Misuse(
        f"There is no task {str(task_id)[:60]!r}.",
        advice=f"Did you mean {', '.join(near)}?" if near else "'sotepki training list' shows all.",
    )


def _tasks_of(path: Path) -> Sequence[Task]:
    raw = _mapping(load_yaml(path), path.name)
    refuse_unknown_keys(raw, _FILE, path.name)
    if _FILE - set(raw):
        raise Fault(f"{path.name} lacks {', '.join(sorted(_FILE - set(raw)))}.")
    languages = tuple(map(str, raw["languages"]))
    if ENGLISH not in languages or set(languages) - set(LANGUAGES):
        raise Fault(f"{path.name} must have the language en, and may have fi and sv.")
    rows = _mapping(raw["tasks"], f"'tasks' in {path.name}")
    return [_task(str(name), row, str(raw["notebook"]), languages, path.name) for name, row in rows.items()]


def _task(task_id: str, raw: Any, notebook: str, languages: Sequence[str], file: str) -> Task:
    where = f"The task {task_id} in {file}"
    row = _mapping(raw, where)
    refuse_unknown_keys(row, _TASK, where)
    if _NEEDED - set(row):
        raise Fault(f"{where} lacks {', '.join(sorted(_NEEDED - set(row)))}.")
    functions = [str(row["check"]), *([str(row["prepare"])] if row.get("prepare") else [])]
    if not _ID.fullmatch(task_id) or not all(map(_NAME.fullmatch, functions)):
        raise Fault(f"{where} needs an id of lower-case letters and hyphens, and functions as module.function.")
    texts = _mapping(row["texts"], f"{where}: 'texts'")
    if set(texts) != set(languages):
        raise Fault(f"{where} must have texts in {', '.join(languages)}, and has them in {', '.join(sorted(texts))}.")
    read = {language: _texts(texts[language], f"{where}, {language}") for language in languages}
    _same_in_every_language(read, where)
    try:
        grade, takes = Grade(row["grade"]), Takes(row.get("takes", ""))
    except ValueError as error:
        raise Fault(f"{where} is not well formed: {error}.") from None
    if bool(takes) != bool(read[ENGLISH].answer):
        raise Fault(f"{where} needs both or neither: 'takes' (bytes or words), and in its texts the 'answer'.")
    return Task(
        id=task_id,
        notebook=notebook,
        check=functions[0],
        prepare=functions[1] if len(functions) > 1 else "",
        takes=takes,
        source=str(row["source"]).strip(),
        grade=grade,
        rules=tuple(map(str, row["rules"])),
        texts=MappingProxyType(read),
        solution=str(row["solution"]).strip() + "\n",
    )


def _texts(raw: Any, where: str) -> Texts:
    row = _mapping(raw, where)
    refuse_unknown_keys(row, _TEXTS, where)
    lacking = _TEXTS - {"answer"} - set(row)
    if lacking or not row["hints"] or not row["missing"]:
        raise Fault(f"{where} lacks {', '.join(sorted(lacking)) or 'hints or missing'}.")
    return Texts(
        title=str(row["title"]).strip(),
        situation=str(row["situation"]).strip(),
        question=str(row["question"]).strip(),
        answer=str(row.get("answer", "")).strip(),
        hints=tuple(str(one).strip() for one in row["hints"]),
        explanation=str(row["explanation"]).strip(),
        missing=MappingProxyType(
            {str(key): str(text).strip() for key, text in _mapping(row["missing"], f"{where}: 'missing'").items()}
        ),
    )


def _same_in_every_language(texts: Mapping[str, Texts], where: str) -> None:
    """A translation has the same hints, the same sentences and the same places for values as the English text."""
    shapes = {language: _shape(one, where) for language, one in texts.items()}
    for language, shape in shapes.items():
        if shape != shapes[ENGLISH]:
            raise Fault(f"{where}: hints, sentences or {{names}} in {language} are not those of the English text.")


def _shape(texts: Texts, where: str) -> tuple[object, ...]:
    return (
        bool(texts.answer),
        tuple(fields_of(one, where) for one in (texts.situation, texts.question, texts.explanation, *texts.hints)),
        {key: fields_of(one, where) for key, one in texts.missing.items()},
    )


def fields_of(text: str, where: str = "A text") -> frozenset[str]:
    """The names in braces of a text; ``Fault`` if it is not well formed."""
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
    except ValueError as error:
        raise Fault(f"{where} has a brace too many or too few: {error}.") from None


def _mapping(raw: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise Fault(f"{where} must be a mapping.")
    return raw
