"""``sotepki demo``: the whole journey, then the conformance suite on the reference system."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sotepki.cli.context import output_format, workspace_directory
from sotepki.errors import Fault


@click.command("demo")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Walk the whole journey in a new workspace and run the conformance suite; ends with the report's path.

    The workspace is made under the directory of --workspace, as demo-<date and time>, and is kept.
    """
    import conformance
    from conformance.sut.reference import reference_system
    from sotepki.journey.walk import Walk
    from sotepki.workspace import Workspace

    quiet = output_format() == "json"

    def say(line: str) -> None:
        click.echo(line, err=quiet)

    base = workspace_directory()
    directory = base.with_name(f"{base.name}-demo-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    say(f"1. A new TEST workspace in {_shown(directory)}")
    with Workspace.create(directory, tell=lambda line: say(f"   {line}")) as workspace:
        counts = workspace.counts()
        say(f"   {counts['people']} people, {counts['organisations']} organisations, a root and two issuing CAs.")
        say("2. The journey")
        Walk(workspace, lambda line: say(f"   {line}")).all()
        say("3. The conformance suite on the reference system")
        report = workspace.reports / "conformance"
        with reference_system(workspace) as system:
            summary = conformance.run(system, report)
