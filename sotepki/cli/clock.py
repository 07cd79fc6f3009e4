"""``sotepki clock``: the time of a workspace, which a trainer may move."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.workspace import Workspace


@click.group("clock")
def command() -> None:
    """Show or move the time of the workspace."""


@command.command("show")
@pass_workspace
def show(workspace: Workspace) -> None:
    """Print the workspace's time."""
    now = workspace.clock.now()
    emit({"now": now.isoformat()}, f"The workspace's time is {now:%Y-%m-%d %H:%M:%S} UTC.")


@command.command("advance", context_settings={"ignore_unknown_options": True})  # "-5" is a number, and is refused
@click.argument("days", type=float)
@pass_workspace
def advance(workspace: Workspace, days: float) -> None:
    """Move the workspace's time forward by DAYS. It never moves back: what was signed stays in order.

    A 'sotepki serve' that runs keeps its time; stop it and start it anew.
    """
    workspace.advance_clock(days)
    now = workspace.clock.now()
    emit({"now": now.isoformat()}, f"The workspace's time is now {now:%Y-%m-%d %H:%M:%S} UTC.")
