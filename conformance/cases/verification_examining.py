"""What the cases of verification share: how they are declared, and the two questions that they ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from conformance.bench.documents_examined import Examination, words
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.requirements import Phase

F = TypeVar("F", bound=Callable[..., None])

acceptance = partial(case, area=Area.VERIFICATION, phase=Phase.CROSS)
"""Declares a case about a document that is right."""


def refusal(case_id: str, *, title: str, requirement: str, mutants: tuple[str, ...]) -> Callable[[F], F]:
    """Declare a case about documents that are wrong; a verifier that accepts everything always fails it."""
    return case(
        case_id,
        title=title,
        area=Area.VERIFICATION,
        phase=Phase.CROSS,
        requirements=[requirement],
        mutants=["verifier-accepts-everything", *mutants],
    )


def accepts(examination: Examination, check: Check, *entries: str) -> None:
    """Hold the case's one requirement against the answers to good documents."""
    (requirement,) = check.case.requirements
    for entry_id in entries:
        change = examination.corpus.entry(entry_id).change
        check.show(change, examination.corpus.document(entry_id), "application/xml")
        answer = examination.answer(entry_id)
        check.that(
            requirement,
            answer.accepted,
            f"The system refuses a document that is right: {change}.",
            subject=change,
            expected="accepted",
            found=words(answer),
        )


def refuses(
    examination: Examination, check: Check, *entries: str, base: str = "", good: str = "valid.professional"
) -> None:
    """Hold the case's one requirement against the answers to bad documents, made from one that it accepts."""
    (requirement,) = check.case.requirements
    examination.needs(good)
    for entry_id in entries:
        change = examination.corpus.entry(entry_id).change
        check.show(change, examination.corpus.document(entry_id, base), "application/xml")
        answer = examination.answer(entry_id, base)
        check.that(
            requirement,
            not answer.accepted,
            f"The system accepts a document that it must refuse: {change}.",
            subject=change,
            expected="refused",
            found=words(answer),
        )
