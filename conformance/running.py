"""Running the suite: pytest in this process, with nothing of the user's own pytest set-up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance import fixtures
from conformance.bench import Bench
from conformance.plugin import ConformancePlugin
from conformance.report import write_report
from conformance.session import Progress, RunSession, Selection
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import Summary
from sotepki.clock import Clock, SystemClock
from sotepki.errors import Misuse

_HERE = Path(__file__).resolve().parent
_OPTIONS = (
    "--disable-plugin-autoload",
    "--noconftest",
    "--strict-markers",
    "--assert=plain",
    "--capture=no",
    "-p", "no:cacheprovider",
    "-p", "no:terminal",
    "-p", "no:warnings",
    "-p", "no:logging",
    "-p", "no:faulthandler",
    "-p", "no:doctest",
    "-p", "no:junitxml",
    "-p", "no:unraisableexception",
    "-p", "no:threadexception",
)  # fmt: skip


def run(
    sut: SystemUnderTest,
    report_directory: Path,
    *,
    selection: Selection | None = None,
    bench: Bench | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    language: str = "fi",
) -> Summary:
    """Run the chosen cases against a system and write report.json, junit.xml and report.html.

    Args:
        bench: the suite's own side, if it is there already; else one is made when a case needs it.
        clock: the time that reports carry; the bench's, or the machine's.
        language: of report.html.

    Raises:
        Misuse: the selection leaves nothing, or the report directory cannot be used.
        KeyboardInterrupt: the run was interrupted; the report of what was done is written first.
    """
    time_source = clock or (bench.clock if bench else SystemClock())
    session = RunSession(sut, time_source, selection or Selection(), bench, progress)
    prepare_report_directory(report_directory)
    code: pytest.ExitCode | int = pytest.ExitCode.INTERNAL_ERROR
    try:
        code = run_cases(session)
    finally:
        if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            session.harness_faults.append("The suite could not be run to its end; this is a fault of the suite.")
        session.close()
        summary = session.summary()
        write_report(report_directory, sut, summary, language=language)
    if code == pytest.ExitCode.INTERRUPTED and not session.harness_faults:
        raise KeyboardInterrupt
    return summary


def run_reference(
    report_directory: Path,
    *,
    selection: Selection | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    language: str = "fi",
) -> Summary:
    """Run the suite on its own reference system, in a bench that is made for it and removed afterwards."""
    from conformance.sut.reference import reference_system

    prepare_report_directory(report_directory)
    with Bench.temporary(clock=clock) as bench, reference_system(bench) as reference:
        return run(
            reference.system(),
            report_directory,
            selection=selection,
            bench=bench,
            progress=progress,
            language=language,
        )


def prepare_report_directory(directory: Path) -> None:
    """Make the directory, before anything else is done that would be lost without it.

    Raises:
        Misuse: it cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"The report directory {directory} cannot be made: {error.strerror}.") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise Misuse(f"The report directory {directory} cannot be written.", advice="Name another one.")


def run_cases(session: RunSession) -> pytest.ExitCode | int:
    """Run the cases of a session without writing a report."""
    modules = sorted({case.module for case in session.chosen})
    paths = [str(_HERE / "cases" / f"{module.rpartition('.')[2]}.py") for module in modules]
    arguments = [*_OPTIONS, f"--rootdir={_HERE}", "-c", str(_HERE / "pytest.ini"), *paths]
    with _without("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        return pytest.main(arguments, plugins=[ConformancePlugin(session), fixtures])


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Leave out environment variables by which the user's own pytest habits would reach into the suite."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
