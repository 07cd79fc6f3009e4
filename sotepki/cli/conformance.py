"""``sotepki conformance``: the dress rehearsal for joint testing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sotepki.cli import conformance_beside, conformance_describe
from sotepki.cli.context import emit, progress_wanted
from sotepki.cli.printing import one_line, say
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from conformance.extending import Extension
    from conformance.report import Earlier
    from conformance.session import Selection
    from conformance.sut.loading import Attached
    from conformance.verdicts import CaseResult

E = TypeVar("E", bound=StrEnum)
_MOST_RED = 20
"""So many lines about what went wrong at the end of a run; the report has all."""


@click.group("conformance")
def command() -> None:
    """The dress rehearsal for joint testing.

    It is not Kela's test. Exit codes of run: 0 no case failed, 1 a case failed, 2 wrong usage or every case was
    skipped, 3 an error of ours.
    """


for part in (*conformance_describe.COMMANDS, *conformance_beside.COMMANDS):
    command.add_command(part)


_PRIVATE = click.option(
    "--cases", "private", type=click.Path(path_type=Path), help="Folder of private cases, run besides the suite's."
)


@command.command("list")
@click.option("--area", "areas", multiple=True, help="Only this area; may be given several times.")
@click.option("--phase", "phases", multiple=True, help="Only this phase; may be given several times.")
@click.option("--class", "system_class", help="Only what concerns systems of this class: A1, A2, A3, wellbeing, B.")
@click.option("--role", "roles", multiple=True, help="Only what concerns this role; may be given several times.")
@click.option("--changed", help="Only what a change touches, as in signing,tls.")
@_PRIVATE
def list_cases(
    areas: tuple[str, ...],
    phases: tuple[str, ...],
    system_class: str | None,
    roles: tuple[str, ...],
    changed: str | None,
    private: Path | None,
) -> None:
    """List the cases with their requirements and the broken systems that they catch."""
    from conformance.extending import declared, register

    extension = _extension(private)
    selection = _selection((), areas, phases, system_class, roles, changed)
    cases = selection.choose(declared(extension), register(extension))
    text = "\n".join(f"{case.id:<48} {case.phase:<9} {case.title}" for case in cases)
    emit([case.as_dict() for case in cases], text)
    for fault in _faults(extension):
        say(fault, err=True)


@command.command("run")
@click.option("--sut", "description", type=click.Path(path_type=Path), required=True, help="TOML file of the system.")
@click.option("--report", type=click.Path(path_type=Path), required=True, help="Directory for the report.")
@click.option("--case", "cases", multiple=True, help="Only this case; may be given several times.")
@click.option("--area", "areas", multiple=True, help="Only this area; may be given several times.")
@click.option("--phase", "phases", multiple=True, help="Only this phase; may be given several times.")
@click.option("--class", "system_class", help="Of the system, in place of the TOML file's: A1, A2, A3, wellbeing, B.")
@click.option("--role", "roles", multiple=True, help="Of the system, in place of the TOML file's.")
@click.option("--changed", help="Only what a change touches, as in signing,tls.")
@click.option("--failed", type=click.Path(path_type=Path), help="Only what failed in this earlier report.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Only what waits in this report; keeps the rest of it."
)
@click.option("--compare", type=click.Path(path_type=Path), help="An earlier report to compare with.")
@click.option("--obey-phases", is_flag=True, help="Enter a phase only if no case of those before it failed.")
@click.option(
    "--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Processes that share the cases."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the evidence of each case as it comes.")
@click.option("--language", type=click.Choice(["fi", "sv", "en"]), default="fi", show_default=True,
              help="Of the advice of -v, and with which report.html begins; its reader can switch.")  # fmt: skip
@_PRIVATE
def run_suite(description: Path, report: Path, **chosen: Any) -> int:
    """Run the suite on a system and write report.html, report.json and junit.xml."""
    from conformance.extending import declared, register
    from conformance.report import HTML_NAME, Earlier, report_data
    from conformance.report.html import texts_of
    from conformance.running import ReportNotWritten, RunOptions, prepare_report_directory, run
    from conformance.sut.loading import attach
    from conformance.verdicts import CaseVerdict

    earlier = {name: Earlier.load(chosen[name]) if chosen[name] else None for name in ("failed", "resume", "compare")}
    extension = _extension(chosen["private"])
    # A slip in an option is told at once and not after some seconds in which a mutant is built.
    names = _names(frozenset(chosen["cases"]), earlier["failed"], earlier["resume"])
    _chosen(chosen, names).choose(declared(extension), register(extension), _faults(extension))
    prepare_report_directory(report)
    with attach(description) as attached:
        selection = _chosen(chosen, names, attached)
        options = RunOptions(
            language=chosen["language"],
            extension=extension,
            resumed=earlier["resume"],
            compared=earlier["compare"],
            obey_phases=chosen["obey_phases"],
            jobs=1 if attached.operated else chosen["jobs"],
            description=description,
        )
        show_all = partial(_show_all, language=chosen["language"])
        progress = show_all if chosen["verbose"] else _show if progress_wanted() else None
        try:
            summary = run(
                attached.sut, report, selection=selection, bench=attached.bench, progress=progress, options=options
            )
        except ReportNotWritten as error:
            emit(report_data(attached.sut, error.summary, extension=extension), error.summary.line())
            raise
        except KeyboardInterrupt:
            if (report / HTML_NAME).exists():
                say(f"What was done is in {report / HTML_NAME}; the rest is run with --resume {report}.", err=True)
            raise
        data = report_data(attached.sut, summary, extension=extension, compared=earlier["compare"])
        lines = [*summary.faults, *_red(summary.results), summary.line(), f"Report: {report / HTML_NAME}"]
        if "comparison" in data:
            lines.append(_compared(data["comparison"]))
        if summary.counts[CaseVerdict.WAITING]:
            lines.append(f"What waits is run with --resume {report}.")
        emit(data, "\n".join(lines))
        if summary.nothing_tested:
            say(texts_of("en")["remark.nothing-tested"], err=True)
    return summary.exit_code


def _names(names: frozenset[str], failed: Earlier | None, resumed: Earlier | None) -> frozenset[str]:
    """The cases that are chosen by name, or by what came of them earlier; empty for all."""
    from conformance.verdicts import CaseVerdict

    for earlier, verdicts, what in (
        (failed, (CaseVerdict.FAIL, CaseVerdict.ERROR), "failed"),
        (resumed, (CaseVerdict.WAITING,), "waits"),
    ):
        if earlier is not None:
            found = earlier.cases_with(*verdicts)
            names = names & found if names else found
            if not names:
                raise Misuse(f"No case {what} in {earlier.name}.", advice="Leave out the option to run them all.")
    return names


def _chosen(chosen: dict[str, Any], names: frozenset[str], attached: Attached | None = None) -> Selection:
    """What the options choose, and the description of the system where they say nothing."""
    system_class, roles = chosen["system_class"], chosen["roles"]
    if attached is not None:
        system_class = system_class or (attached.system_class and str(attached.system_class))
        roles = roles or tuple(str(role) for role in attached.roles)
    return _selection(tuple(names), chosen["areas"], chosen["phases"], system_class, roles, chosen["changed"])


def _extension(private: Path | None) -> Extension | None:
    if private is None:
        return None
    from conformance.extending import Extension

    return Extension.load(private)


def _faults(extension: Extension | None) -> tuple[str, ...]:
    """What is to be told of files of private cases that could not be used."""
    return extension.faults if extension else ()


def _selection(
    cases: tuple[str, ...],
    areas: tuple[str, ...],
    phases: tuple[str, ...],
    system_class: str | None,
    roles: tuple[str, ...],
    changed: str | None,
) -> Selection:
    from conformance.declaring import Area
    from conformance.process import areas_of_changes
    from conformance.requirements import Phase, Role, SystemClass
    from conformance.session import Selection

    touched = areas_of_changes(name.strip() for name in changed.split(",")) if changed is not None else frozenset()
    return Selection(
        frozenset(cases),
        frozenset(_member(Area, "area", name) for name in areas) | touched,
        frozenset(_member(Phase, "phase", name) for name in phases),
        _member(SystemClass, "class", system_class) if system_class else None,
        frozenset(_member(Role, "role", name) for name in roles),
    )


def _member(members: type[E], what: str, name: str) -> E:
    try:
        return members(name)
    except ValueError:
        raise Misuse(f"There is no {what} {name!r}.", advice=f"There is {', '.join(members)}.") from None


def _compared(comparison: dict[str, Any]) -> str:
    """One line on what changed since the earlier report; the new faults by name."""
    from conformance.report.earlier import Change

    count = {change: len(comparison[change]) for change in Change}
    fresh = ", ".join(str(row["id"]) for row in comparison[Change.NEW][:_MOST_RED])
    named = f" ({fresh})" if fresh else ""
    mended, still = count[Change.MENDED], count[Change.STILL]
    return f"Since then: new faults {count[Change.NEW]}{named}, mended {mended}, as before {still}."


def _red(results: Iterable[CaseResult]) -> list[str]:
    """One line for each thing that went wrong; cases with one and the same reason share it, as of a missing file."""
    from conformance.verdicts import CaseVerdict

    cases: dict[tuple[CaseVerdict, str], list[str]] = {}
    for result in results:
        if result.verdict in (CaseVerdict.FAIL, CaseVerdict.ERROR):
            cases.setdefault((result.verdict, result.reason), []).append(result.case)
    lines = []
    for (verdict, reason), names in cases.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"{verdict:<7} {names[0]}{others}  {one_line(reason)}".rstrip())
    left = len(lines) - _MOST_RED
    return lines if left <= 0 else [*lines[:_MOST_RED], f"... and {left} more; the report has them all."]


def _show(result: CaseResult, number: int, count: int) -> None:
    reason = f"  {result.reason}" if result.reason else ""
    say(f"[{number:>{len(str(count))}}/{count}] {result.verdict:<7} {result.case}{reason}", err=True)


def _show_all(result: CaseResult, number: int, count: int, *, language: str) -> None:
    from conformance.report.html import texts_of
    from conformance.report.translations import advice

    _show(result, number, count)
    for evidence in result.evidence:
        say(f"    {evidence.title} ({evidence.media_type}, {evidence.size} bytes)", err=True)
        for line in evidence.content.splitlines()[:40]:
            say(f"        {line}", err=True)
    for sentence in result.advice:
        say(f"    {texts_of(language)['advice']}: {advice(sentence).get(language, sentence)}", err=True)
