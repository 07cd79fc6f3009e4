"""``sotepki workspace``: where a workspace keeps its books, its upgrade, and keys for workspaces to come."""

from __future__ import annotations

from pathlib import Path

import click

from sotepki.cli.context import emit, pass_workspace, workspace_directory
from sotepki.workspace import Workspace


@click.group("workspace")
def command() -> None:
    """The workspace itself: where it is, its upgrade from an earlier version, and keys for new ones."""


@command.command("show")
@pass_workspace
def show(workspace: Workspace) -> None:
    """Print where the workspace and its database are, and the form of the database."""
    from sotepki.records.addresses import without_password, without_schema
    from sotepki.records.migrations import revision_of

    database = workspace.records.database
    # The one in use: SOTEPKI_DATABASE_URL may lead elsewhere than the settings.
    in_use = without_password(without_schema(database.engine.url))
    kept = in_use if workspace.settings.database else str(workspace.directory / "sotepki.db")
    answer = {
        "workspace": str(workspace.directory),
        "created": workspace.settings.created,
        "database": kept,
        "schema": database.schema,
        "form": revision_of(database),
    }
    emit(answer, "\n".join(f"{name:<10}{value}" for name, value in answer.items() if value))


@command.command("upgrade")
def upgrade() -> None:
    """Bring the database of a workspace of an earlier version to the form of this version.

    A database of SQLite is copied into the workspace's backups/ first; copy one of PostgreSQL with pg_dump. The
    upgrade is done whole or not at all.
    """
    from sotepki.workspace import upgrade

    applied, copy = upgrade(workspace_directory())
    kept = f" The database as it was: {copy}." if copy else ""
    done = f"Upgraded by {', '.join(applied)}.{kept}" if applied else "The database has the form of this version."
    emit({"applied": applied, "copy": str(copy or "")}, done)


@command.command("keys")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--workspaces", type=click.IntRange(1, 1000), default=1, show_default=True, help="For how many.")
@click.option("--cards", type=click.IntRange(0, 10_000), default=8, show_default=True, help="Card keys for each.")
def keys(directory: Path, workspaces: int, cards: int) -> None:
    """Make the keys of workspaces beforehand, into a DIRECTORY of their own.

    Making RSA keys takes most of the time of init. With SOTEPKI_READY_KEYS=DIRECTORY in the environment, init and
    all else that makes workspaces takes these. Each is given once and then gone; when none is left, keys are made as
    ever.
    """
    from sotepki.tokens import READY_KEYS, KeyPool
    from sotepki.workspace import founding_keys

    pool = KeyPool(directory.absolute())
    wanted = {kind: count * workspaces for kind, count in founding_keys(cards).items()}
    pool.fill(wanted)
    waiting = {str(kind): pool.waiting(kind) for kind in wanted}
    told = ", ".join(f"{count} of {kind}" for kind, count in waiting.items())
    emit({"directory": str(pool.directory), **waiting}, f"Keys wait in {directory}: {told}. Set {READY_KEYS} to it.")
