"""``sotepki attribute-service``: which systems may ask Valvira's role and attribute service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace

if TYPE_CHECKING:
    from sotepki.valvira import ApprovedSystem
    from sotepki.workspace import Workspace

_ACTOR = click.option("--actor", default="valvira-official", show_default=True, help="Who decides, for the journal.")


@click.group("attribute-service")
def command() -> None:
    """Valvira: the systems approved for the role and attribute service.

    HOST is the host name in a system's service certificate.
    """


@command.command("approve")
@click.argument("host")
@click.option("--organisation", required=True, help="OID of the organisation that runs the system.")
@click.option("--system", required=True, help="Name of the system.")
@_ACTOR
@pass_workspace
def approve(workspace: Workspace, host: str, organisation: str, system: str, actor: str) -> None:
    """Approve a system."""
    from sotepki.identifiers import Oid
    from sotepki.thl.rules import thl_rules

    oid = Oid.parse(organisation)
    if workspace.thl.organisation(oid) is None:
        raise thl_rules().refusal("thl.organisation.known", f"There is no organisation {oid}.", subject=oid.value)
    _emit([workspace.approved_systems.approve(host, oid, system, actor=actor)])


@command.command("withdraw")
@click.argument("host")
@_ACTOR
@pass_workspace
def withdraw(workspace: Workspace, host: str, actor: str) -> None:
    """Withdraw an approval."""
    _emit([workspace.approved_systems.withdraw(host, actor=actor)])


@command.command("list")
@pass_workspace
def list_(workspace: Workspace) -> None:
    """List every approval there was."""
    _emit(workspace.approved_systems.all())


@command.command("interface")
@pass_workspace
def interface(_workspace: Workspace) -> None:
    """Show the outer form of the service, and how well each part of it is known."""
    from sotepki.valvira.attribute_interface import AttributeInterface

    found = AttributeInterface.load()
    rows = {name: {"value": getattr(found, name), "grade": grade.value} for name, grade in found.grades.items()}
    lines = [f"{name:<24} {row['value']} ({row['grade']})" for name, row in rows.items() if name != "names"]
    lines += [f"{f'names.{word}':<24} {name} ({found.grades['names']})" for word, name in found.names.items()]
    emit(rows, "\n".join(lines))


def _emit(found: Any) -> None:
    emit(
        [_row(one) for one in found],
        lambda: (
            "\n".join(
                f"{one.host}  {one.system} ({one.organisation}){', withdrawn' if one.withdrawn_at else ''}"
                for one in found
            )
            or "No system is approved."
        ),
    )


def _row(one: ApprovedSystem) -> dict[str, Any]:
    return {
        "host": one.host,
        "organisation": one.organisation.value,
        "system": one.system,
        "approved_at": one.approved_at.isoformat(),
        "withdrawn_at": one.withdrawn_at.isoformat() if one.withdrawn_at else None,
    }
