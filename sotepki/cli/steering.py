"""``sotepki steering``: THL's regulations as versioned documents, and what they require of systems."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY

if TYPE_CHECKING:
    from sotepki.thl import SteeringDocument
    from sotepki.workspace import Workspace

_ON = click.option("--on", "day", type=DAY, help="On which day, YYYY-MM-DD; today if left out.")


@click.group("steering")
def command() -> None:
    """THL: regulations (määräykset) and what they require, at a time. DOCUMENT is such as THL-4/2024."""


@command.command("list")
@_ON
@click.option("--all", "everything", is_flag=True, help="Also what was replaced or is still to come.")
@pass_workspace
def list_(workspace: Workspace, day: date | None, everything: bool) -> None:
    """List the documents in force."""
    found = workspace.steering.documents() if everything else workspace.steering.in_force(day)
    emit([one.as_dict() for one in found], "\n".join(map(_line, found)) or "No document was in force.")


@command.command("show")
@click.argument("document")
@pass_workspace
def show(workspace: Workspace, document: str) -> None:
    """Show a document with its source."""
    found = workspace.steering.document(document)
    emit(found.as_dict(), f"{_line(found)}\n  {found.title_fi}\n  ({found.grade}: {found.source})")


@command.command("requirements")
@click.option("--class", "system_class", default="", help="Only those of a class: A1, A2, A3 or B.")
@_ON
@pass_workspace
def requirements(workspace: Workspace, system_class: str, day: date | None) -> None:
    """List what the documents in force require of information systems."""
    found = workspace.steering.requirements(system_class, day)
    emit(
        [one.as_dict() for one in found],
        "\n".join(f"{one.id}  {one.document}  {' '.join(one.classes)}: {one.text} ({one.grade})" for one in found)
        or "Nothing is required.",
    )


@command.command("publish")
@click.argument("document")
@click.option("--title", required=True, help="Of the document.")
@click.option("--from", "first", type=DAY, required=True, help="First day in force, YYYY-MM-DD.")
@click.option("--replaces", multiple=True, help="A document that it replaces; may be given several times.")
@click.option("--actor", default="thl-official", show_default=True, help="Who publishes, for the journal.")
@pass_workspace
def publish(
    workspace: Workspace, document: str, title: str, first: date, replaces: tuple[str, ...], actor: str
) -> None:
    """Publish a document, for training with steering that changes."""
    found = workspace.steering.publish(document, title=title, in_force_from=first, replaces=replaces, actor=actor)
    emit(found.as_dict(), _line(found))


def _line(found: SteeringDocument) -> str:
    replaced = f", replaced on {found.replaced_on} by {found.replaced_by}" if found.replaced_by else ""
    return f"{found.id}  {found.title}, in force from {found.in_force_from}{replaced}"
