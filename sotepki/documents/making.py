"""One way to make a document of any kind: the family follows from the kind."""

from __future__ import annotations

from datetime import datetime

from sotepki.documents.building import build_social_document
from sotepki.documents.building_health import build_patient_record, build_prescription
from sotepki.documents.family import Family, families
from sotepki.errors import Misuse
from sotepki.identifiers import Oid
from sotepki.registers import Organisation, Person, Professional

_BUILDERS = {
    "social-welfare": build_social_document,
    "patient-record": build_patient_record,
    "prescription": build_prescription,
}


def family_of_kind(kind: str) -> Family:
    """The family that a kind of document belongs to.

    Raises:
        Misuse: there is no such kind.
    """
    for known in families().values():
        if kind in known.kinds:
            return known
    raise Misuse(f"There is no kind of document {kind!r}; known are {', '.join(kinds_of_documents())}.")


def kinds_of_documents() -> tuple[str, ...]:
    """The ids of all kinds of all families."""
    return tuple(kind for known in families().values() for kind in known.kinds)


def build_document(
    kind: str,
    *,
    client: Person,
    organisation: Organisation,
    author: Professional | None,
    document_oid: Oid,
    created: datetime,
    title: str = "",
    set_oid: Oid | None = None,
    version: int = 1,
    replaces: Oid | None = None,
) -> bytes:
    """An unsigned document of any kind, as the builder of its family makes it.

    Raises:
        Misuse: there is no such kind, or a correction or cancellation replaces nothing.
    """
    return _BUILDERS[family_of_kind(kind).id](
        client=client,
        organisation=organisation,
        author=author,
        document_oid=document_oid,
        created=created,
        title=title,
        kind=kind,
        set_oid=set_oid,
        version=version,
        replaces=replaces,
    )
