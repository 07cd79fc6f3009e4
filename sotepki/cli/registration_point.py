"""``sotepki registration-point``: founding, equipping and opening a registration point, and its registrars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli import registrar_course
from sotepki.cli.context import emit, pass_workspace, read_input

if TYPE_CHECKING:
    from sotepki.dvv.registration.store import Registrar, RegistrationPoint
    from sotepki.identifiers import Hetu
    from sotepki.workspace import Workspace

_USER = click.option("--user", required=True, help="Personal identity code of the account's user who acts.")
_BY = click.option("--user", help="The account's user who acts; without one DVV does.")
_OFFICER = click.option("--actor", default="dvv", show_default=True, help="The DVV officer, for the journal.")
_TRAINEE = click.argument("registrar")


@click.group("registration-point")
def command() -> None:
    """Registration points: plan, equip, open, close; registrars and their course.

    POINT is the customer number of a point, REGISTRAR a personal identity code.
    """


@command.command("plan")
@click.argument("point")
@click.option("--contract", required=True, help="The contract in force that the point stands on.")
@click.option("--name", required=True, help="Name of the point.")
@click.option("--public", is_flag=True, help="It serves all professionals (points of public organisations).")
@_USER
@pass_workspace
def plan(workspace: Workspace, point: str, contract: str, name: str, public: bool, user: str) -> None:
    """Found a point on a contract; it opens when its prerequisites are in place."""
    office = workspace.registration_office
    _emit(workspace, office.plan(contract, point_id=point, name=name, public=public, by=_hetu(user)))


@command.command("equip")
@click.argument("point")
@click.option("--card-readers", type=click.IntRange(0, 99), help="Card readers of the workstation.")
@click.option("--locked-storage/--no-locked-storage", default=None, help="The locked cabinet is there, or not.")
@click.option("--access-control/--no-access-control", default=None, help="The room is closed to customers, or not.")
@_BY
@pass_workspace
def equip(
    workspace: Workspace,
    point: str,
    card_readers: int | None,
    locked_storage: bool | None,
    access_control: bool | None,
    user: str | None,
) -> None:
    """Report what a point has, or has no more."""
    found = workspace.registration_office.equip(
        point,
        by=_actor(user),
        card_readers=card_readers,
        locked_storage=locked_storage,
        access_control=access_control,
    )
    _emit(workspace, found)


@command.command("open")
@click.argument("point")
@_OFFICER
@pass_workspace
def open_point(workspace: Workspace, point: str, actor: str) -> None:
    """Open a point as DVV; refused while a prerequisite is missing."""
    _emit(workspace, workspace.registration_office.open(point, officer=actor))


@command.command("close")
@click.argument("point")
@click.option("--reason", required=True, help="Why, in a few words.")
@_BY
@pass_workspace
def close(workspace: Workspace, point: str, reason: str, user: str | None) -> None:
    """Close a point for good; its registrars' rights there are withdrawn."""
    _emit(workspace, workspace.registration_office.close(point, reason=reason, by=_actor(user)))


@command.command("list")
@click.option("--state", default="", help="Only points in this state.")
@pass_workspace
def list_points(workspace: Workspace, state: str) -> None:
    """List registration points."""
    found = workspace.registration_points.points(state=state)
    lines = [f"{one.id}  {one.state:<18} {'public' if one.public else 'own':<6} {one.name}" for one in found]
    emit(
        [one.as_dict() for one in found],
        "\n".join(lines) or ("Nothing was found." if state else "There are no registration points."),
    )


@command.command("show")
@click.argument("point")
@pass_workspace
def show(workspace: Workspace, point: str) -> None:
    """Show a point, its registrars, and what it lacks."""
    _emit(workspace, workspace.registration_points.point(point))


@command.group("registrar")
def registrar() -> None:
    """Registrars' rights: apply, grant, reject, renew, withdraw."""


@registrar.command("apply")
@_TRAINEE
@click.argument("point")
@click.option("--certificate", help="Number of the course certificate.")
@click.option("--attach", "file", help="The course certificate as a file, instead of its number.")
@_USER
@pass_workspace
def apply(
    workspace: Workspace, registrar: str, point: str, certificate: str | None, file: str | None, user: str
) -> None:
    """File a registrar application with the certificate of the course."""
    given: str | bytes = read_input(file) if file else certificate or ""
    _emit_registrar(
        workspace.registration_office.apply_registrar(_hetu(registrar), point, certificate=given, by=_hetu(user))
    )


@registrar.command("grant")
@_TRAINEE
@click.argument("point")
@click.option("--reject", "reason", help="Refuse the application with this reason instead.")
@_OFFICER
@pass_workspace
def grant(workspace: Workspace, registrar: str, point: str, reason: str | None, actor: str) -> None:
    """Decide a registrar application as DVV."""
    office, person = workspace.registration_office, _hetu(registrar)
    if reason is not None:
        _emit_registrar(office.reject(person, point, reason=reason, officer=actor))
    else:
        _emit_registrar(office.grant(person, point, officer=actor))


@registrar.command("renew")
@_TRAINEE
@click.argument("point")
@click.option("--certificate", required=True, help="Number of the certificate of a newer course.")
@_OFFICER
@pass_workspace
def renew(workspace: Workspace, registrar: str, point: str, certificate: str, actor: str) -> None:
    """Let a right in force rest on a newer course."""
    office = workspace.registration_office
    _emit_registrar(office.renew(_hetu(registrar), point, certificate=certificate, officer=actor))


@registrar.command("withdraw")
@_TRAINEE
@click.argument("point")
@click.option("--reason", required=True, help="Why, in a few words.")
@_BY
@pass_workspace
def withdraw(workspace: Workspace, registrar: str, point: str, reason: str, user: str | None) -> None:
    """Take back a right; a point left with too few registrars falls below the requirements."""
    office = workspace.registration_office
    _emit_registrar(office.withdraw(_hetu(registrar), point, reason=reason, by=_actor(user)))


command.add_command(registrar_course.course)


def _hetu(text: str) -> Hetu:
    from sotepki.identifiers import Hetu

    return Hetu.parse(text)


def _actor(user: str | None) -> Hetu | str:
    return _hetu(user) if user else "dvv"


def _emit(workspace: Workspace, found: RegistrationPoint) -> None:
    registrars = workspace.registration_points.registrars(found.id)
    lacks = workspace.registration_points.shortcomings(found.id) if found.state != "closed" else []
    kind = "public" if found.public else "for its own organisation"
    lines = [f"{found.id}: {found.state}, {kind}, {found.name}", f"Organisation {found.organisation}"]
    if found.contract:
        lines.append(f"Contract {found.contract}")
    lines += [_line(one) for one in registrars]
    lines += [f"Lacks: {one.message} [{one.rule}] {one.advice}" for one in lacks]
    if found.closing_reason:
        lines.append(f"Closed: {found.closing_reason}")
    answer = {
        **found.as_dict(),
        "registrars": [one.as_dict() for one in registrars],
        "lacks": [one.as_dict() for one in lacks],
    }
    emit(answer, "\n".join(lines))


def _emit_registrar(found: Registrar) -> None:
    emit(found.as_dict(), _line(found))


def _line(found: Registrar) -> str:
    end = f", valid to {found.valid_to}" if found.state in ("applied", "in-force", "expired") else ""
    resting = f", certificate {found.certificate}" if found.certificate else ""
    return f"{found.name.capitalize()} at {found.point.id}: {found.state}{resting}{end}"
