"""THL's steering: regulations as versioned documents, which of them are in force at a time, and what they require."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Grade, RuleBook, load_yaml, refuse_unknown_keys
from sotepki.identifiers import is_blank, is_plain_line
from sotepki.records import Records, journals_refusals
from sotepki.resources import package_file
from sotepki.thl.steering_tables import SteeringDocumentRow

OFFICE = "thl"

_ID = re.compile(r"THL-[0-9]{1,3}/[0-9]{4}")
_DOCUMENT = {"title", "title_fi", "kind", "from", "replaces", "source", "grade"}
_REQUIREMENT = {"document", "classes", "text", "source", "grade"}


@dataclass(frozen=True)
class SteeringDocument:
    """A regulation; it binds until the day before ``replaced_on``, on which its successor comes into force."""

    id: str
    title: str
    title_fi: str
    kind: str
    in_force_from: date
    replaces: tuple[str, ...]
    source: str
    grade: Grade
    replaced_by: str = ""
    replaced_on: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether it binds on a day."""
        return self.in_force_from <= day and (self.replaced_on is None or day < self.replaced_on)

    def as_dict(self) -> dict[str, object]:
        """The document for JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "title_fi": self.title_fi,
            "kind": self.kind,
            "in_force_from": self.in_force_from.isoformat(),
            "replaces": list(self.replaces),
            "replaced_by": self.replaced_by,
            "replaced_on": self.replaced_on.isoformat() if self.replaced_on else None,
            "source": self.source,
            "grade": self.grade.value,
        }


@dataclass(frozen=True)
class Requirement:
    """What a document requires of systems of some classes; the id is of this project."""

    id: str
    document: str
    classes: tuple[str, ...]
    text: str
    source: str
    grade: Grade

    def as_dict(self) -> dict[str, object]:
        """The requirement for JSON."""
        return {
            "id": self.id,
            "document": self.document,
            "classes": list(self.classes),
            "text": self.text,
            "source": self.source,
            "grade": self.grade.value,
        }


@cache
def steering_rules() -> RuleBook:
    """The rules of the register of steering documents."""
    return RuleBook.load(package_file("thl", "rules_steering.yaml"))


class Steering:
    """The steering documents: those of the package, and those that are published here."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def documents(self) -> Sequence[SteeringDocument]:
        """Every document, by the day from which it is in force."""
        with self.records.look() as session:
            return _documents(session)

    def in_force(self, day: date | None = None) -> Sequence[SteeringDocument]:
        """The documents that bind on a day (default: today)."""
        wanted = day or finnish_day(self.records.clock.now())
        return [one for one in self.documents() if one.in_force(wanted)]

    def document(self, document: str) -> SteeringDocument:
        """One document.

        Raises:
            Refused: ``thl.steering.known``.
        """
        for one in self.documents():
            if one.id == document:
                return one
        raise _refusal("thl.steering.known", f"There is no steering document {document[:40]!r}.")

    def requirements(self, system_class: str = "", day: date | None = None) -> Sequence[Requirement]:
        """What the documents in force on a day require, of one class of systems or of all.

        Raises:
            Misuse: no requirement concerns the class; that nothing is required of it would be said of a typing error.
        """
        classes = sorted({name for one in _data()[1] for name in one.classes})
        if system_class not in ("", *classes):
            raise Misuse(f"There is no class {system_class[:20]!r} here; there are: {', '.join(classes)}.")
        binding = {one.id for one in self.in_force(day)}
        return [one for one in _data()[1] if one.document in binding and system_class in ("", *one.classes)]

    @journals_refusals(OFFICE, "document")
    def publish(
        self, document: str, *, title: str, in_force_from: date, replaces: Sequence[str] = (), actor: str
    ) -> SteeringDocument:
        """Publish a document.

        Raises:
            Refused: ``thl.steering.*``.
        """
        if not _ID.fullmatch(document):
            raise _refusal("thl.steering.id", f"{document[:40]!r} is not an id of a steering document.")
        if is_blank(title) or len(title) > 300 or not is_plain_line(title):
            raise _refusal("thl.steering.described", f"The document {document} has no title, or too long a one.")
        if in_force_from < finnish_day(self.records.clock.now()):
            raise _refusal("thl.steering.day", f"{in_force_from} has passed.")
        with self.records.change(OFFICE, actor) as tx:
            known = {one.id: one for one in _documents(tx.session)}
            if document in known:
                raise _refusal("thl.steering.once", f"{document} is published already.")
            for old in replaces:
                if old not in known or known[old].replaced_by:
                    raise _refusal("thl.steering.replaces", f"{old[:40]!r} is not known, or was replaced already.")
            tx.session.add(
                SteeringDocumentRow(
                    id=document,
                    title=title,
                    in_force_from=in_force_from,
                    replaces="\n".join(replaces),
                    published_at=tx.now,
                )
            )
            tx.session.flush()
            tx.journal("steering published", document, replaces=" ".join(replaces), day=in_force_from.isoformat())
        return self.document(document)


def _documents(session: Session) -> list[SteeringDocument]:
    """Every document with its successor, by the day from which it is in force."""
    found = [*_data()[0], *map(_published, session.scalars(select(SteeringDocumentRow)))]
    successor = {old: one for one in found for old in one.replaces}
    known = [
        replace(one, replaced_by=successor[one.id].id, replaced_on=successor[one.id].in_force_from)
        if one.id in successor
        else one
        for one in found
    ]
    return sorted(known, key=lambda one: (one.in_force_from, one.id))


def _published(row: SteeringDocumentRow) -> SteeringDocument:
    replaces = tuple(filter(None, row.replaces.split("\n")))
    return SteeringDocument(
        row.id, row.title, row.title, "regulation", row.in_force_from, replaces, "published in this workspace",
        Grade.UNKNOWN,
    )  # fmt: skip


@cache
def _data() -> tuple[tuple[SteeringDocument, ...], tuple[Requirement, ...]]:
    path = package_file("thl", "steering.yaml")
    raw = load_yaml(path)
    try:
        refuse_unknown_keys(raw, {"documents", "requirements"}, path.name)
        documents = tuple(_document(str(name), row) for name, row in raw["documents"].items())
        requirements = tuple(_requirement(str(name), row) for name, row in raw["requirements"].items())
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"{path.name} is not well formed: {error}.") from error
    unknown = {one.document for one in requirements} - {one.id for one in documents}
    if unknown:
        raise Fault(f"{path.name} has a requirement of the unknown document {sorted(unknown)[0]}.")
    return documents, requirements


def _document(name: str, row: Mapping[str, Any]) -> SteeringDocument:
    refuse_unknown_keys(row, _DOCUMENT, f"The document {name}")
    return SteeringDocument(
        name, row["title"], row["title_fi"], row["kind"], row["from"], tuple(row["replaces"]), row["source"],
        Grade(row["grade"]),
    )  # fmt: skip


def _requirement(name: str, row: Mapping[str, Any]) -> Requirement:
    refuse_unknown_keys(row, _REQUIREMENT, f"The requirement {name}")
    return Requirement(name, row["document"], tuple(row["classes"]), row["text"], row["source"], Grade(row["grade"]))


def _refusal(rule: str, sentence: str) -> Refused:
    return steering_rules().refusal(rule, sentence)
