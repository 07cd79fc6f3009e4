"""``sotepki demo``: the whole journey, then the conformance suite on the reference system."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, output_format, workspace_directory
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from conformance.verdicts import Summary
    from sotepki.workspace import Workspace

REPORT = "report.html"


@click.command("demo")
def command() -> int:
    """Walk the whole journey in a new workspace and run the conformance suite; ends with the report's path.

    The workspace is made beside the one that --workspace names, as WORKSPACE-demo-DATE-TIME, and is kept. Demos that
    begin in the same second get a number after it.
    """
    from sotepki.clock import SystemClock
    from sotepki.journey.walk import Walk
    from sotepki.workspace import Workspace

    say = _speaker()
    directory = _new_directory(Path(os.path.abspath(workspace_directory())), SystemClock().now())
    say(f"1. A new TEST workspace in {_shown(directory)}")
    try:
        made = Workspace.create(directory, tell=lambda line: say(f"   {line}"))
    except BaseException:
        with suppress(OSError):
            directory.rmdir()
        raise
    with made as workspace:
        counts = workspace.counts()
        roots, authorities = len(workspace.authorities.roots), len(workspace.authorities.made())
        say(
            f"   {counts['people']} people, {counts['organisations']} organisations, {roots} roots (RSA and EC) "
            f"with {authorities - roots} issuing CAs."
        )
        say("2. The journey")
        Walk(workspace, lambda line: say(f"   {line}")).all()
        say("3. The conformance suite on the reference system")
        report = workspace.reports / "conformance"
        summary = _rehearsal(workspace, report)
    shown = _shown(report / REPORT)
    emit(
        {"workspace": str(directory), "report": str(shown), "summary": dict(summary.counts)},
        f"Report: {shown}\n{summary.line()}",
    )
    return summary.exit_code


def _new_directory(workspace: Path, now: datetime) -> Path:
    """A directory beside the workspace that no other demo has, made here; with a number, if there is one already."""
    if not workspace.name:
        raise Misuse(
            f"Beside {workspace} there is no place for the demo's workspace.",
            advice="Name a directory with --workspace; it need not be there.",
        )
    stamp = f"{workspace.name}-demo-{now:%Y%m%d-%H%M%S}"
    numbers = chain([""], map("-{}".format, count(2)))
    while True:
        directory = workspace.with_name(stamp + next(numbers))
        try:
            directory.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            continue
        except OSError:  # why not, is said better where the workspace is made
            pass
        return directory


def _shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _rehearsal(workspace: Workspace, report: Path) -> Summary:
    from conformance.bench import Bench
    from conformance.running import run
    from conformance.sut.reference import reference_system

    with ExitStack() as resources:
        bench = Bench(workspace, resources)
        reference = resources.enter_context(reference_system(bench))
        return run(reference.system(), report, bench=bench)


def _speaker() -> Callable[[str], None]:
    quiet = output_format() == "json"
    return lambda line: click.echo(line, err=quiet)
