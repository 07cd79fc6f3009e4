"""One run of the suite as data: what is tested, which cases were chosen, what has come out so far."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from conformance.bench import Bench
from conformance.catalogue import catalogue
from conformance.declaring import Area, Case
from conformance.requirements import Phase
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Summary
from sotepki.clock import Clock
from sotepki.errors import Misuse

Progress = Callable[[CaseResult, int, int], None]
"""Called after each case with its result, its number from 1, and the number of chosen cases."""


@dataclass(frozen=True)
class Selection:
    """Which cases run. An empty part chooses everything."""

    cases: frozenset[str] = frozenset()
    areas: frozenset[Area] = frozenset()
    phases: frozenset[Phase] = frozenset()

    def choose(self, declared: tuple[Case, ...]) -> tuple[Case, ...]:
        """The chosen cases in their own order.

        Raises:
            Misuse: a named case does not exist, or no case is left.
        """
        known = {case.id for case in declared}
        for name in sorted(self.cases - known):
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See 'sotepki conformance list'."
            raise Misuse(f"There is no case {name}.", advice=hint, subject=name)
        chosen = tuple(
            case
            for case in declared
            if (not self.cases or case.id in self.cases)
            and (not self.areas or case.area in self.areas)
            and (not self.phases or case.phase in self.phases)
        )
        if not chosen:
            raise Misuse("No case is left by this selection.", advice="See 'sotepki conformance list'.")
        return chosen


@dataclass
class RunSession:
    """The state of one run; the pytest plugin fills ``results``."""

    sut: SystemUnderTest
    clock: Clock
    selection: Selection = field(default_factory=Selection)
    given_bench: Bench | None = None
    progress: Progress | None = None
    results: list[CaseResult] = field(default_factory=list)
    harness_faults: list[str] = field(default_factory=list)
    """Sentences of faults outside any case, such as a module of cases that cannot be imported."""

    def __post_init__(self) -> None:
        self.chosen: tuple[Case, ...] = self.selection.choose(catalogue())
        self.started: datetime = self.clock.now()
        self._resources = ExitStack()
        self._bench = self.given_bench

    @property
    def bench(self) -> Bench:
        """The suite's own side; made in a temporary directory when a case first needs it and none was given."""
        if self._bench is None:
            self._bench = self._resources.enter_context(Bench.temporary())
        return self._bench

    def record(self, result: CaseResult) -> None:
        """Keep the result of a case."""
        self.results.append(result)
        if self.progress is not None:
            self.progress(result, len(self.results), len(self.chosen))

    def close(self) -> None:
        """Close the bench, if this session made it."""
        self._resources.close()

    def summary(self) -> Summary:
        """The outcome; cases that were not reached are waiting."""
        done = {result.case for result in self.results}
        missing = [case.id for case in self.chosen if case.id not in done]
        verdict = CaseVerdict.ERROR if self.harness_faults else CaseVerdict.WAITING
        reason = (self.harness_faults or ["The run was stopped before this case was reached."])[0]
        late = [CaseResult(case=case_id, verdict=verdict, reason=reason) for case_id in missing]
        order = {case.id: number for number, case in enumerate(self.chosen)}
        results = sorted([*self.results, *late], key=lambda r: order[r.case])
        return Summary(
            system=self.sut.name,
            started=self.started,
            finished=self.clock.now(),
            results=tuple(results),
            complete=not missing,
        )
