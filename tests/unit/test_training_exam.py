"""Sitting the registrar exam: drawn for each trainee, judged by a mark that can be set, in three languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from office_world import NURSE, PHYSICIAN
from registration_world import QUESTIONS, Registration, make_registration

from sotepki.dvv.registration.course_exam import Question
from sotepki.errors import Refused
from sotepki.training.sitting import exam, sit
from sotepki.workspace import Workspace

Asked = Callable[[int, int, Question], str]


@pytest.fixture
def desk(tmp_path: Path) -> Registration:
    return make_registration(tmp_path)


def right_in(language: str) -> Asked:
    """A trainee who knows everything."""
    return lambda number, of, one: letter_of(one, QUESTIONS[one.id][language]["answers"][0])


def wrong_in(language: str, first: int) -> Asked:
    """A trainee who is wrong in the first few questions."""

    def ask(number: int, of: int, one: Question) -> str:
        return letter_of(one, QUESTIONS[one.id][language]["answers"][1 if number <= first else 0])

    return ask


def letter_of(one: Question, text: str) -> str:
    return next(letter for letter, shown in one.choices.items() if shown == text)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_who_knows_the_answers_gets_the_certificate(desk: Registration, language: str) -> None:
    sat = sit(desk.course, NURSE, language=language, ask=right_in(language))
    assert sat.result.passed and sat.certificate is not None
    assert b"TEST" in sat.certificate.document
    assert desk.course.certificate_of(sat.certificate.document) == sat.certificate


def test_a_mistyped_letter_is_asked_again(desk: Registration) -> None:
    typed = []
    told: list[str] = []

    def ask(number: int, of: int, one: Question) -> str:
        typed.append(one.id)
        return "z" if len(typed) == 1 else f" {right_in('en')(number, of, one).upper()} "

    assert sit(desk.course, NURSE, language="en", ask=ask, tell=told.append).result.passed
    assert typed[0] == typed[1] and len(typed) == 9
    assert told == ["Question 1 is answered by one of the letters a, b, c."]


def test_who_fails_has_no_certificate_and_gets_other_questions(desk: Registration) -> None:
    failed = sit(desk.course, NURSE, language="en", ask=wrong_in("en", 2))
    assert not failed.result.passed and failed.certificate is None
    assert (failed.result.score, len(failed.result.wrong)) == (6, 2)
    assert [line[:3] for line in failed.lines()[1:]] == ["1/8", "2/8"]
    assert all(one.text in line for one, line in zip(failed.questions, failed.lines()[1:], strict=False))
    seen: list[str] = []

    def ask(number: int, of: int, one: Question) -> str:
        seen.append(one.id)
        return right_in("en")(number, of, one)

    assert sit(desk.course, NURSE, language="en", ask=ask).result.passed
    assert desk.course.enrolment(NURSE).attempts == 2


def test_two_trainees_do_not_have_the_same_exam(desk: Registration) -> None:
    """24 questions of which 8 are drawn and mixed: whom one sits beside does not help."""
    papers = []
    for trainee in (NURSE, PHYSICIAN):
        desk.course.enrol(trainee)
        papers.append([(one.id, tuple(one.choices.values())) for one in desk.course.exam(trainee).questions])
    assert papers[0] != papers[1]


def test_the_pass_mark_can_be_set_and_is_told(desk: Registration) -> None:
    desk.course.set_pass_mark(5, actor="trainer")
    sat = sit(desk.course, NURSE, language="en", ask=wrong_in("en", 3))
    assert (sat.result.passed, sat.result.score, sat.result.pass_mark) == (True, 5, 5)
    desk.course.set_pass_mark(8, actor="trainer")
    assert desk.course.pass_mark() == 8
    assert not sit(desk.course, PHYSICIAN, language="en", ask=wrong_in("en", 1)).result.passed


def test_only_ones_own_passed_exam_makes_a_registrar(desk: Registration) -> None:
    """No certificate, a failed exam's, a colleague's, one with a changed letter: all refused under one rule."""
    point = desk.planned()
    passed = sit(desk.course, NURSE, language="en", ask=right_in("en")).certificate
    assert passed is not None
    sit(desk.course, PHYSICIAN, language="en", ask=wrong_in("en", 8))
    forged = passed.document.replace(b"TEST", b"BEST", 1)
    for certificate in ("", "TEST-RC-2026-000002-1", passed.number, passed.document, forged):
        with pytest.raises(Refused) as refused:
            desk.office.apply_registrar(PHYSICIAN, point, certificate=certificate, by=PHYSICIAN)
        assert refused.value.rule == "registrar.course-certificate"
    assert desk.office.apply_registrar(NURSE, point, certificate=passed.document, by=PHYSICIAN).state == "applied"


def test_the_exam_is_a_paper_in_a_notebook(desk: Registration) -> None:
    """Shown whole, handed in as a row of letters; too few of them, or a try after it is passed, are sentences."""
    world = cast(Workspace, SimpleNamespace(registrar_course=desk.course))
    paper = exam(world, NURSE, language="sv")
    assert paper.exam is not None
    assert all(one.text in " ".join(repr(paper).split()) for one in paper.exam.questions)
    assert "hand_in" in paper._repr_html_()
    assert [label for label, _ in paper.show().paragraphs if label] == list("12345678")
    assert "Det behövs 8 bokstäver" in repr(paper.hand_in("ab")) and "; 10 kom" in repr(paper.hand_in("abcabcabca"))
    assert "Fråga 8 besvaras med någon av bokstäverna a, b, c." in repr(paper.hand_in("aaaaaaaz"))
    letters = "".join(right_in("sv")(1, 8, one) for one in paper.exam.questions)
    assert exam(world, NURSE).exam == paper.exam, "an open exam goes on"
    passed = paper.hand_in(letters)
    assert passed and "Provet är godkänt: 8 rätt" in repr(passed) and "double" in passed._repr_html_()
    certificate = desk.course.certificate(NURSE)
    assert f"Intyg {certificate.number}" in repr(passed), "the number is what DVV is told"
    none = exam(world, NURSE)
    assert "course" in none.trouble
    for shown in (paper.hand_in(letters), none.hand_in(letters), none.show()):
        assert not shown and "passed" in repr(shown) and "dashed" in shown._repr_html_()
    failed = exam(world, PHYSICIAN, language="fi").hand_in(
        "".join(wrong_in("fi", 8)(1, 8, one) for one in desk.course.exam(PHYSICIAN).questions)
    )
    assert not failed and "toiset kysymykset" in repr(failed)
