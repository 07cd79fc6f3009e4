"""``sotepki conformance``: the dress rehearsal for joint testing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from sotepki.cli.context import emit, progress_wanted
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from conformance.session import Selection
    from conformance.verdicts import CaseResult

E = TypeVar("E", bound=StrEnum)


@click.group("conformance")
def command() -> None:
    """The dress rehearsal for joint testing.

    It is not Kela's test. Exit codes of run: 0 no case failed, 1 a case failed, 2 wrong usage, 3 an error of ours.
    """


@command.command("list")
@click.option("--area", "areas", multiple=True, help="Only this area; may be given several times.")
@click.option("--phase", "phases", multiple=True, help="Only this phase; may be given several times.")
def list_cases(areas: tuple[str, ...], phases: tuple[str, ...]) -> None:
    """List the cases with their requirements and the broken systems that they catch."""
    from conformance.catalogue import catalogue

    cases = _selection((), areas, phases).choose(catalogue())
    text = "\n".join(f"{case.id:<48} {case.phase:<9} {case.title}" for case in cases)
    emit([case.as_dict() for case in cases], text)


@command.command("run")
@click.option("--sut", "description", type=click.Path(path_type=Path), required=True, help="TOML file of the system.")
@click.option("--report", type=click.Path(path_type=Path), required=True, help="Directory for the report.")
@click.option("--case", "cases", multiple=True, help="Only this case; may be given several times.")
@click.option("--area", "areas", multiple=True, help="Only this area; may be given several times.")
@click.option("--phase", "phases", multiple=True, help="Only this phase; may be given several times.")
@click.option("--language", type=click.Choice(["fi", "en"]), default="fi", show_default=True, help="Of report.html.")
def run_suite(
    description: Path,
    report: Path,
    cases: tuple[str, ...],
    areas: tuple[str, ...],
    phases: tuple[str, ...],
    language: str,
) -> int:
    """Run the suite on a system and write report.html, report.json and junit.xml."""
    from conformance.report import HTML_NAME, report_data
    from conformance.running import prepare_report_directory, run
    from conformance.sut.loading import attach

    selection = _selection(cases, areas, phases)
    prepare_report_directory(report)
    with attach(description, operator=_tell) as attached:
        summary = run(
            attached.sut,
            report,
            selection=selection,
            bench=attached.bench,
            progress=_show if progress_wanted() else None,
            language=language,
        )
        emit(report_data(attached.sut, summary), f"{summary.line()}\nReport: {report / HTML_NAME}")
    return summary.exit_code


def _selection(cases: tuple[str, ...], areas: tuple[str, ...], phases: tuple[str, ...]) -> Selection:
    from conformance.declaring import Area
    from conformance.requirements import Phase
    from conformance.session import Selection

    return Selection(
        frozenset(cases),
        frozenset(_member(Area, "area", name) for name in areas),
        frozenset(_member(Phase, "phase", name) for name in phases),
    )


def _member(members: type[E], what: str, name: str) -> E:
    try:
        return members(name)
    except ValueError:
        raise Misuse(f"There is no {what} {name!r}.", advice=f"There is {', '.join(members)}.") from None


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _show(result: CaseResult, number: int, count: int) -> None:
    reason = f"  {result.reason}" if result.reason else ""
    click.echo(f"[{number:>{len(str(count))}}/{count}] {result.verdict:<7} {result.case}{reason}", err=True)
