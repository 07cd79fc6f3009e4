"""``sotepki document``: make, sign and verify Kanta documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sotepki.cli.context import emit, pass_workspace
from sotepki.cli.document_batch import batch
from sotepki.cli.document_corpus import corpus, score
from sotepki.cli.document_correct import correct
from sotepki.cli.document_sign import registered_professional, sign
from sotepki.cli.document_verify import verify
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.registers import Organisation, Person
    from sotepki.workspace import Workspace


@click.group("document")
def command() -> None:
    """Kanta documents: new, correct, sign, verify. A FILE of '-' is standard input or output."""


@command.command("new")
@click.argument("out")
@click.option("--client", required=True, help="The client's personal identity code (900-series).")
@click.option("--organisation", required=True, help="OID of the organisation that keeps the document.")
@click.option("--author", help="Registration number of the professional who writes it; none for a system's document.")
@click.option(
    "--kind",
    default="client-plan",
    show_default=True,
    help="Kind of document; a wrong one lists those that there are.",
)
@click.option("--title", default="", help="Title instead of the kind's own.")
@click.option("--oid", help="The document's OID; by default a new one under the organisation.")
@click.option("--replaces", metavar="OID", help="For corrections and cancellations: the document that is replaced.")
@writes("out")
@pass_workspace
def new(
    workspace: Workspace,
    out: str,
    client: str,
    organisation: str,
    author: str | None,
    kind: str,
    title: str,
    oid: str | None,
    replaces: str | None,
) -> None:
    """Write an unsigned document of any family about a person of the workspace to OUT."""
    from sotepki.documents import build_document
    from sotepki.identifiers import Oid, document_oid

    keeper = _organisation(workspace, organisation)
    now = workspace.clock.now()
    own = document_oid(keeper.business_id, int(f"{now:%Y%m%d%H%M%S%f}"))
    chosen = Oid.parse(oid) if oid else own
    earlier = Oid.parse(replaces) if replaces else None
    document = build_document(
        kind,
        client=_person(workspace, client),
        organisation=keeper,
        author=registered_professional(workspace, author) if author else None,
        document_oid=chosen,
        created=now,
        title=title,
        set_oid=earlier,
        version=2 if earlier else 1,
        replaces=earlier,
    )
    write_output(out, document)
    _tell(out, {"file": out, "document_id": str(chosen)}, f"The document {chosen} is in {out}.")


command.add_command(correct)
command.add_command(sign)
command.add_command(batch)
command.add_command(verify)
command.add_command(corpus)
command.add_command(score)


def _person(workspace: Workspace, hetu: str) -> Person:
    from sotepki.identifiers import Hetu

    person = workspace.population.person(Hetu.parse(hetu))
    if person is None:
        raise Misuse("There is no such person in the Population Information System.", advice="Check the code.")
    return person


def _organisation(workspace: Workspace, oid: str) -> Organisation:
    from sotepki.identifiers import Oid

    organisation = workspace.thl.organisation(Oid.parse(oid))
    if organisation is None:
        raise Misuse(f"The organisation {oid} is not in THL's SOTE organisation register.", advice="Check the OID.")
    return organisation


def _tell(out: str, data: dict[str, Any], text: str) -> None:
    """Say what was written, unless the document itself went to standard output."""
    if out != "-":
        emit(data, text)
