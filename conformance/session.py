"""One run of the suite as data: what is tested, which cases were chosen, what has come out so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from conformance.bench import Bench
from conformance.declaring import Area, Case
from conformance.extending import Extension, declared, register
from conformance.requirements import Phase, RequirementRegister, Role, SystemClass
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Summary
from sotepki.clock import Clock
from sotepki.errors import Misuse

Progress = Callable[[CaseResult, int, int], None]
"""Called after each case with its result, its number from 1, and the number of chosen cases."""


@dataclass(frozen=True)
class Selection:
    """Which cases run. An empty part chooses everything.

    Attributes:
        system_class, roles: of the system; a case runs if one of its requirements binds such a system.
    """

    cases: frozenset[str] = frozenset()
    areas: frozenset[Area] = frozenset()
    phases: frozenset[Phase] = frozenset()
    system_class: SystemClass | None = None
    roles: frozenset[Role] = frozenset()

    def choose(
        self, known: tuple[Case, ...], rules: RequirementRegister | None = None, faults: Sequence[str] = ()
    ) -> tuple[Case, ...]:
        """The chosen cases in their own order.

        Args:
            faults: of files of private cases that could not be used; a case that is missed may stand in one.

        Raises:
            Misuse: a named case does not exist, or no case is left.
        """
        ids = {case.id for case in known}
        for name in sorted(self.cases - ids):
            near = get_close_matches(name, ids, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See 'sotepki conformance list'."
            raise Misuse(f"There is no case {name}.", advice=" ".join([*faults, hint]), subject=name)
        every = rules if rules is not None else register(None)
        chosen = tuple(
            case
            for case in known
            if (not self.cases or case.id in self.cases)
            and (not self.areas or case.area in self.areas)
            and (not self.phases or case.phase in self.phases)
            and self._binds(case, every)
        )
        if not chosen:
            raise Misuse("No case is left by this selection.", advice="See 'sotepki conformance list'.")
        return chosen

    def _binds(self, case: Case, rules: RequirementRegister) -> bool:
        if self.system_class is None and not self.roles:
            return True
        actors = [rules[name].actor for name in case.requirements if name in rules]
        return any(
            (self.system_class is None or not actor.classes or self.system_class in actor.classes)
            and (not self.roles or not actor.roles or self.roles & set(actor.roles))
            for actor in actors
        )


@dataclass
class RunSession:
    """The state of one run; the pytest plugin fills ``results``.

    Attributes:
        extension: private cases of the vendor.
        earlier: results of an earlier run that are kept, when only some of its cases are run again.
        obey_phases: a phase is entered only if no case of the phases before it failed.
    """

    sut: SystemUnderTest
    clock: Clock
    selection: Selection = field(default_factory=Selection)
    given_bench: Bench | None = None
    progress: Progress | None = None
    extension: Extension | None = None
    earlier: tuple[CaseResult, ...] = ()
    obey_phases: bool = False
    results: list[CaseResult] = field(default_factory=list)
    harness_faults: list[str] = field(default_factory=list)
    """Sentences of faults outside any case, such as a module of cases that cannot be imported."""

    def __post_init__(self) -> None:
        self.declared = declared(self.extension)
        self.register = register(self.extension)
        faults = self.extension.faults if self.extension else ()
        self.chosen: tuple[Case, ...] = self.selection.choose(self.declared, self.register, faults)
        self.by_id = {case.id: case for case in self.declared}
        self.started: datetime = self.clock.now()
        self.harness_faults += faults
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

    def barred(self, case: Case) -> str:
        """Why a case may not run yet by the entry rules of joint testing; empty if it may.

        Results of an earlier run count where the case is not run again.
        """
        if not self.obey_phases:
            return ""
        order = list(Phase)
        again = {chosen.id for chosen in self.chosen}
        kept = [one for one in self.earlier if one.case in self.by_id and one.case not in again]
        for result in (*kept, *self.results):
            phase = self.by_id[result.case].phase
            if result.verdict is CaseVerdict.FAIL and order.index(phase) < order.index(case.phase):
                return (
                    f"The phase {case.phase} is not entered: the case {result.case} of the phase {phase} failed. "
                    "Mend that first, or run without --obey-phases."
                )
        return ""

    def close(self) -> None:
        """Close the bench, if this session made it."""
        self._resources.close()

    def summary(self) -> Summary:
        """The outcome; cases that were not reached are waiting."""
        done = {result.case for result in self.results}
        missing = [case.id for case in self.chosen if case.id not in done]
        verdict = CaseVerdict.ERROR if self.harness_faults else CaseVerdict.WAITING
        reason = (self.harness_faults or ["The run was stopped before this case was reached."])[-1]
        late = [CaseResult(case=case_id, verdict=verdict, reason=reason) for case_id in missing]
        return Summary(
            system=self.sut.name,
            started=self.started,
            finished=self.clock.now(),
            results=self._in_order([*self.results, *late]),
            complete=not missing,
            faults=tuple(self.harness_faults),
        )

    def _in_order(self, fresh: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
        merged = {result.case: result for result in self.earlier if result.case in self.by_id}
        merged |= {result.case: result for result in fresh}
        order = {case.id: number for number, case in enumerate(self.declared)}
        return tuple(sorted(merged.values(), key=lambda result: order[result.case]))
