"""Running the suite: pytest in this process, with nothing of the user's own pytest set-up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import fixtures, fixtures_documents
from conformance.bench import Bench
from conformance.extending import Extension, paths_of
from conformance.parallel import run_in_processes
from conformance.plugin import ConformancePlugin
from conformance.report import Earlier, write_report
from conformance.session import Progress, RunSession, Selection
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import Summary
from sotepki.clock import AdjustableClock, Clock, SystemClock
from sotepki.errors import Fault, Misuse

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


@dataclass(frozen=True)
class RunOptions:
    """How a run goes.

    Attributes:
        language: the page's first language.
        extension: private cases.
        resumed: an earlier run of which the results are kept where a case is not run again.
        compared: an earlier run with which the report compares.
        obey_phases: a phase of joint testing is entered only if none before it has a failure.
        jobs: how many processes share the cases; more than one needs ``description``.
        description: the TOML file, from which each process attaches the system for itself.
    """

    language: str = "fi"
    extension: Extension | None = None
    resumed: Earlier | None = None
    compared: Earlier | None = None
    obey_phases: bool = False
    jobs: int = 1
    description: Path | None = None


def run(
    sut: SystemUnderTest,
    report_directory: Path,
    *,
    selection: Selection | None = None,
    bench: Bench | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    language: str = "fi",
    options: RunOptions | None = None,
) -> Summary:
    """Run the chosen cases against a system and write report.json, junit.xml and report.html.

    Args:
        bench: the suite's own side, if it is there already; else one is made when a case needs it.
        clock: the time that reports carry; the bench's, or the machine's.
        language: the first language of report.html.
        options: everything else about the run; replaces ``language``.

    Raises:
        Misuse: the selection leaves nothing, the report directory cannot be used, or the run that is resumed was
            that of another system.
        ReportNotWritten: the run is done and the report cannot be written; it carries the outcome.
        KeyboardInterrupt: the run was interrupted; the report of what was done is written first.
    """
    chosen = options or RunOptions(language=language)
    if chosen.resumed is not None and chosen.resumed.system != sut.name:
        raise Misuse(
            f"The report {chosen.resumed.name} is of the system {chosen.resumed.system!r}, not of {sut.name!r}, so "
            "its results cannot be kept.",
            advice="Run every case of this system without --resume; or name the description of the other one.",
        )
    session = RunSession(
        sut,
        clock or (bench.clock if bench else SystemClock()),
        selection or Selection(),
        bench,
        progress,
        chosen.extension,
        chosen.resumed.results if chosen.resumed else (),
        chosen.obey_phases,
    )
    prepare_report_directory(report_directory)
    code: pytest.ExitCode | int = pytest.ExitCode.INTERNAL_ERROR
    try:
        code = _run(session, chosen)
    except KeyboardInterrupt:  # from the processes; pytest itself answers with a code
        code = pytest.ExitCode.INTERRUPTED
    finally:
        _note_a_broken_run(session, code)
        session.close()
        summary = session.summary()
        try:
            write_report(
                report_directory,
                sut,
                summary,
                language=chosen.language,
                extension=chosen.extension,
                compared=chosen.compared,
            )
        except Fault as error:
            raise ReportNotWritten(error, summary) from error
    if code == pytest.ExitCode.INTERRUPTED and not session.harness_faults:
        raise KeyboardInterrupt
    return summary


class ReportNotWritten(Fault):
    """The run is done, and its report cannot be written, as on a full disk; ``summary`` is what came out."""

    def __init__(self, cause: Fault, summary: Summary) -> None:
        super().__init__(cause.sentence, advice="Name another directory with --report; the outcome is printed above.")
        self.summary = summary


def run_reference(
    report_directory: Path,
    *,
    selection: Selection | None = None,
    clock: AdjustableClock | None = None,
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
    """Run the cases of a session without writing a report; what pytest itself could not do is among its faults."""
    arguments = [*_OPTIONS, f"--rootdir={_HERE}", "-c", str(_HERE / "pytest.ini"), *paths_of(session.chosen)]
    with _without("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        code = pytest.main(arguments, plugins=[ConformancePlugin(session), fixtures, fixtures_documents])
    _note_a_broken_run(session, code)
    return code


def _note_a_broken_run(session: RunSession, code: pytest.ExitCode | int) -> None:
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR) and not session.harness_faults:
        session.harness_faults.append("The suite could not be run to its end; this is a fault of the suite.")


def _run(session: RunSession, options: RunOptions) -> pytest.ExitCode | int:
    # The entry rules look at what came before, so they need one process.
    if options.jobs > 1 and options.description is not None and not options.obey_phases and len(session.chosen) > 1:
        folder = options.extension.directory if options.extension else None
        return run_in_processes(session, options.description, folder, options.jobs)
    return run_cases(session)


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Leave out environment variables by which the user's own pytest habits would reach into the suite."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
