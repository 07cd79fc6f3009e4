"""``sotepki audit``: read the journal and prove that nobody changed it behind its back."""

from __future__ import annotations

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.printing import one_line
from sotepki.errors import Refused
from sotepki.workspace import Workspace

MOST_FINDINGS = 5


@click.group("audit")
def command() -> None:
    """The audit journal: list and verify."""


@command.command("list")
@click.option(
    "--last",
    type=click.IntRange(0, 1_000_000),
    default=20,
    show_default=True,
    help="How many entries, newest last.",
)
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
    # A subject may come from outside, as the id of a message; it must not look like an entry of its own.
    lines = [f"{r['sequence']:>6}  {r['at']}  {r['office']}: {r['action']} {r['subject']}" for r in rows]
    emit(rows, "\n".join(map(one_line, lines)))


@command.command("verify")
@click.option("--head", "known", metavar="NUMBER:HASH", help="A head that 'verify' printed earlier.")
@pass_workspace
def verify(workspace: Workspace, known: str | None) -> None:
    """Check the hash chain, and that every row of every table is as the journal left it.

    Exit code 1 names what was changed behind the journal's back. The head that is printed, kept where nobody who can
    write to the workspace can change it, shows later whether the journal was cut off or written anew.
    """
    from sotepki.records import Head, findings, head
    from sotepki.records.heads import NOTE, noted
    from sotepki.records.migrations.models import load_models

    load_models()  # every table there is, also those of rooms that this command does not use
    heads = [one for one in (noted(workspace.directory / NOTE), Head.parse(known) if known else None) if one]
    with workspace.records.look() as session:
        found = list(findings(session, heads))
        last = head(session)
    if found:
        more = f" And {len(found) - MOST_FINDINGS} more." if len(found) > MOST_FINDINGS else ""
        raise Refused(
            " ".join(found[:MOST_FINDINGS]) + more,
            rule="audit.chain",
            advice="Somebody changed the database behind the journal; restore it from a copy.",
        )
    answer = {"verdict": "valid", "entries": last.sequence, "head": str(last)}
    emit(answer, f"The journal is whole: {last.sequence} entries, and every row is as it says.\nHead: {last}")
