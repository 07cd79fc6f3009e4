"""DVV's online course for registrars: enrol, sit the exam, get the certificate that the registrar application needs.

The exam is drawn from a random seed of the trainee's own (``course_exam``); a new try draws anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.course_exam import (
    Exam,
    certificate_document,
    exam_ends,
    exam_of,
    explained,
    is_right,
    right_answer,
)
from sotepki.dvv.registration.course_guards import COURSE_GUARDS, CourseCase
from sotepki.dvv.registration.data import course_machine, registration_data, registration_rules
from sotepki.dvv.registration.tables import CourseRow, CourseSettingRow
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu
from sotepki.records import Channel, Posting, Records, Transaction
from sotepki.registers import PopulationRegister
from sotepki.states import Step

PASS_MARK = "pass-mark"


@dataclass(frozen=True)
class ExamResult:
    """What came out: right answers of how many, and the wrong ones with the right answer and where it stands."""

    passed: bool
    score: int
    pass_mark: int
    wrong: Mapping[str, str]


@dataclass(frozen=True)
class Enrolment:
    """A trainee's course. ``id`` names it in the journal; ``certificate`` is empty before the exam is passed."""

    id: str
    hetu: Hetu
    state: str
    language: str
    attempts: int
    certificate: str = ""
    passed_on: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """The enrolment for JSON; without the identity code."""
        return {
            "enrolment": self.id,
            "state": self.state,
            "language": self.language,
            "attempts": self.attempts,
            "certificate": self.certificate,
            "passed_on": self.passed_on.isoformat() if self.passed_on else "",
        }


@dataclass(frozen=True)
class CourseCertificate:
    """The certificate of the course: its number, whose it is, and the document as it was given out (UTF-8 text)."""

    number: str
    hetu: Hetu
    passed_on: date
    document: bytes

    @property
    def valid_to(self) -> date:
        """The last day on which a registrar application may rest on it."""
        return months_after(self.passed_on, registration_data().certificate_months)


