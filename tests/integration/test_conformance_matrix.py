"""The suite proves itself: the reference system passes every case, and each broken system is caught as declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from conformance.bench import Bench
from conformance.catalogue import catalogue
from conformance.matrix import examine, facets_of, matrix_text
from conformance.picture import matrix_picture
from conformance.proving import Outcome, prove_all
from conformance.sut.mutants import Mutant, mutants
from conformance.sut.reference import Reference, reference_system
from conformance.verdicts import CaseVerdict

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[2] / "docs"
TABLE, PICTURE = DOCS / "conformance-matrix.md", DOCS / "pictures" / "conformance-matrix.svg"


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Bench.temporary() as bench, reference_system(bench) as made:
        yield made


def test_the_reference_system_passes_every_case(reference: Reference) -> None:
    """A case that a right system does not pass would fail vendors without cause."""
    results = examine(reference.system(), reference.bench)
    assert [(r.case, r.verdict, r.reason) for r in results if r.verdict is not CaseVerdict.PASS] == []
    assert [r.case for r in results] == [case.id for case in catalogue()]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Every row of the matrix, run in two processes."""
    return {outcome.mutant: outcome for outcome in prove_all(jobs=2)}


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.id)
def test_a_broken_system_is_caught_by_the_cases_that_name_it_and_no_other(
    outcomes: dict[str, Outcome], mutant: Mutant
) -> None:
    """A case that misses its mutant judges nothing; one that catches another blames the wrong thing."""
    assert outcomes[mutant.id].differences == ()


def test_every_case_looks_at_a_part_of_the_system() -> None:
    """The matrix runs only the cases that look at the broken part; a case without parts would never be run."""
    assert [case.id for case in catalogue() if not facets_of(case)] == []


@pytest.mark.parametrize("published", [TABLE, PICTURE], ids=lambda path: path.name)
def test_the_published_matrix_is_the_declared_one(published: Path) -> None:
    """The tests above hold the declarations to be true; so the pages follow from them. Set UPDATE=1 to write them."""
    declared = {m.id: frozenset(c.id for c in catalogue() if m.id in c.mutants) for m in mutants()}
    text = (
        matrix_picture(catalogue(), mutants(), declared)
        if published == PICTURE
        else matrix_text({name: sorted(cases) for name, cases in declared.items()})
    )
    if os.environ.get("UPDATE"):
        published.write_text(text, encoding="utf-8")
    assert published.read_text(encoding="utf-8") == text, "run this test with UPDATE=1"


def test_the_picture_is_an_svg_with_a_dot_for_each_catch() -> None:
    declared = {m.id: frozenset(c.id for c in catalogue() if m.id in c.mutants) for m in mutants()}
    root = etree.fromstring(matrix_picture(catalogue(), mutants(), declared).encode())
    dots = [e for e in root if e.tag.endswith("rect") and len(e)]
    assert len(dots) == sum(len(cases) for cases in declared.values())
