"""The exam of the registrar course: which questions a trainee gets, the right answers, and what a pass earns.

Questions and answers are data (``registrar_course.yaml``). Which of them there are, and in what order, is drawn from
the seed of the trainee's present try.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sotepki.clock import months_after, written_day
from sotepki.dvv.registration.data import registration_data
from sotepki.dvv.registration.tables import CourseRow
from sotepki.errors import Fault
from sotepki.evidence import expect_keys, load_yaml, refuse_unknown_keys
from sotepki.registers import Person
from sotepki.resources import package_file

LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Question:
    """A question as a trainee sees it: ``choices`` by letter."""

    id: str
    text: str
    choices: Mapping[str, str]


@dataclass(frozen=True)
class Exam:
    """An open exam: its questions in their order, and the moment until which it may be handed in."""

    questions: tuple[Question, ...]
    until: datetime


@cache
def course_data() -> Mapping[str, Any]:
    """Questions, languages and certificate texts, read once; a file that does not fit is a ``Fault``."""
    raw = load_yaml(package_file("dvv", "registration", "registrar_course.yaml"))
    keys = {"languages", "questions", "certificate"}
    expect_keys(raw, keys, "registrar_course.yaml")
    languages = [str(one) for one in raw["languages"]]
    for name, row in raw["questions"].items():
        where = f"The question {name} in registrar_course.yaml"
        refuse_unknown_keys(row, {"source", *languages}, where)
        counts = {len(set(row[language]["answers"])) for language in languages}
        if len(counts) != 1 or not 2 <= counts.pop() <= len(LETTERS):
            raise Fault(f"{where} must have the same number of different answers in every language.")
    if len(raw["questions"]) < registration_data().exam_questions or set(raw["certificate"]) != set(languages):
        raise Fault("registrar_course.yaml has too few questions, or lacks a certificate text.")
    course: Mapping[str, Any] = raw
    return course


def exam_of(row: CourseRow) -> Exam:
    """The open exam of a trainee; the seed gives the same one every time."""
    dice = random.Random(row.seed)
    chosen = dice.sample(sorted(course_data()["questions"]), registration_data().exam_questions)
    return Exam(tuple(_question(name, row.language, dice) for name in chosen), exam_ends(row))


def _question(name: str, language: str, dice: random.Random) -> Question:
    text = course_data()["questions"][name][language]
    answers = list(text["answers"])
    dice.shuffle(answers)
    return Question(name, str(text["question"]), dict(zip(LETTERS, map(str, answers), strict=False)))


def right_answer(question: Question, language: str) -> str:
    """The text of the right answer."""
    return str(course_data()["questions"][question.id][language]["answers"][0])


def is_right(question: Question, given: Mapping[str, str], row: CourseRow) -> bool:
    """Whether the letter that was given for a question is that of the right answer."""
    return question.choices.get(given.get(question.id, "")) == right_answer(question, row.language)


def explained(question: Question, language: str) -> str:
    """The right answer and its source."""
    return f"{right_answer(question, language)} ({course_data()['questions'][question.id]['source']})"


def exam_ends(row: CourseRow) -> datetime:
    """The last moment at which the open exam may be handed in."""
    return (row.began_at or row.enrolled_at) + timedelta(minutes=registration_data().exam_minutes)


def certificate_document(row: CourseRow, person: Person | None, questions: int) -> bytes:
    """The certificate of a passed course; its last line comes from the seed, so nobody else can write it."""
    assert row.passed_on is not None
    text: str = course_data()["certificate"][row.language]
    filled = text.format(
        name=f"{person.given_names} {person.surname}" if person else "",
        day=written_day(row.passed_on, row.language),
        valid_to=written_day(months_after(row.passed_on, registration_data().certificate_months), row.language),
        number=row.certificate,
        score=row.score,
        questions=questions,
    )
    mark = hashlib.sha256(f"{row.seed}{row.certificate}".encode()).hexdigest()[:16]
    return f"{filled}\n{mark}\n".encode()
