"""``sotepki organisation``: THL's SOTE organisation register, with Kanta intermediaries and data from Valveri."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.registers import Organisation
    from sotepki.workspace import Workspace

_ACTOR = click.option("--actor", default="thl-official", show_default=True, help="Who does it, for the journal.")


@click.group("organisation")
def command() -> None:
    """THL: the SOTE organisation register.

    OID is an organisation's object identifier, such as 1.2.246.10.99000018.10.0.
    """


@command.command("list")
@click.option("--name", default="", help="Only those whose name holds this text.")
@click.option("--business-id", help="Only those of a Business ID (Y-tunnus).")
@click.option("--intermediaries", is_flag=True, help="Only Kanta intermediaries.")
@pass_workspace
def list_(workspace: Workspace, name: str, business_id: str | None, intermediaries: bool) -> None:
    """List organisations and units."""
    from sotepki.identifiers import BusinessId
    from sotepki.thl import Wanted
    from sotepki.thl.organisation_form import organisation_dict

    wanted = Wanted(
        business_id=BusinessId.parse(business_id) if business_id else None, name=name, intermediaries=intermediaries
    )
    found = workspace.thl.page(workspace.clock.now(), wanted, limit=1_000_000).organisations
    emit(
        [organisation_dict(one) for one in found],
        lambda: "\n".join(f"{one.oid}  {one.name} ({one.kind})" for one in found) or "Nothing was found.",
    )


@command.command("show")
@click.argument("oid")
@pass_workspace
def show(workspace: Workspace, oid: str) -> None:
    """Show an organisation or unit."""
    from sotepki.identifiers import Oid
    from sotepki.thl.rules import thl_rules

    found = workspace.thl.organisation(Oid.parse(oid))
    if found is None:
        raise thl_rules().refusal("thl.organisation.known", f"There is no organisation {oid}.", subject=oid)
    _emit_organisation(found)


@command.command("intermediary")
@click.argument("oid")
@click.option("--strike", is_flag=True, help="Strike it off instead.")
@_ACTOR
@pass_workspace
def intermediary(workspace: Workspace, oid: str, strike: bool, actor: str) -> None:
    """Enter an organisation in the register of Kanta intermediaries."""
    from sotepki.identifiers import Oid

    _emit_organisation(workspace.thl.set_kanta_intermediary(Oid.parse(oid), intermediary=not strike, actor=actor))


@command.command("export")
@click.option("-o", "--output", default="-", show_default=True, help="Where to; - is standard output.")
@writes("output")
@pass_workspace
def export(workspace: Workspace, output: str) -> None:
    """Write the register as CSV; 'organisation import' reads it back."""
    write_output(output, workspace.thl.export_organisations())


@command.command("import")
@click.argument("file")
@_ACTOR
@pass_workspace
def import_(workspace: Workspace, file: str, actor: str) -> None:
    """Enter and change the organisations of a CSV file, all or none."""
    name = _name(file)
    became = workspace.thl.import_organisations(read_input(file), actor=actor, name=name)
    emit(
        {word.value: count for word, count in became.items()},
        ", ".join(f"{count} {word}" for word, count in became.items()) or "The file names no organisation.",
    )


@command.command("valveri")
@click.argument("file", required=False)
@_ACTOR
@pass_workspace
def valveri(workspace: Workspace, file: str | None, actor: str) -> None:
    """Send private providers of a CSV file from Valveri; without FILE: what is on the way and what became of it."""
    if file is not None:
        name = _name(file)
        arrivals = workspace.thl.receive_from_valveri(read_input(file), actor=actor, name=name)
    else:
        arrivals = workspace.thl.arrivals()
    rows = [
        {
            "oid": one.oid.value,
            "sent_at": one.sent_at.isoformat(),
            "due_at": one.due_at.isoformat(),
            "state": one.state.value,
            "rule": one.rule,
        }
        for one in arrivals
    ]
    emit(
        rows,
        lambda: (
            "\n".join(
                f"{one.oid}  {one.state}{f' [{one.rule}]' if one.rule else ''}, due {one.due_at:%Y-%m-%d %H:%M} UTC"
                for one in arrivals
            )
            or "Valveri has sent nothing."
        ),
    )


def _emit_organisation(found: Organisation) -> None:
    from sotepki.thl.organisation_form import organisation_dict

    data = organisation_dict(found)
    shown = {**data, "domains": " ".join(found.domains), "parent": data["parent"] or ""}
    lines = [f"{name.replace('_', ' '):<19} {_word(value)}" for name, value in shown.items() if value != ""]
    emit(data, "\n".join(lines))


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _name(file: str) -> str:
    if file == "":
        raise Misuse("The name of the file is empty.")
    return "standard input" if file == "-" else Path(file).name
