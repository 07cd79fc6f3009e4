"""``sotepki init``: a new workspace from the test world."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, progress_wanted, workspace_directory


@click.command("init")
@click.option(
    "--keys",
    type=click.IntRange(0, 10_000),
    default=8,
    show_default=True,
    help="How many RSA-3072 card keys to make beforehand.",
)
@click.option(
    "--database",
    metavar="URL",
    envvar="SOTEPKI_DATABASE_URL",
    show_envvar=True,
    default="",
    help="Keep the books in PostgreSQL: postgresql://USER@HOST/DATABASE. Default: a file in the workspace.",
)
def command(keys: int, database: str) -> None:
    """Make a new workspace: registers from the test world, a TEST hierarchy in SoftHSM, services' own keys.

    The directory must not exist, or be empty. An interrupted init leaves nothing behind. In a PostgreSQL
    database the workspace gets a schema of its own, so that a class may share one; the password is not kept
    (PGPASSWORD, ~/.pgpass).
    """
    from sotepki.workspace import Workspace

    directory = workspace_directory()
    tell = (lambda line: click.echo(line, err=True)) if progress_wanted() else (lambda _line: None)
    with Workspace.create(directory, card_keys=keys, database=database, tell=tell) as workspace:
        counts = workspace.counts()
        emit(
            {"workspace": str(workspace.directory), **counts},
            f"A new TEST workspace stands in {directory}: {counts['people']} people, "
            f"{counts['organisations']} organisations, {counts['professionals']} professionals.",
        )
