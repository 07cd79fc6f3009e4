"""``sotepki code``: the code service (koodistopalvelu). Code systems by OID and version, in three languages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace, read_input
from sotepki.cli.writing import write_output, writes

if TYPE_CHECKING:
    from sotepki.thl import CodeSystem
    from sotepki.workspace import Workspace

_VERSION = click.option("--version", help="Which version; the newest if left out.")
_LANGUAGE = click.option(
    "--language", type=click.Choice(["fi", "sv", "en"]), default="fi", show_default=True, help="Of the names."
)


@click.group("code")
def command() -> None:
    """THL: the code service. OID is that of a code system, such as 1.2.246.537.6.140.2008."""


@command.command("list")
@_LANGUAGE
@pass_workspace
def list_(workspace: Workspace, language: str) -> None:
    """List the code systems, every version."""
    systems = workspace.thl.code_systems()
    emit(
        [_head(one) for one in systems],
        lambda: "\n".join(
            f"{one.oid}  {one.version}  {getattr(one, f'name_{language}')} ({len(one.codes)} codes, {one.grade})"
            for one in systems
        ),
    )


@command.command("show")
@click.argument("oid")
@_VERSION
@_LANGUAGE
@pass_workspace
def show(workspace: Workspace, oid: str, version: str | None, language: str) -> None:
    """Show the codes of a code system."""
    from sotepki.identifiers import Oid

    system = workspace.thl.codes(Oid.parse(oid), version)
    codes = [
        {
            "code": one.code,
            "name": {"fi": one.name_fi, "sv": one.name_sv, "en": one.name_en},
            "source": one.source,
            "grade": one.grade.value,
        }
        for one in system.codes
    ]
    lines = [f"{system.oid}  {system.version}  {getattr(system, f'name_{language}')}"]
    lines += [f"  {one.code:<8} {getattr(one, f'name_{language}')} ({one.grade})" for one in system.codes]
    emit({**_head(system), "codes": codes}, "\n".join(lines))


@command.command("export")
@click.argument("oid")
@_VERSION
@click.option("-o", "--output", default="-", show_default=True, help="Where to; - is standard output.")
@writes("output")
@pass_workspace
def export(workspace: Workspace, oid: str, version: str | None, output: str) -> None:
    """Write a version of a code system as CSV; 'code import' reads it back."""
    from sotepki.identifiers import Oid

    write_output(output, workspace.thl.export_codes(Oid.parse(oid), version))


@command.command("import")
@click.argument("file")
@click.option("--actor", default="thl-official", show_default=True, help="Who does it, for the journal.")
@pass_workspace
def import_(workspace: Workspace, file: str, actor: str) -> None:
    """Take a version of a code system into the code service, whole or not at all."""
    name = "standard input" if file == "-" else Path(file).name
    system = workspace.thl.import_codes(read_input(file), actor=actor, name=name)
    emit(_head(system), f"{system.oid}  {system.version}  {len(system.codes)} codes")


def _head(system: CodeSystem) -> dict[str, Any]:
    return {
        "oid": system.oid.value,
        "version": system.version,
        "name": {"fi": system.name_fi, "sv": system.name_sv, "en": system.name_en},
        "owner": system.owner,
        "source": system.source,
        "grade": system.grade.value,
        "count": len(system.codes),
    }
