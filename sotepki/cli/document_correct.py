"""``sotepki document correct``: the next version of a document, unsigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sotepki.cli.context import emit, read_input
from sotepki.cli.document_sign import clock_offset
from sotepki.cli.writing import write_output, writes
from sotepki.errors import Misuse

if TYPE_CHECKING:
    from sotepki.identifiers import Oid


@click.command("correct")
@click.argument("file")
@click.argument("out")
@click.option("--oid", help="The new document's OID; by default a new one under the organisation of the old one.")
@click.option("--kind", help="In health care, the kind of the new document, such as prescription-cancellation.")
@writes("out", over="file")
def correct(file: str, out: str, oid: str | None, kind: str | None) -> None:
    """Write the next version of FILE to OUT, to be changed and signed: a new id, the same setId, the next
    versionNumber, relatedDocument RPLC to FILE, and neither its signatures nor its signer's block.

    Everything else stays byte for byte. To have FILE itself replaced, name it twice.
    """
    from sotepki.clock import SystemClock
    from sotepki.documents import correct_document
    from sotepki.documents.outline import outline
    from sotepki.identifiers import Oid
    from sotepki.xmldsig import read_xml

    document = read_input(file)
    parts = outline(read_xml(document))
    now = SystemClock(clock_offset()).now()
    chosen = Oid.parse(oid) if oid else _beside(parts.document_id, f"{now:%Y%m%d%H%M%S%f}")
    write_output(out, correct_document(document, document_oid=chosen, at=now, kind=kind), over=file)
    if out != "-":
        data = {"file": out, "document_id": str(chosen), "replaces": parts.document_id, "version": parts.version + 1}
        emit(data, f"The document {chosen} in {out} is version {parts.version + 1} and replaces {parts.document_id}.")


def _beside(earlier: str, number: str) -> Oid:
    """A new OID of the organisation whose number the earlier document's OID holds."""
    from sotepki.identifiers import Oid, business_id_of, document_oid

    business_id = business_id_of(Oid.parse(earlier))
    if business_id is None:
        raise Misuse(
            f"The OID {earlier[:120]} holds no business id.", advice="Give the new document's OID with --oid."
        )
    return document_oid(business_id, int(number))
