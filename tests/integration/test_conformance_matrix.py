"""The suite proves itself: the reference system passes every case, and each broken system is caught as declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.bench import Bench
from conformance.catalogue import catalogue
from conformance.matrix import examine, facets_of, matrix_text, row
from conformance.sut.mutants import Mutant, mutants
from conformance.sut.reference import Reference, reference_system
from conformance.verdicts import CaseVerdict

pytestmark = pytest.mark.integration

PUBLISHED = Path(__file__).parents[2] / "docs" / "conformance-matrix.md"


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Bench.temporary() as bench, reference_system(bench) as made:
        yield made


def test_the_reference_system_passes_every_case(reference: Reference) -> None:
    """A case that a right system does not pass would fail vendors without cause."""
    results = examine(reference.system(), reference.bench)
    assert [(r.case, r.verdict, r.reason) for r in results if r.verdict is not CaseVerdict.PASS] == []
    assert [r.case for r in results] == [case.id for case in catalogue()]


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.id)
def test_a_broken_system_is_caught_by_the_cases_that_name_it_and_no_other(
    reference: Reference, mutant: Mutant
) -> None:
    """A case that misses its mutant judges nothing; one that catches another blames the wrong thing."""
    assert row(mutant, reference).differences() == []


def test_every_case_looks_at_a_part_of_the_system() -> None:
    """The matrix runs only the cases that look at the broken part; a case without parts would never be run."""
    assert [case.id for case in catalogue() if not facets_of(case)] == []


def test_the_published_matrix_is_the_declared_one() -> None:
    """The tests above hold the declarations to be true; so the page follows from them. Set UPDATE=1 to write it."""
    declared = {m.id: [c.id for c in catalogue() if m.id in c.mutants] for m in mutants()}
    text = matrix_text(declared)
    if os.environ.get("UPDATE"):
        PUBLISHED.write_text(text, encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == text, "run this test with UPDATE=1"