class RegistrarCourse:
    """The course; ``population`` knows the trainees' names."""

    def __init__(self, records: Records, population: PopulationRegister) -> None:
        self.records = records
        self.population = population

    def enrol(self, trainee: Hetu, *, language: str = "fi") -> Enrolment:
        """Enrol a trainee, again after an earlier course if wanted; the course is held in ``fi``, ``sv`` or ``en``.

        Raises:
            Refused: the person is unknown, the language is not offered, or a course is going on.
        """
        person = self.population.person(trainee)
        with (
            refusals_journalled(self.records, actor="trainee", step="enrol", subject="registrar course"),
            self.records.change(office="dvv", actor="trainee") as tx,
        ):
            row = _row(tx.session, trainee)
            case = CourseCase(tx.now, person=person, language=language)
            step = _step("enrol", row.state if row else course_machine().initial, case, "registrar course")
            if row is None:
                row = CourseRow(hetu=trainee.value)
                tx.session.add(row)
            row.language, row.enrolled_at, row.attempts, row.score = language, tx.now, 0, None
            row.state = step.target
            tx.session.flush()
            return _note(tx, row, step)

    def exam(self, trainee: Hetu) -> Exam:
        """Begin the exam, or give the one that is open; when its time is over, a new one begins.

        Raises:
            Refused: the trainee has passed already (``course.state``).
            Misuse: the person is not enrolled.
        """
        with (
            refusals_journalled(self.records, actor="trainee", step="begin", subject="registrar course"),
            self.records.change(office="dvv", actor="trainee") as tx,
        ):
            row = _enrolled(tx.session, trainee)
            if row.state == "sitting":
                if tx.now <= exam_ends(row):
                    tx.journal("course.exam-seen", _name(row))
                    return exam_of(row)
                case = CourseCase(tx.now, until=exam_ends(row))
                _note(tx, row, _step("break-off", row.state, case, _name(row)))
            step = _step("begin", row.state, CourseCase(tx.now), _name(row))
            row.seed, row.began_at = secrets.token_hex(16), tx.now
            row.attempts += 1
            _note(tx, row, step, attempt=str(row.attempts))
            return exam_of(row)

    def answer_key(self, trainee: Hetu) -> dict[str, str]:
        """For trainers: the right letter for each question of the open exam.

        Raises:
            Misuse: the person is not enrolled, or no exam is open.
        """
        with self.records.look() as session:
            row = _enrolled(session, trainee)
            if row.state != "sitting":
                raise Misuse("No exam is open for the person.", advice="Begin the exam first.")
            return {
                question.id: next(
                    key for key, text in question.choices.items() if text == right_answer(question, row.language)
                )
                for question in exam_of(row).questions
            }

    def submit(self, trainee: Hetu, answers: Mapping[str, str]) -> ExamResult:
        """Hand in the exam: a letter for each question id. Passing it, the certificate is mailed to the trainee.

        Raises:
            Refused: no exam is open, its time is over, or a question has no answer.
            Misuse: the person is not enrolled.
        """
        person = self.population.person(trainee)
        with (
            refusals_journalled(self.records, actor="trainee", step="submit", subject="registrar course"),
            self.records.change(office="dvv", actor="trainee") as tx,
        ):
            row = _enrolled(tx.session, trainee)
            questions = exam_of(row).questions if row.state == "sitting" else ()
            given = {str(key): str(letter).strip().lower() for key, letter in answers.items()}
            wrong = {one.id: explained(one, row.language) for one in questions if not is_right(one, given, row)}
            score = len(questions) - len(wrong)
            case = CourseCase(tx.now, until=exam_ends(row), questions=questions, answers=given)
            pass_mark = _pass_mark(tx.session)
            passed = score >= pass_mark
            step = _step("pass" if passed else "fail", row.state, case, _name(row))
            row.score = score
            if passed:
                row.passed_on = finnish_day(tx.now)
                row.certificate = f"TEST-RC-{row.passed_on.year}-{row.number:06d}-{row.attempts}"
                row.document = certificate_document(row, person, len(questions))
                name = f"registrar-course-{row.number}.txt"
                tx.post(Posting(Channel.EMAIL, _name(row), name, row.document))
            _note(tx, row, step, score=str(score), pass_mark=str(pass_mark))
            return ExamResult(passed, score, pass_mark, wrong)

    def certificate(self, trainee: Hetu) -> CourseCertificate:
        """The trainee's newest certificate.

        Raises:
            Misuse: the person is not enrolled, or has not passed yet.
        """
        with self.records.look() as session:
            row = _enrolled(session, trainee)
            if row.certificate is None:
                raise Misuse("The course is not passed yet.", advice="Sit the exam first.")
            return _as_certificate(row)

    def certificate_of(self, given: str | bytes) -> CourseCertificate | None:
        """The certificate with a number, or the one whose document this is, byte for byte; None if it is not ours."""
        with self.records.look() as session:
            if isinstance(given, str):
                found = session.scalars(select(CourseRow).where(CourseRow.certificate == given.strip())).first()
            else:
                found = session.scalars(select(CourseRow).where(CourseRow.document == given)).first()
            return _as_certificate(found) if found is not None else None

    def pass_mark(self) -> int:
        """How many right answers pass the exam here: as a trainer set it, or else as ``registration.yaml`` has it."""
        with self.records.look() as session:
            return _pass_mark(session)

    def set_pass_mark(self, mark: int, *, actor: str) -> None:
        """Choose how many right answers pass, from now on; DVV's own number is not public.

        Raises:
            Refused: ``course.pass-mark``: not between one and the number of questions.
        """
        questions = registration_data().exam_questions
        with (
            refusals_journalled(self.records, actor=actor, step="set-pass-mark", subject="registrar course"),
            self.records.change(office="dvv", actor=actor) as tx,
        ):
            if not 1 <= mark <= questions:
                raise registration_rules().refusal(
                    "course.pass-mark", f"An exam of {questions} questions cannot ask for {mark} right answers."
                )
            tx.session.merge(CourseSettingRow(name=PASS_MARK, value=mark))
            tx.journal("course.pass-mark", "registrar course", mark=str(mark))

    def enrolment(self, trainee: Hetu) -> Enrolment:
        """The trainee's course; ``Misuse`` if the person is not enrolled."""
        with self.records.look() as session:
            return _as_enrolment(_enrolled(session, trainee))


def _pass_mark(session: Session) -> int:
    row = session.get(CourseSettingRow, PASS_MARK)
    return row.value if row else registration_data().exam_pass_mark


def _row(session: Session, trainee: Hetu) -> CourseRow | None:
    return session.scalars(select(CourseRow).where(CourseRow.hetu == trainee.value)).first()


def _enrolled(session: Session, trainee: Hetu) -> CourseRow:
    row = _row(session, trainee)
    if row is None:
        raise Misuse("The person is not enrolled in the registrar course.", advice="Enrol them first.")
    return row


def _name(row: CourseRow) -> str:
    return f"trainee {row.number}"


def _note(tx: Transaction, row: CourseRow, step: Step, **details: str) -> Enrolment:
    row.state = step.target
    tx.journal(f"course.{step.transition.name}", _name(row), to_state=step.target, **details)
    return _as_enrolment(row)


def _as_enrolment(row: CourseRow) -> Enrolment:
    return Enrolment(
        id=_name(row),
        hetu=Hetu(row.hetu),
        state=row.state,
        language=row.language,
        attempts=row.attempts,
        certificate=row.certificate or "",
        passed_on=row.passed_on,
    )


def _as_certificate(row: CourseRow) -> CourseCertificate:
    assert row.certificate is not None and row.passed_on is not None and row.document is not None
    return CourseCertificate(row.certificate, Hetu(row.hetu), row.passed_on, row.document)


def _step(name: str, state: str, case: CourseCase, subject: str) -> Step:
    return course_machine().step(name, state=state, actor="trainee", guards=COURSE_GUARDS, case=case, subject=subject)
