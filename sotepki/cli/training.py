"""``sotepki training``: exercises with checks, the exam of the registrar course, and how a class stands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv.registration.course_exam import Question
    from sotepki.training.exercise import Exercise
    from sotepki.training.showing import Shown
    from sotepki.training.tasks import Takes
    from sotepki.workspace import Workspace

_NOT_DONE = 1
_LARGEST_ANSWER = 4 * 1024 * 1024
_LANGUAGE = click.Choice(["en", "fi", "sv"])

Command = Callable[..., Any]


def _as_trainee(function: Command) -> Command:
    """The options of everything that a trainee does."""
    language = click.option(
        "--language",
        envvar="SOTEPKI_LANGUAGE",
        type=_LANGUAGE,
        default="en",
        show_default=True,
        help="The language of the tasks and of what the checks say.",
    )
    trainee = click.option("--trainee", default="", help="The name in the class's table; default: SOTEPKI_TRAINEE.")
    return language(trainee(function))


@click.group("training")
def command() -> None:
    """Exercises: show them, check them, get hints; sit the registrar exam; see how a class stands.

    A class writes to one table if SOTEPKI_CLASS names the trainer's workspace (a directory or a PostgreSQL address).
    """


@command.command("list")
@click.option("--notebook", default="", help="Only those whose notebook begins so, as in 03.")
@click.option("--language", envvar="SOTEPKI_LANGUAGE", type=_LANGUAGE, default="en", show_default=True)
def list_tasks(notebook: str, language: str) -> None:
    """List the tasks."""
    from sotepki.training import all_tasks

    tasks = [one for one in all_tasks().values() if one.notebook.startswith(notebook)]
    if not tasks:
        known = ", ".join(dict.fromkeys(one.notebook for one in all_tasks().values()))
        raise Misuse(f"No notebook with tasks begins with {notebook[:40]!r}.", advice=f"There are {known}.")
    emit(
        [{"task": one.id, "notebook": one.notebook, "title": one.text(language).title} for one in tasks],
        "\n".join(f"{one.notebook:<20} {one.id:<32} {one.text(language).title}" for one in tasks),
    )


@command.command("task")
@click.argument("task_id", metavar="TASK")
@_as_trainee
@pass_workspace
def show(workspace: Workspace, task_id: str, trainee: str, language: str) -> int:
    """Show a task; its situation is prepared in the workspace."""
    exercise = _open(workspace, task_id, trainee, language)
    _emit(exercise, exercise.show())
    return _NOT_DONE if exercise.trouble else 0


@command.command("hint")
@click.argument("task_id", metavar="TASK")
@_as_trainee
@pass_workspace
def hint(workspace: Workspace, task_id: str, trainee: str, language: str) -> None:
    """Give the next hint."""
    exercise = _open(workspace, task_id, trainee, language)
    _emit(exercise, exercise.hint())


@command.command("explain")
@click.argument("task_id", metavar="TASK")
@_as_trainee
@pass_workspace
def explain(workspace: Workspace, task_id: str, trainee: str, language: str) -> None:
    """Say what is to be learnt, and what it rests on."""
    exercise = _open(workspace, task_id, trainee, language)
    _emit(exercise, exercise.explain())


@command.command("check")
@click.argument("task_id", metavar="TASK")
@click.option("--answer", help="What the task asks to be handed in; a list as in JSON.")
@click.option("--answer-file", metavar="FILE", help="The same, from a file, words in UTF-8; '-' is standard input.")
@_as_trainee
@pass_workspace
def check(
    workspace: Workspace, task_id: str, answer: str | None, answer_file: str | None, trainee: str, language: str
) -> int:
    """Look whether a task is done, and say what is missing. Exit code 1 if it is not done."""
    from sotepki.training import find_task

    given = _handed_in(find_task(task_id).takes, answer, answer_file)
    exercise = _open(workspace, task_id, trainee, language)
    answered = exercise.check(given)
    _emit(exercise, answered)
    return 0 if answered else _NOT_DONE


@command.command("exam")
@click.argument("trainee")
@click.option(
    "--language",
    envvar="SOTEPKI_LANGUAGE",
    type=_LANGUAGE,
    default="fi",
    show_default=True,
    help="The language of a course that begins; one that was begun goes on in its own.",
)
@click.option("--out", metavar="FILE", help="Write the certificate.")
@writes("out")
@pass_workspace
def exam(workspace: Workspace, trainee: str, language: str, out: str | None) -> int:
    """Sit the exam of the registrar course. TRAINEE is a personal identity code. Exit code 1 if it is not passed.

    The letters are read from the terminal or, one a line, from standard input.
    """
    from sotepki.identifiers import Hetu
    from sotepki.training.sitting import sit

    sat = sit(workspace.registrar_course, Hetu.parse(trainee), language=language, ask=_asked, tell=_told)
    result, certificate = sat.result, sat.certificate
    if certificate is not None and out is not None:
        write_output(out, certificate.document)
    data = {
        "passed": result.passed, "score": result.score, "pass_mark": result.pass_mark, "wrong": dict(result.wrong),
        "certificate": certificate.number if certificate else "",
    }  # fmt: skip
    emit(data, "\n".join(sat.lines()))
    return 0 if result.passed else _NOT_DONE


@command.command("progress")
@click.option("--trainee", default="", help="Task by task, for one trainee.")
@pass_workspace
def progress(workspace: Workspace, trainee: str) -> None:
    """For trainers: who has done what, with how many attempts and hints."""
    from sotepki.training.progress import book_of
    from sotepki.training.standing import standings

    rows = book_of(workspace).all(trainee=trainee)
    if trainee:
        emit([row.as_dict() for row in rows], "\n".join(_line(row) for row in rows) or "Nothing was tried yet.")
        return
    found = standings(rows)
    lines = [f"{'trainee':<24} {'done':>4} {'begun':>5} {'tries':>5} {'hints':>5}  stands at"]
    lines += [
        f"{one.trainee:<24} {one.done:>4} {one.begun:>5} {one.attempts:>5} {one.hints:>5}  {one.stuck_at}".rstrip()
        for one in found
    ]
    emit([one.as_dict() for one in found], "\n".join(lines) if found else "Nothing was tried yet.")


@command.command("solutions")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="-")
@writes("path")
def solutions(path: Path) -> None:
    """For trainers: the notebook of solutions as a jupytext source, to a file or standard output."""
    from sotepki.training.solutions import solutions_notebook

    write_output(str(path), solutions_notebook().encode())
    if str(path) != "-":
        emit({"file": str(path)}, f"{path} is written.")


def _open(workspace: Workspace, task_id: str, trainee: str, language: str) -> Exercise:
    from sotepki.training import task

    return task(task_id, workspace, language=language, trainee=trainee)


def _emit(exercise: Exercise, shown: Shown) -> None:
    data = {
        "task": exercise.task.id, "heading": shown.heading, "done": shown.done,
        "text": [{"label": label, "text": text} for label, text in shown.paragraphs],
    }  # fmt: skip
    emit(data, repr(shown))


def _handed_in(takes: Takes, answer: str | None, answer_file: str | None) -> Any:
    """The answer as the check wants it, wherever it came from; None if nothing was given.

    What should be words and is no text goes to the check as it is, which answers with its sentence.
    """
    from sotepki.training.tasks import Takes

    if answer_file is not None:
        data = read_input(answer_file, limit=_LARGEST_ANSWER)
    elif answer is not None:
        data = os.fsencode(answer)
    else:
        return None
    if takes is Takes.WORDS:
        with suppress(UnicodeDecodeError):
            return _list_or_text(data.decode("utf-8-sig").strip())
    return data


def _list_or_text(answer: str) -> Any:
    if answer.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(answer)
        except ValueError:
            return answer
    return answer


def _asked(number: int, of: int, question: Question) -> str:
    click.echo(f"\n{number}/{of}  {question.text}")
    for letter, text in question.choices.items():
        click.echo(f"  {letter}) {text}")
    return str(click.prompt("", prompt_suffix="> ", err=True))


def _told(sentence: str) -> None:
    click.echo(sentence, err=True)


def _line(row: Any) -> str:
    state = "done" if row.done_at else (row.lacking or "begun")
    read = ", explained" if row.explained else ""
    return f"{row.task:<32} {state:<20} tries {row.attempts}, hints {row.hints}{read}"
