"""Reading the catalogue of the corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Verdict, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file


class Importance(StrEnum):
    """What it means if a verifier says otherwise."""

    CRITICAL = "critical"
    """It can be made to accept content that nobody signed, or a signature of nobody."""
    HIGH = "high"
    """It accepts what the rules of the field refuse, or refuses what is right."""
    MEDIUM = "medium"
    """It is more lenient or stricter than the standards are."""
    LOW = "low"
    """A matter of robustness or of choice."""


@dataclass(frozen=True)
class Entry:
    """One document of the corpus.

    Attributes:
        group: the file of the catalogue that it stands in.
        base: the document that it begins with.
        change: what was done, one sentence.
        verdict: what a verifier should say; for ``indeterminate``, ``invalid`` is right as well.
        rule: the rule that says so here; for valid documents a warning, or empty.
        steps: names of steps with their arguments, in order.
    """

    id: str
    group: str
    base: str
    change: str
    verdict: Verdict
    rule: str
    importance: Importance
    steps: tuple[tuple[str, Any], ...]


@cache
def catalogue() -> Mapping[str, Entry]:
    """All entries by id, in the order of the files.

    Raises:
        Fault: a file is not well formed, or an id stands twice.
    """
    entries: dict[str, Entry] = {}
    for path in sorted(package_file("documents", "corpus", "catalogue").glob("*.yaml")):
        for entry_id, row in load_yaml(path).items():
            if entry_id in entries:
                raise Fault(f"The corpus has the id {entry_id} twice.")
            entries[entry_id] = _entry(str(entry_id), path.stem, row, path.name)
    return entries


def _entry(entry_id: str, group: str, row: dict[str, Any], where: str) -> Entry:
    refuse_unknown_keys(row, ("base", "change", "verdict", "rule", "importance", "steps"), f"{entry_id} in {where}")
    steps: list[tuple[str, Any]] = []
    for step in row.get("steps", ()):
        pair = {step: None} if isinstance(step, str) else step
        if not isinstance(pair, dict) or len(pair) != 1:
            raise Fault(f"A step of {entry_id} in {where} is not one name with its arguments.")
        steps += pair.items()
    try:
        return Entry(
            id=entry_id,
            group=group,
            base=row["base"],
            change=row["change"],
            verdict=Verdict(row["verdict"]),
            rule=row.get("rule", ""),
            importance=Importance(row["importance"]),
            steps=tuple(steps),
        )
    except (KeyError, ValueError) as error:
        raise Fault(f"The entry {entry_id} in {where} is not well formed: {error}.") from None
