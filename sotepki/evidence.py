"""Evidence: how firmly a fact is known, which rule it makes, and how hard that rule may judge.

Every national fact carries a grade and a source (docs/field/README.md). The ceiling that follows from them is
applied here, once, so that no room can be more certain than its evidence: a form that was merely observed may fail a
vendor only on internal consistency, and a guess never.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from sotepki.errors import Fault, Refused


class Grade(StrEnum):
    """How well a fact is known (docs/field/README.md 1)."""

    CONFIRMED = "confirmed"
    SECONDHAND = "secondhand"
    INFERRED = "inferred"
    RECALLED = "recalled"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """What a fact rests on: a rule text, a real artefact, a measurement, or a choice of this project."""

    NORM = "norm"
    OBSERVED = "observed"
    MEASURED = "measured"
    CHOICE = "choice"


class Severity(StrEnum):
    """How much a finding weighs. Only an error makes a verdict negative."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Verdict(StrEnum):
    """The answer of a check."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


_WEIGHT = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True)
class Rule:
    """One rule with its evidence.

    Attributes:
        id: stable dotted id, the same in profile, lint, refusal, conformance case and report.
        text: the rule in our own words.
        source: standard and clause, or the row of docs/field.
        grade, basis: see ``Grade`` and ``Basis``.
        severity: what a breach weighs before the ceiling is applied.
        consistency: the rule compares two values that must agree; then an observed basis may still fail.
        section: the source names document and section; then a second-hand fact may still fail.
        advice: what to change, one sentence.
    """

    id: str
    text: str
    source: str
    grade: Grade
    basis: Basis
    severity: Severity = Severity.ERROR
    consistency: bool = False
    section: bool = False
    advice: str = ""

    @property
    def ceiling(self) -> Severity:
        """The heaviest severity that the evidence allows against somebody else's work."""
        if self.basis is Basis.CHOICE:
            return Severity.WARNING
        if self.basis is Basis.OBSERVED and not self.consistency:
            return Severity.WARNING
        if self.grade is Grade.CONFIRMED:
            return Severity.ERROR
        if self.grade is Grade.SECONDHAND and self.section:
            return Severity.ERROR
        return Severity.WARNING

    @property
    def effective(self) -> Severity:
        """``severity``, lowered to the ceiling."""
        return min(self.severity, self.ceiling, key=_WEIGHT.__getitem__)


