"""Proof of cases: the reference system passes them, and each mutant is caught by exactly those that name it.

The rows of the matrix are shared among processes; each makes the reference system and its bench once.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.util import Finalize
from types import FrameType

from conformance.bench import Bench
from conformance.declaring import Case
from conformance.extending import Extension
from conformance.matrix import Row, examine, row
from conformance.sut.mutants import Mutant, mutant_named, mutants
from conformance.sut.reference import Reference, reference_system
from conformance.verdicts import CaseResult, CaseVerdict
from sotepki.signals import deaf_to_ctrl_c, end_with_parent

_CHUNKS_EACH = 6
"""So many portions per process: few enough to keep made documents warm, enough to even out slow mutants."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant, without the evidence.

    Attributes:
        caught_by: the cases that failed or warned.
        differences: sentences about what is not as declared.
    """

    mutant: str
    caught_by: frozenset[str]
    differences: tuple[str, ...]


def prove_all(
    names: Sequence[str] = (), *, jobs: int = 2, tell: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Run mutants of the suite, by default all, in ``jobs`` processes; outcomes in the order of the catalogue."""
    order = [mutant.id for mutant in mutants()] if not names else [mutant_named(name).id for name in names]
    found: dict[str, Outcome] = {}
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin) as pool:
        try:
            with deaf_to_ctrl_c():
                waiting = [pool.submit(_rows, portion) for portion in _portions(order, jobs)]
            for done in as_completed(waiting):
                for outcome in done.result():
                    found[outcome.mutant] = outcome
                    if tell is not None:
                        tell(outcome)
        except BaseException:  # the pool would first work off what it has, for minutes
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
    return [found[name] for name in order]


def prove(extension: Extension, *names: str) -> list[str]:
    """Sentences about private cases that do not hold; all of them if none is named.

    The reference system must pass each case, and each mutant that a case names must be caught by it.
    """
    lines = list(extension.faults)
    chosen = [case for case in extension.cases if not names or case.id in names]
    with Bench.temporary() as bench, reference_system(bench) as reference:
        if chosen:
            lines += _not_passed(chosen, reference, extension)
        lines += _not_caught(chosen, reference, extension)
    return lines


def reference_results(cases: Sequence[str] = ()) -> tuple[CaseResult, ...]:
    """The results of cases on the reference system."""
    with Bench.temporary() as bench, reference_system(bench) as reference:
        return examine(reference.system(), bench, cases)


def _not_passed(cases: Sequence[Case], reference: Reference, extension: Extension) -> Iterator[str]:
    for result in examine(reference.system(), reference.bench, [case.id for case in cases], extension):
        if result.verdict is not CaseVerdict.PASS:
            yield f"The reference system: {result.case} says {result.verdict} {result.reason}".strip()


def _not_caught(cases: Sequence[Case], reference: Reference, extension: Extension) -> Iterator[str]:
    by_id = {mutant.id: mutant for mutant in (*mutants(), *extension.mutants)}
    for case, name in ((one, name) for one in cases for name in one.mutants):
        if name not in by_id:
            yield f"{case.id} names the mutant {name}, which does not exist."
        elif not _caught(by_id[name], reference, case.id, extension):
            yield f"{name}: {case.id} should catch it, but does not."


def _caught(mutant: Mutant, reference: Reference, case: str, extension: Extension) -> bool:
    (result,) = examine(mutant.build(reference), reference.bench, [case], extension)
    return result.verdict in (CaseVerdict.FAIL, CaseVerdict.WARN)


def _portions(order: Sequence[str], jobs: int) -> list[tuple[str, ...]]:
    # Neighbours share a facet, and so what the bench makes for it; a process that gets them makes it once.
    size = max(1, -(-len(order) // (jobs * _CHUNKS_EACH)))
    return [tuple(order[start : start + size]) for start in range(0, len(order), size)]


class _Kept:
    """The reference system of this process, made for the first portion and kept for the next.

    ``busy`` while a portion is worked on; ``told_to_end`` after that no further one is.
    """

    reference: Reference | None = None
    resources = ExitStack()
    busy = False
    told_to_end = False


def _begin() -> None:
    # Processes of a pool do not run atexit; this is run when they end.
    Finalize(None, _Kept.resources.close, exitpriority=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # what is still to be removed is removed in peace
    _Kept.told_to_end = True
    raise KeyboardInterrupt if _Kept.busy else SystemExit(1)


def _rows(names: Sequence[str]) -> list[Outcome]:
    _Kept.busy = True
    try:
        if _Kept.reference is None and not _Kept.told_to_end:
            bench = _Kept.resources.enter_context(Bench.temporary())
            _Kept.reference = _Kept.resources.enter_context(reference_system(bench))
        return [_outcome(_row(name)) for name in names]
    finally:
        _Kept.busy = False


def _row(name: str) -> Row:
    # A run of pytest that is interrupted ends with a code and not with the exception, so this is asked anew.
    if _Kept.told_to_end or _Kept.reference is None:
        raise KeyboardInterrupt
    return row(mutant_named(name), _Kept.reference)


def _outcome(made: Row) -> Outcome:
    return Outcome(made.mutant.id, made.caught_by, tuple(made.differences()))
