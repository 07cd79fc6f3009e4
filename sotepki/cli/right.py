"""``sotepki right``: Valvira's desk. Professional rights are granted, restricted, removed, restored and looked up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY
from sotepki.clock import finnish_day
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.identifiers import RegistrationNumber
    from sotepki.registers import Professional, ProfessionalRight
    from sotepki.valvira import PublicEntry
    from sotepki.workspace import Workspace

_ACTOR = click.option("--actor", default="valvira-official", show_default=True, help="Who decides, for the journal.")
_REASON = click.option("--reason", required=True, help="Why, in a few words.")


@click.group("right")
def command() -> None:
    """Valvira: grant, restrict, remove and look up professional rights.

    NUMBER is an 11-digit registration number, CODE a code that 'sotepki right codes' prints.
    """


@command.command("grant")
@click.option("--hetu", required=True, help="Whom: the personal identity code (900-series).")
@click.option("--code", required=True, help="Which right: see 'sotepki right codes'.")
@click.option("--from", "valid_from", type=DAY, help="First day, YYYY-MM-DD; today if left out.")
@click.option("--until", "valid_to", type=DAY, help="Last day, YYYY-MM-DD; until further notice if left out.")
@_ACTOR
@pass_workspace
def grant(
    workspace: Workspace, hetu: str, code: str, valid_from: date | None, valid_to: date | None, actor: str
) -> None:
    """Grant a right to a person of the Population Information System."""
    from sotepki.identifiers import Hetu

    professional = workspace.valvira.grant_right(
        Hetu.parse(hetu), code, actor=actor, valid_from=valid_from, valid_to=valid_to
    )
    _emit_professional(workspace, professional.registration_number)


@command.command("remove")
@click.argument("number")
@click.argument("code")
@_REASON
@click.option("--at", help="When it takes effect, such as 2026-12-01T00:00:00+02:00; now if left out.")
@_ACTOR
@pass_workspace
def remove(workspace: Workspace, number: str, code: str, reason: str, at: str | None, actor: str) -> None:
    """Remove a right; what was true before the moment of removal stays true."""
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.remove_right(
        RegistrationNumber.parse(number), code, actor=actor, reason=reason, effective_at=_moment(at)
    )
    _emit_professional(workspace, professional.registration_number)


@command.command("restore")
@click.argument("number")
@click.argument("code")
@_REASON
@_ACTOR
@pass_workspace
def restore(workspace: Workspace, number: str, code: str, reason: str, actor: str) -> None:
    """Give a removed right back from now on."""
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.restore_right(RegistrationNumber.parse(number), code, actor=actor, reason=reason)
    _emit_professional(workspace, professional.registration_number)


@command.command("restrict")
@click.argument("number")
@click.argument("code")
@click.argument("targets", nargs=-1, required=True)
@click.option("--until", "valid_to", type=DAY, help="Last day, YYYY-MM-DD; until it is lifted if left out.")
@_REASON
@_ACTOR
@pass_workspace
def restrict(
    workspace: Workspace,
    number: str,
    code: str,
    targets: tuple[str, ...],
    valid_to: date | None,
    reason: str,
    actor: str,
) -> None:
    """Restrict a right; TARGETS are codes of the list of restriction targets (10 prescribing, 30 supervised, ...)."""
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.restrict_right(
        RegistrationNumber.parse(number), code, targets, actor=actor, reason=reason, valid_to=valid_to
    )
    _emit_professional(workspace, professional.registration_number)


@command.command("lift")
@click.argument("number")
@click.argument("code")
@click.argument("target")
@_REASON
@_ACTOR
@pass_workspace
def lift(workspace: Workspace, number: str, code: str, target: str, reason: str, actor: str) -> None:
    """End the restriction TARGET of a right."""
    from sotepki.identifiers import RegistrationNumber

    professional = workspace.valvira.lift_restriction(
        RegistrationNumber.parse(number), code, target, actor=actor, reason=reason
    )
    _emit_professional(workspace, professional.registration_number)


@command.command("show")
@click.argument("number")
@click.option("--at", help="The moment asked about, such as 2026-12-01T12:00:00+02:00; now if left out.")
@pass_workspace
def show(workspace: Workspace, number: str, at: str | None) -> None:
    """Show the rights that a person has had, and which are in force."""
    from sotepki.identifiers import RegistrationNumber

    _emit_professional(workspace, RegistrationNumber.parse(number), _moment(at))


@command.command("search")
@click.option("--number", help="A registration number.")
@click.option("--surname", default="", help="A surname, in full.")
@click.option("--given-names", default="", help="One given name or more, in full.")
@pass_workspace
def search(workspace: Workspace, number: str | None, surname: str, given_names: str) -> None:
    """Ask the public information service, as anybody may: one person, by number or by full name."""
    from sotepki.identifiers import RegistrationNumber

    entries = workspace.valvira.search(
        registration_number=RegistrationNumber.parse(number) if number is not None else None,
        surname=surname,
        given_names=given_names,
    )
    emit([_public(entry) for entry in entries], lambda: "\n".join(map(_public_text, entries)) or "Nobody was found.")


@command.command("changes")
@click.option(
    "--after", type=click.IntRange(0, 1_000_000_000), default=0, help="Only changes after the one with this number."
)
@pass_workspace
def changes(workspace: Workspace, after: int) -> None:
    """Print what was decided about rights, the oldest first: grants, removals, restorations, restrictions."""
    found = workspace.valvira.changes(after=after)
    rows = [
        {
            "number": one.number,
            "at": one.at.isoformat(),
            "decision": one.decision.value,
            "registration_number": one.registration_number.value,
            "code": one.code,
            "effective_at": one.effective_at.isoformat(),
        }
        for one in found
    ]
    emit(
        rows,
        lambda: (
            "\n".join(
                f"{one.number}  {one.decision} {one.registration_number} {one.code}, from {day}"
                for one in found
                for day in [finnish_day(one.effective_at)]
            )
            or "Nothing was decided."
        ),
    )


@command.command("codes")
@pass_workspace
def codes(workspace: Workspace) -> None:
    """Print the rights that can be granted; codes that begin with T are stand-ins of this project."""
    entries = workspace.valvira.right_codes()
    rows = [
        {
            "code": entry.code,
            "register": entry.register,
            "kind": entry.kind,
            "title": {"fi": entry.title_fi, "sv": entry.title_sv, "en": entry.title_en},
            "grade": entry.grade,
        }
        for entry in entries
    ]
    emit(rows, "\n".join(f"{e.code:4} {e.register:9} {e.title_fi} / {e.title_sv} ({e.grade})" for e in entries))


def _moment(text: str | None) -> datetime | None:
    """A moment as written on the command line; one without a time zone is meant in Finland."""
    if text is None:
        return None
    from sotepki.clock import HELSINKI

    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=HELSINKI)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misuse(f"{text!r} is not a moment.", advice="Write it like 2026-12-01T12:00:00+02:00.") from None


def _emit_professional(workspace: Workspace, number: RegistrationNumber, at: datetime | None = None) -> None:
    from sotepki.valvira.holdings import unknown_number

    moment = at or workspace.clock.now()
    professional = workspace.valvira.professional(number, at=moment)
    if professional is None:
        raise unknown_number(number)
    in_force = workspace.valvira.rights_in_force(number, moment)
    data = {
        "registration_number": professional.registration_number.value,
        "prescriber_id": professional.prescriber_id.value if professional.prescriber_id else None,
        "surname": professional.person.surname,
        "given_names": professional.person.given_names,
        "at": moment.isoformat(),
        "in_force": [_right(right) for right in in_force],
        "rights": [_right(right) for right in professional.rights],
    }
    emit(data, lambda: _text(professional, in_force, moment))


def _right(right: ProfessionalRight) -> dict[str, Any]:
    return {
        "code": right.code,
        "register": right.register,
        "kind": right.kind,
        "title": {"fi": right.title_fi, "sv": right.title_sv},
        "valid_from": right.valid_from.isoformat(),
        "valid_to": right.valid_to.isoformat() if right.valid_to else None,
        "ended_at": right.ended_at.isoformat() if right.ended_at else None,
        "restrictions": list(right.restrictions),
    }


def _text(professional: Professional, in_force: Sequence[ProfessionalRight], at: datetime) -> str:
    prescriber = f", prescriber {professional.prescriber_id}" if professional.prescriber_id else ""
    person = professional.person
    lines = [f"{professional.registration_number}  {person.surname} {person.given_names}{prescriber}"]
    lines.append(f"In force at {at.isoformat(timespec='seconds')}:")
    lines += [f"  {_right_text(right)}" for right in in_force] or ["  none"]
    others = [right for right in professional.rights if right not in in_force]
    for heading in ("To come", "Expired", "Removed"):
        rights = [f"  {_right_text(right)}" for right in others if _heading(right, at) == heading]
        lines += [f"{heading}:", *rights] if rights else []
    return "\n".join(lines)


def _heading(right: ProfessionalRight, at: datetime) -> str:
    """Under which heading a right stands that is not in force at a moment."""
    from sotepki.valvira.periods import over_at

    over = over_at(right.valid_to, right.ended_at)
    if over is None or over > at:
        return "To come"
    return "Removed" if over == right.ended_at else "Expired"


def _right_text(right: ProfessionalRight) -> str:
    until = f" until {right.valid_to}" if right.valid_to else ""
    removed = f", removed {right.ended_at.isoformat(timespec='seconds')}" if right.ended_at else ""
    restricted = f", restricted: {' '.join(right.restrictions)}" if right.restrictions else ""
    return f"{right.code} {right.title_fi} ({right.register}) from {right.valid_from}{until}{removed}{restricted}"


def _public(entry: PublicEntry) -> dict[str, Any]:
    return {
        "registration_number": entry.registration_number.value,
        "surname": entry.surname,
        "given_names": entry.given_names,
        "birth_year": entry.birth_year,
        "as_of": entry.as_of.isoformat(),
        "rights": [
            {
                "title": {"fi": right.title_fi, "sv": right.title_sv, "en": right.title_en},
                "restricted": right.restricted,
            }
            for right in entry.rights
        ],
    }


def _public_text(entry: PublicEntry) -> str:
    head = f"{entry.registration_number}  {entry.surname} {entry.given_names}, born {entry.birth_year}"
    rights = [f"  {right.title_fi}{' (restricted)' if right.restricted else ''}" for right in entry.rights]
    return "\n".join([head, *rights, f"  as the register stood at {entry.as_of.isoformat(timespec='seconds')}"])
