"""``sotepki conformance cross``, ``package``, ``calendar`` and ``prove``: what stands beside a run."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, output_format, progress_wanted
from sotepki.cli.day import DAY
from sotepki.cli.writing import writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from conformance.proving import Outcome


@click.command("cross")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--report", type=click.Path(path_type=Path), help="Directory for cross.json.")
def cross(first: Path, second: Path, report: Path | None) -> int:
    """Two systems exchange documents through our Kanta, each as author and as reader.

    Exit codes as of run; 2 also if no document was exchanged.
    """
    from conformance.bench import Bench
    from conformance.crossing import cross_data, exchange, exit_code, nothing_exchanged, write_cross
    from conformance.running import prepare_report_directory
    from conformance.sut.loading import SuiteSide, attach

    if report is not None:
        prepare_report_directory(report)
    with (
        Bench.temporary() as bench,
        ExitStack() as resources,
        attach(first, shared=(side := SuiteSide(bench, resources))) as one,
        attach(second, shared=side) as other,
    ):
        legs = exchange(one.sut, other.sut, bench)
    if report is not None:
        write_cross(report, legs)
    lines = [
        f"{leg.verdict:<8}{leg.author} -> {leg.reader} {leg.kind} {leg.document}  {leg.reason}  (Kanta: {leg.kanta})"
        for leg in legs
    ]
    emit(cross_data(legs), "\n".join(lines))
    if nothing_exchanged(legs):
        sentence = "No document was exchanged: one system must sign, and name its [trust], and the other verify."
        click.echo(sentence, err=True)
    return exit_code(legs)


@click.command("package")
@click.argument("report", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@writes("target")
def package(report: Path, target: Path) -> None:
    """Pack a report directory into one signed zip: evidence, versions, a draft statement (not Kela's), manifest."""
    from conformance.packaging import write_package
    from sotepki.clock import SystemClock

    write_package(report, target, SystemClock())
    text = (
        f"{target}\nVerify: openssl cms -verify -binary -inform DER -in manifest.json.p7s -content manifest.json \\\n"
    )
    emit({"package": str(target)}, text + "    -CAfile signer-TEST.pem -purpose any -out /dev/null")


@click.command("calendar")
@click.option("--testing", type=DAY, help="First day of joint testing, YYYY-MM-DD.")
@click.option("--notice", type=DAY, help="Day on which a change is tested.")
@click.option("--certificate", type=DAY, help="End of the information-security certificate.")
@click.option("--deployment", type=DAY, help="Day of the deployment test.")
@click.option("--language", type=click.Choice(["fi", "sv", "en"]), default="en", show_default=True)
def calendar(language: str, **days: date | None) -> None:
    """Deadlines of joint testing as reminders, each with its source and grade. Kela's own word goes before them."""
    from conformance.process import CountedTo, reminders
    from sotepki.clock import SystemClock, finnish_day

    planned = {CountedTo(name): day for name, day in days.items() if day is not None}
    if not planned:
        raise Misuse("No day is given.", advice="Give --testing, --notice, --certificate or --deployment.")
    try:
        found = reminders(planned, finnish_day(SystemClock().now()))
    except (OverflowError, ValueError):
        raise Misuse("A deadline lies outside the calendar.", advice="Give days of our time.") from None
    lines = [
        f"{r.day:%Y-%m-%d}  {'LATE  ' if r.late else ''}{r.text[language]}  ({r.source}: {r.grade})" for r in found
    ]
    emit([r.as_dict() for r in found], "\n".join(lines))


@click.command("prove")
@click.option("--mutant", "names", multiple=True, help="Only this broken system; may be given several times.")
@click.option(
    "--cases", "private", type=click.Path(path_type=Path), help="Prove the private cases of this folder only."
)
@click.option("--jobs", type=click.IntRange(1, 16), default=2, show_default=True, help="Processes.")
def prove(names: tuple[str, ...], private: Path | None, jobs: int) -> int:
    """Show that the cases can fail: each broken system is caught by the cases that name it, and by no other."""
    from conformance.extending import Extension
    from conformance.proving import prove as prove_private
    from conformance.proving import prove_all

    if private is not None:
        extension = Extension.load(private)
        differences = prove_private(extension)
        count, what = len(extension.cases), "private cases pass on the reference system and catch what they name"
    else:
        tell = _proved if progress_wanted() and output_format() == "text" else None
        rows = prove_all(names, jobs=jobs, tell=tell)
        differences = [line for row in rows for line in row.differences]
        count, what = len(rows), "broken systems are caught by the cases that name them, and by no other"
    well = f"Everything is as declared: {count} of {count} {what}."
    emit({"differences": differences}, "\n".join(differences) or well)
    return 1 if differences else 0


def _proved(outcome: Outcome) -> None:
    click.echo(f"{'ok' if not outcome.differences else 'WRONG':<6}{outcome.mutant}", err=True)


COMMANDS = (cross, package, calendar, prove)
