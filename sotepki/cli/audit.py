"""``sotepki audit``: read the journal and prove that nobody changed it behind its back."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.errors import Refused
from sotepki.workspace import Workspace


@click.group("audit")
def command() -> None:
    """The audit journal: list and verify."""


@command.command("list")
@click.option("--last", default=20, show_default=True, help="How many entries, newest last.")
@pass_workspace
def list_entries(workspace: Workspace, last: int) -> None:
    """Print the newest entries."""
    from sotepki.records import newest_entries

    with workspace.records.look() as session:
        entries = newest_entries(session, last)
    rows = [
        {
            "sequence": e.sequence,
            "at": e.at.isoformat(),
            "office": e.office,
            "actor": e.actor,
            "action": e.action,
            "subject": e.subject,
        }
        for e in entries
    ]
    emit(rows, "\n".join(f"{r['sequence']:>6}  {r['at']}  {r['office']}: {r['action']} {r['subject']}" for r in rows))


@command.command("verify")
@pass_workspace
def verify(workspace: Workspace) -> None:
    """Check every link of the hash chain; exit code 1 names the first entry that does not fit."""
    from sotepki.records import JournalEntry, first_break

    with workspace.records.look() as session:
        broken = first_break(session)
        count = session.query(JournalEntry).count()
    if broken:
        raise Refused(
            broken,
            rule="audit.chain",
            advice="Somebody changed the database behind the journal; restore it from a copy.",
        )
    emit({"verdict": "valid", "entries": count}, f"The journal is whole: {count} entries.")
