"""The kinds of plans with their parts, their rules and their state machine, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sotepki.errors import Fault
from sotepki.evidence import Grade, RuleBook, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.states import StateMachine

ALL = "all"


@dataclass(frozen=True)
class Part:
    """What a plan must tell, and how firmly that is known."""

    id: str
    text: str
    source: str
    grade: Grade


@dataclass(frozen=True)
class PlanKind:
    """A kind of plan: its parts, how often it is reviewed, and the kinds of organisations that write one."""

    id: str
    title_fi: str
    review_months: int
    review_source: str
    review_grade: Grade
    wanted_of: frozenset[str]
    parts: Mapping[str, Part]

    def wanted(self, organisation_kind: str) -> bool:
        """Whether an organisation of that kind writes such a plan."""
        return ALL in self.wanted_of or organisation_kind in self.wanted_of


@cache
def plan_kinds() -> Mapping[str, PlanKind]:
    """The kinds of ``kinds.yaml`` by id."""
    return load_kinds(package_file("provider", "plans", "kinds.yaml"))


@cache
def plan_rules() -> RuleBook:
    """The rules of the plans."""
    return RuleBook.load(package_file("provider", "plans", "rules.yaml"))


@cache
def plan_machine() -> StateMachine:
    """The life of a version of a plan."""
    return StateMachine.load(package_file("provider", "plans", "states", "plan.yaml"), plan_rules())


def load_kinds(path: Path) -> Mapping[str, PlanKind]:
    """Read a file of kinds; a wrong or missing key is a ``Fault``."""
    raw = load_yaml(path)
    try:
        return {str(name): _kind(str(name), row) for name, row in raw.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Fault(f"{path.name} is not well formed: {error}.") from error


def _kind(name: str, row: Mapping[str, object]) -> PlanKind:
    known = {"title_fi", "review_months", "review_source", "review_grade", "wanted_of", "parts"}
    refuse_unknown_keys(row, known, f"The plan {name}")
    parts, wanted_of = row["parts"], row["wanted_of"]
    if not isinstance(parts, Mapping) or not parts or not isinstance(wanted_of, list):
        raise Fault(f"The plan {name} needs parts, and a list of who writes it.")
    return PlanKind(
        id=name,
        title_fi=str(row["title_fi"]),
        review_months=int(str(row["review_months"])),
        review_source=str(row["review_source"]),
        review_grade=Grade(str(row["review_grade"])),
        wanted_of=frozenset(map(str, wanted_of)),
        parts={str(part): _part(str(part), about, f"The plan {name}, part {part}") for part, about in parts.items()},
    )


def _part(name: str, row: Mapping[str, object], where: str) -> Part:
    refuse_unknown_keys(row, {"text", "source", "grade"}, where)
    return Part(name, str(row["text"]), str(row["source"]), Grade(str(row["grade"])))
