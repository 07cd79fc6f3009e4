"""The rules that guard the steps of a registrar course, one function each (``states/registrar-course.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from sotepki.dvv.registration.course_exam import Question, course_data
from sotepki.registers import Person
from sotepki.states import Guard, Objection


@dataclass(frozen=True)
class CourseCase:
    """All that the rules look at. What a step does not concern is left as it is."""

    now: datetime
    person: Person | None = None
    language: str = ""
    until: datetime | None = None
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)


def _person(case: CourseCase) -> Objection | None:
    return None if case.person else Objection("The trainee is not in the Population Information System.")


def _language(case: CourseCase) -> Objection | None:
    if case.language in course_data()["languages"]:
        return None
    return Objection(f"The course is not held in {case.language[:20]!r}.")


def _time_left(case: CourseCase) -> bool:
    return case.until is not None and case.now <= case.until


def _still_time(case: CourseCase) -> Objection | None:
    return Objection("The time for the exam is not over.") if _time_left(case) else None


def _exam_time(case: CourseCase) -> Objection | None:
    return None if _time_left(case) else Objection(f"The exam was to be handed in by {case.until:%H:%M} UTC.")


def _answers(case: CourseCase) -> Objection | None:
    for question in case.questions:
        if case.answers.get(question.id) not in question.choices:
            return Objection(f"The question {question.id!r} has no answer.")
    strange = sorted(set(case.answers) - {question.id for question in case.questions})
    return Objection(f"The exam has no question {strange[0][:40]!r}.") if strange else None


COURSE_GUARDS: Mapping[str, Guard[CourseCase]] = MappingProxyType(
    {
        "course.person": _person,
        "course.language": _language,
        "course.still-time": _still_time,
        "course.exam-time": _exam_time,
        "course.answers": _answers,
    }
)
