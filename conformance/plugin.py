"""The pytest plugin: collects declared cases, hands them the facets of the system, and turns outcomes into verdicts.

A case that ends normally is judged by what it held against its requirements. An exception means one of four things:
the case does not apply (skip), somebody has to act first (waiting), the system gave no usable answer (its own
failure), or, for everything else, the suite is broken (error), which is never blamed on the system under test.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator
from typing import Any

import pytest

from conformance.check import Check
from conformance.declaring import Case, case_of
from conformance.session import RunSession
from conformance.sut.facets import OperatorNeeded, Skipped, SystemFailed
from conformance.verdicts import CaseResult, CaseVerdict, Evidence
from sotepki.errors import SotepkiError

RUN = pytest.StashKey[RunSession]()
"""The run, in the stash of pytest's configuration."""
CASE = pytest.StashKey[Case]()
CHECK = pytest.StashKey[Check]()
"""Case and check, in the stash of each item."""
_BEGUN = pytest.StashKey[float]()

_ANSWER_ADVICE = "Run the same request by hand and see what the system writes to its log."


class ConformancePlugin:
    """Hooks of one run; registered with pytest as an object, so that two runs in one process do not meet."""

    def __init__(self, session: RunSession) -> None:
        self.session = session
        self._order = {case.id: number for number, case in enumerate(session.chosen)}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self.session
        # Nobody reads an account of a failure from pytest, and making it takes longer than many a case.
        config.option.tbstyle = "no"

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str, obj: object) -> Any:
        declared = case_of(obj)
        if declared is None or declared.module != getattr(obj, "__module__", None):
            return []
        item = pytest.Function.from_parent(collector, name=name)
        item.stash[CASE] = declared
        return item

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.stash[CASE].id in self._order]
        items[:] = sorted(chosen, key=lambda item: self._order[item.stash[CASE].id])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.session.harness_faults.append(f"The cases in {report.nodeid} cannot be read: {_last_line(report)}")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep a fault of the suite for the report; without this, pytest prints a traceback."""
        self.session.harness_faults.append(f"A fault of the suite: {excinfo.typename}: {excinfo.value}")
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        item.stash[_BEGUN] = time.perf_counter()
        barred = self.session.barred(item.stash[CASE])
        if barred:
            raise OperatorNeeded(barred)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        failed_early = call.when == "setup" and call.excinfo is not None
        if call.when == "call" or failed_early:
            result = self._result(item, call.excinfo)
            self.session.record(result)
            # A case whose fixtures failed must not be called, also where its requirement only warns.
            report.outcome = "failed" if failed_early else _PYTEST_OUTCOME[result.verdict]
            report.longrepr = None if report.outcome == "passed" else ("", 0, f"{result.verdict}: {result.reason}")
        return report

    def _result(self, item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException] | None) -> CaseResult:
        declared = item.stash[CASE]
        check = item.stash.get(CHECK, None) or Check(declared, self.session.register)
        spent = round((time.perf_counter() - item.stash[_BEGUN]) * 1000)
        error = excinfo.value if excinfo else None
        if error is None:
            return check.result(spent)
        if isinstance(error, SystemFailed):
            check.failed(error.sentence, _ANSWER_ADVICE)
            if error.log:
                check.show("what the system wrote", error.log)
            return check.result(spent)
        verdict, reason, extra = _verdict_of_exception(error)
        return CaseResult(declared.id, verdict, reason, evidence=check.evidence + extra, milliseconds=spent)


def _last_line(report: pytest.CollectReport) -> str:
    lines = [line.strip() for line in report.longreprtext.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


_PYTEST_OUTCOME: dict[CaseVerdict, Any] = {
    CaseVerdict.PASS: "passed",
    CaseVerdict.WARN: "passed",
    CaseVerdict.SKIP: "skipped",
    CaseVerdict.WAITING: "skipped",
    CaseVerdict.FAIL: "failed",
    CaseVerdict.ERROR: "failed",
}


def _verdict_of_exception(error: BaseException) -> tuple[CaseVerdict, str, tuple[Evidence, ...]]:
    if isinstance(error, Skipped | pytest.skip.Exception):
        return CaseVerdict.SKIP, str(error), ()
    if isinstance(error, OperatorNeeded):
        return CaseVerdict.WAITING, str(error), ()
    trace = "".join(traceback.format_exception(error))
    evidence = (Evidence.of("where the suite failed", trace),)
    if isinstance(error, SotepkiError):
        return CaseVerdict.ERROR, str(error), evidence
    return CaseVerdict.ERROR, f"A fault of the suite: {type(error).__name__}: {error}", evidence
