"""Making social-welfare documents from the templates in ``fixtures/documents``."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

import sotepki
from sotepki.clock import HELSINKI
from sotepki.documents.times import hl7_time
from sotepki.errors import Misuse
from sotepki.evidence import expect_keys, load_yaml
from sotepki.identifiers import Oid
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight
from sotepki.resources import fixtures

SOFTWARE = "sotepki TEST"


@dataclass(frozen=True)
class Coded:
    """A code with the name that is shown."""

    code: str
    name: str


@dataclass(frozen=True)
class DocumentKind:
    """A kind of document, from ``fixtures/documents/kinds.yaml``; ``service_request`` is that of its frame."""

    id: str
    title: str
    service_request: str
    document_type: Coded
    document_group: Coded
    text: tuple[str, ...]


def build_social_document(
    *,
    client: Person,
    organisation: Organisation,
    author: Professional | None,
    document_oid: Oid,
    created: datetime,
    title: str = "",
    kind: str = "client-plan",
    paragraphs: Sequence[str] = (),
    set_oid: Oid | None = None,
    version: int = 1,
    replaces: Oid | None = None,
) -> bytes:
    """An unsigned social-welfare document of the 2026 shape, UTF-8 (docs/field/kanta.md 3.1, 5).

    Args:
        organisation: keeps the document (custodian) and provides the service.
        author: the professional who wrote it; None for a document that a system made.
        document_oid: becomes ``ClinicalDocument/id/@root``, and with ``OID`` before it the body's ID.
        title, paragraphs: replace those of the kind.
        kind: ``client-relationship`` or ``client-plan``.
        set_oid: common to all versions of one document; by default the document's own.
        replaces: the document that this one corrects (relatedDocument RPLC).

    Raises:
        Misuse: there is no such kind.
    """
    chosen = document_kind(kind)
    right = author.rights[0] if author and author.rights else None
    values: dict[str, Any] = {
        **header_values(client, organisation, document_oid, created),
        "author": author,
        "right": right,
        "set_oid": set_oid or document_oid,
        "version": version,
        "replaces": replaces,
        "title": title or chosen.title,
        "kind": chosen,
        "paragraphs": tuple(paragraphs) or chosen.text,
    }
    xhtml = render("social_welfare_body.xhtml.j2", values)
    structured = _structured(values, right)
    return render(
        "social_welfare.xml.j2",
        {**values, "xhtml_b64": _base64(xhtml), "json_b64": _base64(structured)},
    )


def header_values(client: Person, organisation: Organisation, document_oid: Oid, created: datetime) -> dict[str, Any]:
    """What the header of a document of any family is filled with."""
    return {
        "client": client,
        "gender": "M" if client.hetu.individual_number % 2 else "F",
        "birth_date": client.hetu.birth_date.strftime("%Y%m%d"),
        "organisation": organisation,
        "document_oid": document_oid,
        "created_ts": hl7_time(created),
        "created_fi": created.astimezone(HELSINKI).strftime("%d.%m.%Y %H:%M"),
        "software": SOFTWARE,
        "software_version": sotepki.__version__,
    }


@cache
def document_kinds() -> Mapping[str, DocumentKind]:
    """The kinds of documents by id."""
    path = fixtures() / "documents" / "kinds.yaml"
    return {str(kind_id): _kind(str(kind_id), row, path.name) for kind_id, row in load_yaml(path).items()}


def document_kind(kind_id: str) -> DocumentKind:
    """The kind with this id.

    Raises:
        Misuse: there is none.
    """
    kinds = document_kinds()
    if kind_id not in kinds:
        raise Misuse(f"There is no kind of document {kind_id!r}; known are {', '.join(kinds)}.")
    return kinds[kind_id]


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Fill a template of ``fixtures/documents``; every value is escaped for XML."""
    return _environment(fixtures() / "documents").get_template(template).render(values).encode()


@cache
def _environment(directory: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(directory),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _kind(kind_id: str, row: dict[str, Any], where: str) -> DocumentKind:
    keys = set(DocumentKind.__dataclass_fields__) - {"id"}
    expect_keys(row, keys, f"{kind_id} in {where}")
    return DocumentKind(
        id=kind_id,
        title=row["title"],
        service_request=row["service_request"],
        document_type=Coded(**row["document_type"]),
        document_group=Coded(**row["document_group"]),
        text=tuple(row["text"]),
    )


def _structured(values: Mapping[str, Any], right: ProfessionalRight | None) -> bytes:
    """The JSON twin of the body. Its field names are ours: the national structures (Sosmeta) are not public here."""
    client: Person = values["client"]
    author: Professional | None = values["author"]
    content = {
        "asiakirja": {
            "otsikko": values["title"],
            "oid": str(values["document_oid"]),
            "laadittu": values["created_ts"],
        },
        "asiakas": {
            "etunimet": client.given_names.split(),
            "sukunimi": client.surname,
            "henkilotunnus": str(client.hetu),
        },
        "palvelunantaja": {"oid": str(values["organisation"].oid), "nimi": values["organisation"].name},
        "laatija": _author(author, right),
        "kohdat": [{"numero": n, "teksti": text} for n, text in enumerate(values["paragraphs"], start=1)],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _author(author: Professional | None, right: ProfessionalRight | None) -> dict[str, str] | None:
    if author is None:
        return None
    return {
        "rekisterointinumero": str(author.registration_number),
        "nimi": f"{author.person.given_names} {author.person.surname}",
        "ammattioikeus": right.title_fi if right else "",
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
