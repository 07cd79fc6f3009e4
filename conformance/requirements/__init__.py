"""The requirement register: what joint testing is known, or thought, to ask of a system, and on what evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, Rule, Severity, load_yaml, refuse_unknown_keys

DIRECTORY = Path(__file__).resolve().parent


class SystemClass(StrEnum):
    """Classes of information systems (docs/field/kanta.md 11: confirmed)."""

    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    WELLBEING = "wellbeing"
    B = "B"


class Role(StrEnum):
    """What the system does; a choice of this suite, made so that a vendor finds the cases that concern it."""

    APPLICANT = "applicant"
    """Its owner applies for service certificates."""
    CARD_USER = "card-user"
    """It lets professionals log in or sign with their cards."""
    PRODUCER = "producer"
    """It makes and signs documents."""
    READER = "reader"
    """It verifies documents that others signed."""
    SENDER = "sender"
    """It sends documents to Kanta."""


class Level(StrEnum):
    """How strongly the requirement is put."""

    MUST = "must"
    SHOULD = "should"


class Phase(StrEnum):
    """Where in joint testing it is met (docs/field/kanta.md 10)."""

    PRE_TEST = "pre-test"
    SUPPLIER = "phase-1"
    CLIENT = "phase-2"
    CROSS = "phase-3"


@dataclass(frozen=True)
class Actor:
    """Whom a requirement binds."""

    classes: tuple[SystemClass, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Requirement:
    """One requirement.

    Attributes:
        id: stable dotted id.
        text, text_fi: the requirement in our own words.
        source: standard and clause, or the row of docs/field with its public source.
        grade, basis, consistency, section: the evidence, as in ``sotepki.evidence.Rule``.
        rules: ids of the rules of the package whose findings break this requirement.
        not_tested: why no case verifies it; empty if cases do.
    """

    id: str
    text: str
    source: str
    grade: Grade
    basis: Basis
    actor: Actor
    level: Level
    phase: Phase
    text_fi: str = ""
    consistency: bool = False
    section: bool = False
    rules: tuple[str, ...] = ()
    advice: str = ""
    not_tested: str = ""

    @property
    def ceiling(self) -> Severity:
        """The heaviest severity that a case may give under this requirement."""
        severity = Severity.ERROR if self.level is Level.MUST else Severity.WARNING
        return Rule(
            id=self.id,
            text=self.text,
            source=self.source,
            grade=self.grade,
            basis=self.basis,
            severity=severity,
            consistency=self.consistency,
            section=self.section,
        ).effective


class RequirementRegister(Mapping[str, Requirement]):
    """All requirements by id, in the order of their files."""

    def __init__(self, requirements: Iterator[Requirement]) -> None:
        self._by_id: dict[str, Requirement] = {}
        for requirement in requirements:
            if requirement.id in self._by_id:
                raise Fault(f"Two requirements bear the id {requirement.id}.")
            self._by_id[requirement.id] = requirement

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self._by_id

    def __getitem__(self, requirement_id: str) -> Requirement:
        try:
            return self._by_id[requirement_id]
        except KeyError:
            raise Fault(f"The requirement {requirement_id} is named but not in the register.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)


def load_requirements(directory: Path = DIRECTORY) -> RequirementRegister:
    """Read every ``*.yaml`` of a directory; each is a mapping from requirement id to its fields.

    Raises:
        Fault: an unknown or missing key, an unknown value, an id twice.
    """
    return RequirementRegister(r for path in sorted(directory.glob("*.yaml")) for r in _read(path))


@cache
def requirements() -> RequirementRegister:
    """The register that comes with the suite, read once."""
    return load_requirements()


def _read(path: Path) -> Iterator[Requirement]:
    raw = load_yaml(path)
    if not isinstance(raw, dict):
        raise Fault(f"The requirement file {path.name} must be a mapping from id to requirement.")
    for requirement_id, row in raw.items():
        yield _requirement(str(requirement_id), row, path.name)


def _requirement(requirement_id: str, row: Any, file: str) -> Requirement:
    where = f"The requirement {requirement_id} in {file}"
    if not isinstance(row, dict):
        raise Fault(f"{where} must be a mapping.")
    refuse_unknown_keys(row, {f.name for f in fields(Requirement)} - {"id"}, where)
    missing = {"text", "source", "grade", "basis", "actor", "level", "phase"} - set(row)
    if missing:
        raise Fault(f"{where} lacks {', '.join(sorted(missing))}.")
    actor = row["actor"]
    if not isinstance(actor, dict):
        raise Fault(f"{where} must name classes and roles under actor.")
    refuse_unknown_keys(actor, {"classes", "roles"}, f"{where}, actor,")
    try:
        return Requirement(
            id=requirement_id,
            text=_line(row["text"]),
            text_fi=_line(row.get("text_fi", "")),
            source=_line(row["source"]),
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
            actor=Actor(
                tuple(SystemClass(c) for c in actor.get("classes", ())),
                tuple(Role(r) for r in actor.get("roles", ())),
            ),
            level=Level(row["level"]),
            phase=Phase(row["phase"]),
            consistency=_truth(row.get("consistency", False), where),
            section=_truth(row.get("section", False), where),
            rules=tuple(str(rule) for rule in row.get("rules", ())),
            advice=_line(row.get("advice", "")),
            not_tested=_line(row.get("not_tested", "")),
        )
    except ValueError as error:
        raise Fault(f"{where} is not well formed: {error}.") from None


def _line(text: object) -> str:
    return " ".join(str(text).split())


def _truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise Fault(f"{where} has {value!r} where true or false is expected.")
    return value
