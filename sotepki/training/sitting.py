"""Sitting the exam of the registrar course: question by question, or as a form in a notebook.

The exam itself (questions drawn from a seed of the trainee's own, the pass mark, the certificate) is DVV's
(``sotepki.dvv.registration.registrar_course``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sotepki.clock import HELSINKI
from sotepki.dvv.registration.course_exam import Exam, Question
from sotepki.dvv.registration.registrar_course import CourseCertificate, ExamResult, RegistrarCourse
from sotepki.errors import Misuse, SotepkiError
from sotepki.identifiers import Hetu
from sotepki.training.showing import Look, Shown, phrase
from sotepki.workspace import Workspace


@dataclass(frozen=True)
class Sat:
    """What came of an exam in the language of its course; ``certificate`` is None if it was not passed."""

    result: ExamResult
    certificate: CourseCertificate | None
    language: str
    questions: tuple[Question, ...] = ()

    def lines(self) -> list[str]:
        """The verdict; for each wrong answer the question, the right answer and its source; the certificate."""
        name = "exam-passed" if self.result.passed else "exam-failed"
        told = [phrase(name, self.language, score=self.result.score, mark=self.result.pass_mark)]
        told += [
            f"{number}/{len(self.questions)}  {one.text} {self.result.wrong[one.id]}"
            for number, one in enumerate(self.questions, start=1)
            if one.id in self.result.wrong
        ]
        if self.certificate is not None:
            until = self.certificate.valid_to
            told.append(phrase("exam-certificate", self.language, number=self.certificate.number, until=until))
        return told


def sit(
    course: RegistrarCourse,
    trainee: Hetu,
    *,
    language: str,
    ask: Callable[[int, int, Question], str],
    tell: Callable[[str], None] = lambda _sentence: None,
) -> Sat:
    """Enrol the trainee if need be, begin the exam or go on with the open one, ask every question, and hand in.

    Args:
        language: of the course, if the trainee is enrolled now; a course that goes on stays in its language.
        ask: gives a letter; called with the number of the question, how many there are, and the question. A letter
            that is none of the answers is asked for again.
        tell: hears then which letters there are.

    Raises:
        Refused: ``course.state``: the course is passed already; ``course.person``, ``course.language``,
            ``course.exam-time``.
    """
    questions = _begun(course, trainee, language).questions
    spoken = course.enrolment(trainee).language
    answers = {}
    for number, one in enumerate(questions, start=1):
        while (letter := ask(number, len(questions), one).strip().lower()) not in one.choices:
            tell(_letters_of(number, one, spoken))
        answers[one.id] = letter
    return _handed_in(course, trainee, questions, answers)


@dataclass(frozen=True)
class Paper:
    """The exam as a notebook shows it; ``trouble`` says why there is none, and is empty if there is."""

    course: RegistrarCourse
    trainee: Hetu
    language: str
    exam: Exam | None = None
    trouble: str = ""

    def hand_in(self, letters: str) -> Shown:
        """Hand in a letter for each question, in their order. Nothing is raised; who fails opens the exam again."""
        if self.exam is None:
            return self._shown([("", self.trouble)], Look.NOT_YET)
        questions, given = self.exam.questions, "".join(str(letters).split()).lower()
        if len(given) != len(questions):
            told = phrase("exam-letters", self.language, all=len(questions), given=len(given))
            return self._shown([("", told)], Look.NOT_YET)
        answers = {one.id: letter for one, letter in zip(questions, given, strict=True)}
        for number, one in enumerate(questions, start=1):
            if answers[one.id] not in one.choices:
                return self._shown([("", _letters_of(number, one, self.language))], Look.NOT_YET)
        try:
            sat = _handed_in(self.course, self.trainee, questions, answers)
        except SotepkiError as error:
            return self._shown([("", f"{error.sentence} {error.advice}")], Look.NOT_YET)
        lines = [("", line) for line in sat.lines()]
        if not sat.result.passed:
            lines.append(("", phrase("exam-again", self.language)))
        return self._shown(lines, Look.DONE if sat.result.passed else Look.NOT_YET, done=sat.result.passed)

    def show(self) -> Shown:
        """The questions with their answers, by letter."""
        if self.exam is None:
            return self._shown([("", self.trouble)], Look.NOT_YET)
        paragraphs = []
        for number, one in enumerate(self.exam.questions, start=1):
            choices = "   ".join(f"{letter}) {text}" for letter, text in one.choices.items())
            paragraphs += [(str(number), one.text), ("", choices)]
        paragraphs.append(
            ("", phrase("exam-until", self.language, until=f"{self.exam.until.astimezone(HELSINKI):%H:%M}"))
        )
        return self._shown(paragraphs, Look.TASK)

    def __repr__(self) -> str:
        return repr(self.show())

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()

    def _shown(self, paragraphs: list[tuple[str, str]], look: Look, *, done: bool = False) -> Shown:
        return Shown(phrase("exam", self.language), paragraphs, look, done)


def exam(workspace: Workspace, trainee: Hetu, *, language: str = "en") -> Paper:
    """The exam of the registrar course for a notebook; an exam that is open goes on. Nothing is raised."""
    course = workspace.registrar_course
    try:
        opened = _begun(course, trainee, language)
        return Paper(course, trainee, course.enrolment(trainee).language, opened)
    except SotepkiError as error:
        return Paper(course, trainee, language, trouble=f"{error.sentence} {error.advice}")


def _begun(course: RegistrarCourse, trainee: Hetu, language: str) -> Exam:
    try:
        course.enrolment(trainee)
    except Misuse:
        course.enrol(trainee, language=language)
    return course.exam(trainee)


def _handed_in(
    course: RegistrarCourse, trainee: Hetu, questions: tuple[Question, ...], answers: Mapping[str, str]
) -> Sat:
    result = course.submit(trainee, answers)
    certificate = course.certificate(trainee) if result.passed else None
    return Sat(result, certificate, course.enrolment(trainee).language, questions)


def _letters_of(number: int, question: Question, language: str) -> str:
    return phrase("exam-letter", language, number=number, letters=", ".join(question.choices))
