"""The accidents that are known, from ``accidents.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sotepki.evidence import expect_keys, load_yaml
from sotepki.resources import package_file


@dataclass(frozen=True)
class Accident:
    """What happened, and what to change in the code that signs or passes on."""

    id: str
    text: str
    advice: str


@cache
def accidents() -> Mapping[str, Accident]:
    """All accidents by id.

    Raises:
        Fault: the data file is not well formed.
    """
    path = package_file("documents", "diagnosis", "accidents.yaml")
    rows = load_yaml(path)
    for accident_id, row in rows.items():
        expect_keys(row, ("text", "advice"), f"{accident_id} in {path.name}")
    return {str(name): Accident(str(name), row["text"], row["advice"]) for name, row in rows.items()}
