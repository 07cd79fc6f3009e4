"""A task opened in a workspace: it shows itself, checks, gives hints and explains, and never ends in a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sotepki.errors import SotepkiError
from sotepki.journey import Cast, load_cast
from sotepki.training.preparing import prepared
from sotepki.training.progress import ProgressBook, book_of, trainee_name
from sotepki.training.scene import Outcome, Scene
from sotepki.training.showing import Look, Shown, phrase
from sotepki.training.tasks import ENGLISH, LANGUAGES, Task, Texts, find_task, named_function
from sotepki.workspace import Workspace

LANGUAGE = "SOTEPKI_LANGUAGE"

_PART = re.compile(r'cast\.person\("([^"]+)"\)')


@dataclass(frozen=True)
class Exercise:
    """A task as a trainee has it; ``trouble`` says why it cannot be worked on, and is empty if it can.

    ``people`` tells whom the text names, as code and commands name them.
    """

    task: Task
    trainee: str
    language: str
    scene: Scene | None = None
    trouble: str = ""
    people: str = ""

    # --- what a trainee does ---------------------------------------------------------------------------------

    def check(self, answer: Any = None) -> Shown:
        """Look at the workspace (or at what is handed in), and say what is still missing. Nothing is raised."""
        if self.scene is None:
            return self._in_trouble(self.trouble)
        try:
            outcome = judge(replace(self.scene, answer=answer))
        except SotepkiError as error:
            return self._in_trouble(_sentence(error))
        except Exception as error:  # noqa: BLE001  (an answer of any type comes in; a lesson goes on)
            return self._in_trouble(self._phrase("not-understood", why=type(error).__name__))
        note = self._counted(lambda book: book.checked(self.trainee, self.task.id, outcome))
        if not outcome.done:
            return self._shown("not-yet", [("", outcome.missing), *note], Look.NOT_YET)
        return self._shown("done", [*self._explanation(), *note], Look.DONE, done=True)

    def hint(self) -> Shown:
        """The next hint; after the last one the last one again."""
        hints = self._texts.hints
        numbers = [1]
        note = self._counted(lambda book: numbers.append(book.hinted(self.trainee, self.task.id, len(hints))))
        number = numbers[-1]
        if number == len(hints):
            note.append(("", self._phrase("no-more-hints")))
        heading = f"{self._phrase('hint', number=number, all=len(hints))}: {self._texts.title}"
        return Shown(heading, [("", self._filled(hints[number - 1])), *note], Look.HINT)

    def explain(self) -> Shown:
        """What was to be learnt, and what it rests on."""
        note = self._counted(lambda book: book.explained(self.trainee, self.task.id))
        return self._shown("explanation", [*self._explanation(), *note], Look.HINT)

    # --- how it looks ----------------------------------------------------------------------------------------

    def show(self) -> Shown:
        """The task itself: the situation, and what is to be done."""
        if self.trouble:
            return self._in_trouble(self.trouble)
        texts = self._texts
        paragraphs = [("", self._filled(texts.situation)), ("", self._filled(texts.question))]
        if texts.answer:
            paragraphs.append((self._phrase("hand-in"), self._filled(texts.answer)))
        if self.people:
            paragraphs.append((self._phrase("people"), self.people))
        return self._shown("task", paragraphs, Look.TASK)

    def __repr__(self) -> str:
        return repr(self.show())

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()

    @property
    def _texts(self) -> Texts:
        return self.task.text(self.language)

    def _explanation(self) -> list[tuple[str, str]]:
        rules = ", ".join(f"`{rule}`" for rule in self.task.rules)
        return [
            ("", self._filled(self._texts.explanation)),
            *([(self._phrase("rules"), rules)] if rules else []),
            (self._phrase("rests-on"), f"{self.task.source} ({self.task.grade})"),
        ]

    def _filled(self, text: str) -> str:
        return text.format_map(_Named(self.scene.names if self.scene else {}))

    def _phrase(self, name: str, **values: object) -> str:
        return phrase(name, self.language, **values)

    def _shown(self, name: str, paragraphs: list[tuple[str, str]], look: Look, *, done: bool = False) -> Shown:
        return Shown(f"{self._phrase(name)}: {self._texts.title}", paragraphs, look, done)

    def _in_trouble(self, sentence: str) -> Shown:
        return self._shown("trouble", [("", sentence)], Look.NOT_YET)

    def _counted(self, write: Callable[[ProgressBook], None]) -> list[tuple[str, str]]:
        """Write to the table; a class whose table is out of reach is told so, and the lesson goes on."""
        if self.scene is None:
            return []
        try:
            write(book_of(self.scene.workspace))
        except SotepkiError as error:
            return [("", self._phrase("not-counted", why=_sentence(error)))]
        return []


class _Named(dict[str, str]):
    """A place whose value is not known yet is shown as it stands."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def task(task_id: str, workspace: object, *, language: str = "", trainee: str = "") -> Exercise:
    """Open a task in a workspace; its situation is prepared there when it is opened for the first time.

    A missing or closed workspace does not raise: the exercise then says what to do.

    Args:
        language: ``en``, ``fi`` or ``sv``; by default what SOTEPKI_LANGUAGE says, or else English.
        trainee: the name in the class's table; by default SOTEPKI_TRAINEE.

    Raises:
        Misuse: there is no such task, or no such name can be used.
    """
    opened = find_task(task_id)
    chosen = language or os.environ.get(LANGUAGE, "")
    plain = Exercise(opened, trainee_name(trainee), chosen if chosen in LANGUAGES else ENGLISH)
    if not isinstance(workspace, Workspace):
        return replace(plain, trouble=phrase("no-workspace", plain.language))
    try:
        cast = load_cast()
        names = prepared(opened, workspace, cast)
        people = people_of(opened, workspace, cast)
    except SotepkiError as error:
        return replace(plain, trouble=phrase("no-scene", plain.language, why=_sentence(error)))
    return replace(plain, scene=Scene(opened, workspace, cast, plain.language, names), people=people)


def people_of(task: Task, workspace: Workspace, cast: Cast) -> str:
    """Whom the task's text names and its solution needs, and the registrars who act: by part and identity code."""
    text = task.text(ENGLISH)
    told = f"{text.situation} {text.question}"
    found = []
    for part in dict.fromkeys(_PART.findall(task.solution)):
        person = workspace.population.person(cast.person(part))
        if person is None:
            continue
        first = person.given_names.split()[0]
        if person.surname in told or first in told or part.startswith("registrar-"):
            found.append(f'{first} {person.surname} `cast.person("{part}")` {person.hetu}')
    return "; ".join(found)


def judge(scene: Scene) -> Outcome:
    """The outcome of a task's check; whatever it raises goes on."""
    outcome = _check(scene.task.check)(scene)
    if not isinstance(outcome, Outcome):
        raise TypeError(f"The check {scene.task.check} did not answer with an outcome.")
    return outcome


@cache
def _check(name: str) -> Callable[[Scene], object]:
    return named_function("checks", name)


def _sentence(error: SotepkiError) -> str:
    return f"{error.sentence} {error.advice}".strip()
