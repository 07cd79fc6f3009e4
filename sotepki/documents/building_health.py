"""Making health-care documents, patient records and prescriptions, from the templates in ``fixtures/documents``.

Header and body names are observed in a prescription of 2015 (docs/field/kanta.md 3.1, 9); code values of types and
sections, and everything about patient records, are the plainest assumption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sotepki.documents.building import Coded, header_values, render
from sotepki.documents.family import KindRule, family
from sotepki.documents.times import hl7_time
from sotepki.documents.vocabulary import PRESCRIPTION_CENTRE
from sotepki.errors import Misuse
from sotepki.evidence import expect_keys, load_yaml
from sotepki.identifiers import Oid
from sotepki.registers import Organisation, Person, Professional, ProfessionalRight
from sotepki.resources import fixtures

PATIENT_RECORD_TYPES = "1.2.246.537.6.12.2002"
"""Code system of patient-record types (choice)."""
TEMPLATES = {"patient-record": "1.2.246.777.11.2015.1", "prescription": "1.2.246.777.11.2007.17"}
"""templateId of the CDA header: that of prescriptions is confirmed (old), the other is a choice."""


@dataclass(frozen=True)
class Medicine:
    """What is prescribed; package numbers are invented."""

    name: str
    substance: str
    atc: str
    vnr: str
    strength: str
    form: str
    package: str
    quantity: str
    unit: str
    dosage: str
    purpose: str


@dataclass(frozen=True)
class Author:
    """An author with the role code (LAL, LTE, KOR, MIT); ``professional`` None for a system."""

    professional: Professional | None
    role: str
    time_ts: str

    @property
    def right(self) -> ProfessionalRight | None:
        return self.professional.rights[0] if self.professional and self.professional.rights else None


def build_patient_record(
    *,
    client: Person,
    organisation: Organisation,
    author: Professional | None,
    document_oid: Oid,
    created: datetime,
    title: str = "",
    kind: str = "visit-note",
    paragraphs: Sequence[str] = (),
    set_oid: Oid | None = None,
    version: int = 1,
    replaces: Oid | None = None,
    identified: bool = False,
) -> bytes:
    """An unsigned patient record, UTF-8.

    Args:
        author: None for a document that a system made.
        paragraphs: further text of the first section.
        identified: give structuredBody an ID attribute, so that a signature can refer to it by Id.

    Raises:
        Misuse: there is no such kind.
    """
    rule = _kind("patient-record", kind)
    row = _patient_record_kinds()[rule.id]
    first, *rest = row["sections"]
    sections = [{**first, "text": [*first["text"], *paragraphs]}, *rest]
    values = {
        **header_values(client, organisation, document_oid, created),
        "custodian": {"oid": organisation.oid, "name": organisation.name},
        "authors": [Author(author, rule.role, hl7_time(created))],
        "title": title or row["title"],
        "type": Coded(**row["type"]),
        "type_system": PATIENT_RECORD_TYPES,
        "kind": rule,
        "sections": [{"observation": None, **section} for section in sections],
        "set_oid": set_oid or document_oid,
        "version": version,
        "replaces": replaces,
        "identified": identified,
    }
    return _render("patient-record", values)


def build_prescription(
    *,
    client: Person,
    organisation: Organisation,
    author: Professional | None,
    document_oid: Oid,
    created: datetime,
    title: str = "",
    kind: str = "prescription",
    medicine: str | Medicine = "amoxicillin",
    paragraphs: Sequence[str] = (),
    set_oid: Oid | None = None,
    version: int = 1,
    replaces: Oid | None = None,
    first_author: Professional | None = None,
    identified: bool = False,
) -> bytes:
    """An unsigned document of the Prescription Centre, UTF-8: prescription, correction, cancellation, dispensing or
    renewal request.

    Args:
        organisation: where the author works; the custodian is always Kela.
        author: prescriber, corrector, canceller or dispenser; None for a system.
        medicine: a name from ``prescription_kinds.yaml``, or the medicine itself.
        replaces: the document that a correction or cancellation replaces.
        first_author: who started the medication, listed before ``author`` in corrections and cancellations.

    Raises:
        Misuse: there is no such kind or medicine, or a correction or cancellation replaces nothing.
    """
    rule = _kind("prescription", kind)
    if rule.replaces and replaces is None:
        raise Misuse(f"A {rule.id} needs the document that it replaces.", rule="doc.correction")
    row, known = _prescription_kinds()["kinds"][rule.id], family("prescription")
    now = hl7_time(created)
    earlier = [Author(first_author, "LAL", now)] if first_author is not None and rule.replaces else []
    values = {
        **header_values(client, organisation, document_oid, created),
        "custodian": {"oid": PRESCRIPTION_CENTRE, "name": "Kansaneläkelaitos TEST"},
        "authors": [*earlier, Author(author, rule.role, now)],
        "title": title or row["title"],
        "type": Coded(rule.code, row["title"]),
        "type_system": known.type_system,
        "kind": rule,
        "medicine": _medicine(medicine),
        "text": [*row["text"], *paragraphs],
        "set_oid": set_oid or document_oid,
        "version": version,
        "replaces": replaces,
        "identified": identified,
    }
    return _render("prescription", values)


def medicines() -> Mapping[str, Medicine]:
    """The medicines that can be prescribed, by name."""
    found: Mapping[str, Medicine] = _prescription_kinds()["medicines"]
    return found


def _render(family_id: str, values: Mapping[str, Any]) -> bytes:
    body = f"{family_id.replace('-', '_')}_body.xml.j2"
    return render("health_care.xml.j2", {**values, "body_template": body, "template_id": TEMPLATES[family_id]})


def _kind(family_id: str, kind: str) -> KindRule:
    kinds = family(family_id).kinds
    if kind not in kinds:
        raise Misuse(f"There is no kind of document {kind!r}; known are {', '.join(kinds)}.")
    return kinds[kind]


def _medicine(medicine: str | Medicine) -> Medicine:
    if isinstance(medicine, Medicine):
        return medicine
    if medicine not in medicines():
        raise Misuse(f"There is no medicine {medicine!r}; known are {', '.join(medicines())}.")
    return medicines()[medicine]


@cache
def _patient_record_kinds() -> Mapping[str, Any]:
    path = fixtures() / "documents" / "patient_record_kinds.yaml"
    rows: dict[str, Any] = load_yaml(path)
    for name, row in rows.items():
        expect_keys(row, ("title", "type", "sections"), f"{name} in {path.name}")
        for section in row["sections"]:
            expect_keys(section, ("code", "name", "text"), f"{name} in {path.name}", optional=("observation",))
    return rows


@cache
def _prescription_kinds() -> Mapping[str, Any]:
    path = fixtures() / "documents" / "prescription_kinds.yaml"
    rows: dict[str, Any] = load_yaml(path)
    expect_keys(rows, ("kinds", "medicines"), path.name)
    for name, row in rows["kinds"].items():
        expect_keys(row, ("title", "text"), f"{name} in {path.name}")
    for name, row in rows["medicines"].items():
        expect_keys(row, Medicine.__dataclass_fields__, f"{name} in {path.name}")
    return {
        "kinds": rows["kinds"],
        "medicines": {name: Medicine(**row) for name, row in rows["medicines"].items()},
    }
