"""``sotepki init``: a new workspace from the test world."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, progress_wanted, workspace_directory


@click.command("init")
@click.option("--keys", default=8, show_default=True, help="How many RSA-3072 card keys to make beforehand.")
def command(keys: int) -> None:
    """Make a new workspace: registers from the test world, a TEST hierarchy in SoftHSM, services' own keys.

    The directory must not exist, or be empty. An interrupted init leaves nothing behind.
    """
    from sotepki.workspace import Workspace

    directory = workspace_directory()
    tell = (lambda line: click.echo(line, err=True)) if progress_wanted() else (lambda _line: None)
    with Workspace.create(directory, card_keys=keys, tell=tell) as workspace:
        counts = workspace.counts()
        emit(
            {"workspace": str(workspace.directory), **counts},
            f"A new TEST workspace stands in {directory}: {counts['people']} people, "
            f"{counts['organisations']} organisations, {counts['professionals']} professionals.",
        )
