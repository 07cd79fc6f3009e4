"""``sotepki workspace``: where a workspace keeps its books, and the upgrade from an earlier version."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, pass_workspace, workspace_directory
from sotepki.workspace import Workspace


@click.group("workspace")
def command() -> None:
    """The workspace itself: where it is, and its upgrade from an earlier version."""


@command.command("show")
@pass_workspace
def show(workspace: Workspace) -> None:
    """Print where the workspace and its database are, and the form of the database."""
    from sotepki.records.migrations import revision_of

    database = workspace.records.database
    kept = workspace.settings.database or str(workspace.directory / "sotepki.db")
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