@dataclass(frozen=True)
class Finding:
    """One thing that a check found, in the shape that every report and JSON answer uses."""

    rule: str
    severity: Severity
    message: str
    expected: str = ""
    found: str = ""
    source: str = ""
    grade: Grade = Grade.UNKNOWN
    advice: str = ""
    where: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain strings, ready for JSON."""
        return {key: str(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class RuleBook:
    """Rules by id. Build one per room with ``RuleBook.load``; join them with ``RuleBook.join``."""

    rules: Mapping[str, Rule] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> RuleBook:
        """Read a YAML file: a mapping from rule id to the fields of ``Rule`` (without ``id``).

        Raises:
            Fault: the file has an unknown or missing key, an unknown grade, or an id twice.
        """
        raw = load_yaml(path)
        if not isinstance(raw, dict):
            raise Fault(f"The rule file {path.name} must be a mapping from rule id to rule.")
        return cls({str(rule_id): _rule(str(rule_id), row, path.name) for rule_id, row in raw.items()})

    @classmethod
    def join(cls, books: Iterable[RuleBook]) -> RuleBook:
        """One book of several; an id that two of them have is a ``Fault``."""
        joined: dict[str, Rule] = {}
        for book in books:
            for rule_id, rule in book.rules.items():
                if rule_id in joined:
                    raise Fault(f"Two rules bear the id {rule_id}.")
                joined[rule_id] = rule
        return cls(joined)

    def __getitem__(self, rule_id: str) -> Rule:
        try:
            return self.rules[rule_id]
        except KeyError:
            raise Fault(f"The rule {rule_id} is used but not in the rule book.") from None

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def __len__(self) -> int:
        return len(self.rules)

    def finding(
        self, rule_id: str, message: str, *, expected: str = "", found: str = "", where: str = "", advice: str = ""
    ) -> Finding:
        """A finding under ``rule_id``, its severity lowered to what the evidence allows."""
        rule = self[rule_id]
        return Finding(
            rule=rule.id,
            severity=rule.effective,
            message=message,
            expected=expected,
            found=found,
            source=rule.source,
            grade=rule.grade,
            advice=advice or rule.advice,
            where=where,
        )

    def refusal(self, rule_id: str, sentence: str, *, advice: str = "", subject: str = "") -> Refused:
        """A refusal under ``rule_id``, with the rule's advice unless a better one is given; the caller raises it."""
        rule = self[rule_id]
        return Refused(sentence, rule=rule.id, advice=advice or rule.advice, subject=subject)


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Invalid if any finding is an error, else valid."""
    return Verdict.INVALID if any(f.severity is Severity.ERROR for f in findings) else Verdict.VALID


def refuse_unknown_keys(row: Any, allowed: Iterable[str], where: str) -> None:
    """Raise ``Fault`` if ``row`` is no mapping or has a key that is not in ``allowed``: no typo stays silent."""
    if not isinstance(row, Mapping):
        raise Fault(f"{where} must be a mapping.")
    unknown = sorted(set(row) - set(allowed), key=str)
    if unknown:
        raise Fault(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}.")


def expect_keys(row: Any, needed: Iterable[str], where: str, *, optional: Iterable[str] = ()) -> None:
    """Raise ``Fault`` if ``row`` is no mapping, lacks a key of ``needed``, or has one that is in neither."""
    refuse_unknown_keys(row, {*needed, *optional}, where)
    missing = sorted({*needed} - set(row))
    if missing:
        raise Fault(f"{where} lacks {', '.join(missing)}.")


def grade_of(row: Mapping[str, Any], where: str) -> Grade:
    """The grade of a row of data; ``Fault`` if there is none of that name."""
    try:
        return Grade(row["grade"])
    except (KeyError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None


def evidence_of(row: Mapping[str, Any], where: str) -> tuple[Grade, Basis]:
    """The grade and the basis of a row of data; ``Fault`` if there is none of that name."""
    try:
        return grade_of(row, where), Basis(row["basis"])
    except (KeyError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None


# The loader on libyaml reads the same language about eight times as fast; PyYAML may have been built without it.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):  # type: ignore[misc,valid-type]
    """YAML that refuses a key given twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise Fault(f"The key {sorted(map(str, twice))[0]!r} stands twice in one mapping of a data file.")
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def load_yaml(path: Path) -> Any:
    """Read a YAML data file; a key given twice is refused.

    Raises:
        Fault: the file is missing, not UTF-8, or not plain YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).replace('in "<unicode string>",', "at").split())  # PyYAML's has several lines
        raise Fault(f"The data file {path.name} cannot be read: {reason}.") from error


def load_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV data file (UTF-8, comma, first line the column names) whose columns are exactly ``columns``.

    Raises:
        Fault: the file is missing or not UTF-8, its columns differ, or a line has too many or too few fields.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = list(csv.reader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Fault(f"The data file {path.name} cannot be read: {error}.") from error
    if not rows or rows[0] != list(columns):
        raise Fault(f"The data file {path.name} must have the columns {', '.join(columns)}.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise Fault(f"Line {number} of {path.name} has {len(row)} fields instead of {len(columns)}.")
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def _rule(rule_id: str, row: Any, where: str) -> Rule:
    known = {f.name for f in fields(Rule)} - {"id"}
    expect_keys(row, {"text", "source", "grade", "basis"}, f"The rule {rule_id} in {where}", optional=known)
    try:
        return Rule(
            id=rule_id,
            text=str(row["text"]).strip(),
            source=str(row["source"]).strip(),
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
            severity=Severity(row.get("severity", "error")),
            consistency=bool(row.get("consistency", False)),
            section=bool(row.get("section", False)),
            advice=str(row.get("advice", "")).strip(),
        )
    except ValueError as error:
        raise Fault(f"The rule {rule_id} in {where} is not well formed: {error}.") from None
