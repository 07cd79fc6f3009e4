"""``sotepki supervision``: the register of information systems (Astori) and their deviations."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import click

from sotepki.cli.checks import findings_text
from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.day import DAY

if TYPE_CHECKING:
    from sotepki.valvira.supervision import Deviation, InformationSystem
    from sotepki.workspace import Workspace

_ACTOR = click.option("--actor", default="supervisor", show_default=True, help="Who does it, for the journal.")
_ROLE = click.option(
    "--role",
    type=click.Choice(["producer", "authority"]),
    default="authority",
    show_default=True,
    help="Whose step it is.",
)
_REASON = click.option("--reason", default="", help="Why, in a few words.")


@click.group("supervision")
def command() -> None:
    """Supervision of information systems: notices, the register (Astori), bars on use, deviations.

    SYSTEM is an id such as TEST-IS-0001, DEVIATION one such as TEST-DEV-0001.
    """


@command.command("notify")
@click.argument("name")
@click.option("--version", required=True, help="Of the system.")
@click.option("--class", "system_class", required=True, help="A1, A2, A3 or B.")
@click.option("--kind", default="information-system", show_default=True, help="What sort of system it is.")
@click.option("--purpose", required=True, help="What it is for.")
@click.option("--producer", required=True, help="Who produces it.")
@click.option("--actor", default="producer", show_default=True, help="Who notifies, for the journal.")
@pass_workspace
def notify(
    workspace: Workspace,
    name: str,
    version: str,
    system_class: str,
    kind: str,
    purpose: str,
    producer: str,
    actor: str,
) -> None:
    """Notify a system (tietojärjestelmän ilmoitus)."""
    _emit_system(
        workspace.supervision.notify(
            name=name,
            version=version,
            system_class=system_class,
            kind=kind,
            purpose=purpose,
            producer=producer,
            actor=actor,
        )
    )


@command.command("attach")
@click.argument("system")
@click.argument("kind", type=click.Choice(["joint-test-statement", "security-certificate"]))
@click.option("--number", required=True, help="The number of the statement or certificate.")
@click.option("--issuer", required=True, help="Who issued it.")
@click.option("--issued", type=DAY, required=True, help="When, YYYY-MM-DD.")
@click.option("--until", type=DAY, help="Last day, YYYY-MM-DD; a security certificate has three years at most.")
@_ACTOR
@pass_workspace
def attach(
    workspace: Workspace,
    system: str,
    kind: str,
    number: str,
    issuer: str,
    issued: date,
    until: date | None,
    actor: str,
) -> None:
    """Enter a joint-test statement or a security certificate of a system."""
    from sotepki.valvira.supervision import EvidenceKind

    _emit_system(
        workspace.supervision.attach(
            system,
            EvidenceKind(kind),
            number=number,
            issuer=issuer,
            issued_on=issued,
            valid_to=until,
            actor=actor,
        )
    )


@command.command("step")
@click.argument("system")
@click.argument(
    "name", type=click.Choice(["return", "complete", "register", "report-change", "bar", "release", "withdraw"])
)
@_ROLE
@_REASON
@_ACTOR
@pass_workspace
def step(workspace: Workspace, system: str, name: str, role: str, reason: str, actor: str) -> None:
    """Let a system take a step: register it, bar its use, release it, ..."""
    from sotepki.valvira.supervision import Role

    _emit_system(workspace.supervision.step(system, name, role=Role(role), actor=actor, reason=reason))


@command.command("check")
@click.argument("system")
@click.option("--on", "day", type=DAY, help="At noon of which day, YYYY-MM-DD; now if left out.")
@pass_workspace
def check(workspace: Workspace, system: str, day: date | None) -> int:
    """Say whether a system may be used in production; exit code 1 if not."""
    from sotepki.clock import HELSINKI

    at = datetime.combine(day, time(12), HELSINKI) if day else None
    found = workspace.supervision.usability(system, at)
    findings = [finding.as_dict() for finding in found.findings]
    verdict = "may be used" if found.allowed else "may not be used"
    emit(
        {"system": found.system, "at": found.at.isoformat(), "allowed": found.allowed, "findings": findings},
        "\n".join([f"{found.system}: {verdict}", *findings_text(findings)]),
    )
    return 0 if found.allowed else 1


@command.command("show")
@click.argument("system")
@pass_workspace
def show(workspace: Workspace, system: str) -> None:
    """Show a system with its evidence and history."""
    _emit_system(workspace.supervision.system(system))


@command.command("list")
@pass_workspace
def list_(workspace: Workspace) -> None:
    """List the systems."""
    from sotepki.valvira.supervision import as_json

    found = workspace.supervision.systems()
    emit(
        [as_json(one) for one in found],
        lambda: (
            "\n".join(f"{one.id}  {one.state:<11} {one.system_class} {one.name} {one.version}" for one in found)
            or "No system has been notified."
        ),
    )


@command.command("deviation")
@click.argument("system")
@click.option("--weight", required=True, help="significant or other.")
@click.option("--description", required=True, help="What is wrong.")
@click.option("--reported-by", required=True, help="Which organisation reports it.")
@_ACTOR
@pass_workspace
def deviation(workspace: Workspace, system: str, weight: str, description: str, reported_by: str, actor: str) -> None:
    """Report a deviation (poikkeama) of a system."""
    _emit_deviation(
        workspace.supervision.report_deviation(
            system, weight=weight, description=description, reported_by=reported_by, actor=actor
        )
    )


@command.command("deviation-step")
@click.argument("deviation")
@click.argument("name", type=click.Choice(["take-up", "require-measures", "report-correction", "close"]))
@click.option("--by", "deadline", type=DAY, help="With require-measures: by which day, YYYY-MM-DD.")
@_ROLE
@_REASON
@_ACTOR
@pass_workspace
def deviation_step(
    workspace: Workspace, deviation: str, name: str, deadline: date | None, role: str, reason: str, actor: str
) -> None:
    """Let a deviation take a step: take it up, require measures, close it, ..."""
    from sotepki.valvira.supervision import Role

    _emit_deviation(
        workspace.supervision.deviation_step(
            deviation, name, role=Role(role), actor=actor, reason=reason, deadline=deadline
        )
    )


@command.command("deviations")
@pass_workspace
def deviations(workspace: Workspace) -> None:
    """List the deviations."""
    from sotepki.valvira.supervision import as_json

    found = workspace.supervision.deviations()
    emit(
        [as_json(one) for one in found],
        lambda: (
            "\n".join(f"{one.id}  {one.state:<17} {one.system} {one.weight}: {one.description}" for one in found)
            or "No deviation has been reported."
        ),
    )


def _emit_system(system: InformationSystem) -> None:
    from sotepki.clock import finnish_day
    from sotepki.valvira.supervision import as_json

    lines = [
        f"{system.id}  {system.name} {system.version}, class {system.system_class}, {system.kind}: {system.state}",
        f"  {system.purpose}; produced by {system.producer}",
    ]
    lines += [
        f"  {one.kind} {one.number} of {one.issuer}, from {one.issued_on}"
        f"{f' until {one.valid_to}' if one.valid_to else ''}"
        for one in system.evidence
    ]
    lines += [
        f"  {finnish_day(one.at)} {one.name} by the {one.role} > {one.state}{f': {one.reason}' if one.reason else ''}"
        for one in system.history
    ]
    emit(as_json(system), "\n".join(lines))


def _emit_deviation(deviation: Deviation) -> None:
    from sotepki.clock import finnish_day
    from sotepki.valvira.supervision import as_json

    by = f", measures by {deviation.deadline}" if deviation.deadline else ""
    lines = [
        f"{deviation.id}  {deviation.system}, {deviation.weight}: {deviation.state}{by}",
        f"  {deviation.description}; reported by {deviation.reported_by}",
    ]
    lines += [
        f"  {finnish_day(one.at)} {one.name} > {one.state}{f': {one.reason}' if one.reason else ''}"
        for one in deviation.history
    ]
    emit(as_json(deviation), "\n".join(lines))
