"""``sotepki registration-point course``: DVV's course for registrars, with its exam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.dvv.registration.registrar_course import Enrolment
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace

_FAILED = 1


@click.group("course")
def course() -> None:
    """The registrar course: enrol, exam, submit, certificate. TRAINEE is a personal identity code."""


@course.command("enrol")
@click.argument("trainee")
@click.option("--language", default="fi", show_default=True, help="fi, sv or en.")
@pass_workspace
def enrol(workspace: Workspace, trainee: str, language: str) -> None:
    """Enrol a trainee."""
    _emit(workspace.registrar_course.enrol(_hetu(trainee), language=language))


@course.command("show")
@click.argument("trainee")
@pass_workspace
def show(workspace: Workspace, trainee: str) -> None:
    """Show where a trainee stands."""
    _emit(workspace.registrar_course.enrolment(_hetu(trainee)))


@course.command("exam")
@click.argument("trainee")
@pass_workspace
def exam(workspace: Workspace, trainee: str) -> None:
    """Begin the exam, or show the one that is open."""
    found = workspace.registrar_course.exam(_hetu(trainee))
    lines = [f"To be handed in by {found.until:%Y-%m-%d %H:%M} UTC."]
    for question in found.questions:
        lines += [f"{question.id}: {question.text}", *(f"  {key}) {text}" for key, text in question.choices.items())]
    data = [{"question": one.id, "text": one.text, "choices": dict(one.choices)} for one in found.questions]
    emit({"until": found.until.isoformat(), "questions": data}, "\n".join(lines))


@course.command("key")
@click.argument("trainee")
@pass_workspace
def key(workspace: Workspace, trainee: str) -> None:
    """For trainers: the right answers to the open exam, in the form that 'submit' takes."""
    right = workspace.registrar_course.answer_key(_hetu(trainee))
    emit(right, "\n".join(f"{question}={letter}" for question, letter in right.items()))


@course.command("submit")
@click.argument("trainee")
@click.argument("answers", nargs=-1, required=True, metavar="QUESTION=LETTER...")
@pass_workspace
def submit(workspace: Workspace, trainee: str, answers: tuple[str, ...]) -> int:
    """Hand in the exam, a letter for each question. Exit code 1 if it is not passed."""
    given = {}
    for answer in answers:
        question, equals, letter = answer.partition("=")
        if not equals:
            raise Misuse(f"{answer[:40]!r} is no answer.", advice="Give each answer as QUESTION=LETTER.")
        given[question] = letter
    result = workspace.registrar_course.submit(_hetu(trainee), given)
    verdict = "passed" if result.passed else "not passed"
    lines = [f"The exam is {verdict}: {result.score} right, {result.pass_mark} needed."]
    lines += [f"{question}: {text}" for question, text in result.wrong.items()]
    data = {
        "passed": result.passed, "score": result.score, "pass_mark": result.pass_mark, "wrong": dict(result.wrong),
    }  # fmt: skip
    emit(data, "\n".join(lines))
    return 0 if result.passed else _FAILED


@course.command("certificate")
@click.argument("trainee")
@click.option("--out", metavar="FILE", help="Write the document; '-' is standard output.")
@writes("out")
@pass_workspace
def certificate(workspace: Workspace, trainee: str, out: str | None) -> None:
    """Show the certificate of a trainee who has passed."""
    found = workspace.registrar_course.certificate(_hetu(trainee))
    if out is not None:
        write_output(out, found.document)
        if out == "-":
            return
    data = {
        "certificate": found.number,
        "passed_on": found.passed_on.isoformat(),
        "valid_to": found.valid_to.isoformat(),
    }
    emit(data, f"{found.number}, passed on {found.passed_on}, to be used by {found.valid_to}")


@course.command("pass-mark")
@click.argument("mark", type=int, required=False)
@pass_workspace
def pass_mark(workspace: Workspace, mark: int | None) -> None:
    """For trainers: show, or set, how many right answers pass the exam."""
    if mark is not None:
        workspace.registrar_course.set_pass_mark(mark, actor="trainer")
    found = workspace.registrar_course.pass_mark()
    emit({"pass_mark": found}, f"{found} right answers pass the exam.")


def _hetu(text: str) -> Hetu:
    from sotepki.identifiers import Hetu

    return Hetu.parse(text)


def _emit(found: Enrolment) -> None:
    last = f", certificate {found.certificate}" if found.certificate else ""
    tries = f", {found.attempts} tries" if found.attempts > 1 else ""
    emit(found.as_dict(), f"{found.id.capitalize()}: {found.state}, course in {found.language}{tries}{last}")
