"""``sotepki fault``: let a service of ``sotepki serve`` be down, slow or stale on purpose, while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.serving.faults import ServiceFaultBoard
    from sotepki.workspace import Workspace


@click.group("fault")
def command() -> None:
    """Faults of services on purpose: down, slow, stale.

    SERVICE is a name that 'sotepki serve' prints, or * for all that have no faults of their own. A running service
    shows a fault with its next answer.
    """


@command.command("set")
@click.argument("service")
@click.option(
    "--down",
    type=click.Choice(["no", "unavailable", "dropped"]),
    default="no",
    help="It answers 503, or closes the connection without an answer.",
)
@click.option("--slow", type=float, default=0.0, metavar="SECONDS", help="It waits before it answers.")
@click.option("--stale", type=float, default=0.0, metavar="HOURS", help="It answers with data of so many hours ago.")
@click.option("--answers", type=int, default=0, help="How many answers are faulty; 0: all.")
@pass_workspace
def set_(workspace: Workspace, service: str, down: str, slow: float, stale: float, answers: int) -> None:
    """Give a service its faults; without options it is honest again."""
    from sotepki.services import service_fault_board
    from sotepki.serving.faults import Down, ServiceFaults

    _check(service)
    board = service_fault_board(workspace)
    board.set(service, ServiceFaults(Down(down), slow_seconds=slow, stale_hours=stale, answers=answers))
    _emit(board)


@command.command("list")
@pass_workspace
def list_(workspace: Workspace) -> None:
    """Show which services have faults."""
    from sotepki.services import service_fault_board

    _emit(service_fault_board(workspace))


@command.command("clear")
@pass_workspace
def clear(workspace: Workspace) -> None:
    """Let every service be honest again."""
    from sotepki.services import service_fault_board

    board = service_fault_board(workspace)
    board.clear()
    _emit(board)


def _check(service: str) -> None:
    from sotepki.services import catalogue
    from sotepki.serving.fault_board import ALL

    known = list(catalogue())
    if service not in (ALL, *known):
        raise Misuse(f"There is no service {service[:40]!r}; there are {', '.join(known)}.")


def _emit(board: ServiceFaultBoard) -> None:
    rows = {name: faults.as_dict() for name, faults in board.all().items()}
    lines = [f"{name}: {', '.join(f'{fault} {value}' for fault, value in row.items())}" for name, row in rows.items()]
    emit(rows, "\n".join(lines) or "Every service is honest.")
