"""The matrix case by mutant: which cases catch which broken systems. It is the proof that the suite can fail."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from conformance.bench import Bench
from conformance.catalogue import catalogue
from conformance.declaring import Case
from conformance.extending import Extension
from conformance.fixtures import FACETS_OF
from conformance.running import run_cases
from conformance.session import RunSession, Selection
from conformance.sut.facets import Facet, SystemUnderTest
from conformance.sut.mutants import Mutant, mutants
from conformance.sut.reference import Reference
from conformance.verdicts import CaseResult, CaseVerdict

CAUGHT = frozenset({CaseVerdict.FAIL, CaseVerdict.WARN})


@dataclass(frozen=True)
class Row:
    """One mutant with the verdicts of every case that can notice it."""

    mutant: Mutant
    results: tuple[CaseResult, ...]

    @property
    def caught_by(self) -> frozenset[str]:
        """The cases that failed or warned."""
        return frozenset(result.case for result in self.results if result.verdict in CAUGHT)

    @property
    def named_by(self) -> frozenset[str]:
        """The cases that say that they catch it."""
        return frozenset(case.id for case in catalogue() if self.mutant.id in case.mutants)

    def differences(self) -> list[str]:
        """Sentences about what is not as declared; empty if the row is right."""
        by_case = {result.case: result for result in self.results}
        lines = [f"{self.mutant.id}: {case} should catch it, but says {_words(by_case.get(case))}"
                 for case in sorted(self.named_by - self.caught_by)]  # fmt: skip
        lines += [f"{self.mutant.id}: {case} catches it without naming it: {_words(by_case[case])}"
                  for case in sorted(self.caught_by - self.named_by)]  # fmt: skip
        errors = [result for result in self.results if result.verdict is CaseVerdict.ERROR]
        return lines + [f"{self.mutant.id}: {result.case} has an error: {result.reason}" for result in errors]


def row(mutant: Mutant, reference: Reference) -> Row:
    """Run every case that looks at the broken part."""
    cases = frozenset(case.id for case in catalogue() if mutant.facet in facets_of(case))
    return Row(mutant, examine(mutant.build(reference), reference.bench, cases))


def examine(
    sut: SystemUnderTest, bench: Bench, cases: Iterable[str] = (), extension: Extension | None = None
) -> tuple[CaseResult, ...]:
    """The results of cases on a system, without a report; all cases if none are named."""
    session = RunSession(sut, bench.clock, Selection(cases=frozenset(cases)), bench, extension=extension)
    try:
        run_cases(session)
    finally:
        session.close()
    return session.summary().results


@cache
def facets_of(case: Case) -> frozenset[Facet]:
    """The parts of a system that a case looks at, read from the fixtures that it asks for."""
    function = getattr(import_module(case.module), case.function)
    names = inspect.signature(function).parameters
    return frozenset(facet for name in names for facet in FACETS_OF.get(name, ()))


def matrix_text(caught: Mapping[str, Iterable[str]]) -> str:
    """docs/conformance-matrix.md from the cases that caught each mutant."""
    by_case: dict[str, list[str]] = {case.id: [] for case in catalogue()}
    for mutant_id, case_ids in caught.items():
        for case_id in case_ids:
            by_case[case_id].append(mutant_id)
    order = [mutant.id for mutant in mutants()]
    lines = [
        "# The matrix: which case catches which broken system",
        "",
        "Written by the test of the matrix; do not edit. Each broken system is the reference system with one fault. "
        "It is caught by exactly the cases named here, and the reference system passes all of them.",
        "",
        f"{len(by_case)} cases, {len(order)} broken systems.",
        "",
        "![Which case catches which broken system](pictures/conformance-matrix.svg)",
        "",
        "## By case",
        "",
        "| Case | What a right system does | Catches |",
        "|---|---|---|",
    ]
    for case in catalogue():
        names = ", ".join(sorted(by_case[case.id], key=order.index))
        lines.append(f"| {case.id} | {case.title} | {names} |")
    lines += ["", "## By broken system", "", "| Broken system | Fault | Caught by |", "|---|---|---|"]
    for mutant in mutants():
        lines.append(f"| {mutant.id} | {mutant.title} | {', '.join(sorted(caught[mutant.id]))} |")
    return "\n".join(lines) + "\n"


def _words(result: CaseResult | None) -> str:
    return "nothing (it did not run)" if result is None else f"{result.verdict} {result.reason}".strip()
