"""Who plays which part in the test world (fixtures/world/cast.yaml and organisations.csv)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sotepki.errors import Misuse
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, Oid
from sotepki.resources import fixtures

T = TypeVar("T")


@dataclass(frozen=True)
class Cast:
    """Parts by name, such as ``nurse`` or ``registrar-county-1``, and organisations by key, such as ``county``."""

    people: Mapping[str, Hetu]
    organisations: Mapping[str, Oid]

    def person(self, part: str) -> Hetu:
        """The identity code of whoever plays a part.

        Raises:
            Misuse: there is no such part.
        """
        return _part(self.people, part, "person")

    def organisation(self, key: str) -> Oid:
        """The OID of an organisation.

        Raises:
            Misuse: there is no such organisation.
        """
        return _part(self.organisations, key, "organisation")


def _part(parts: Mapping[str, T], name: str, kind: str) -> T:
    if name not in parts:
        raise Misuse(f"The test world has no {kind} {name!r}.", advice=f"There are {', '.join(sorted(parts))}.")
    return parts[name]


def load_cast(world: Path | None = None) -> Cast:
    """The cast of the test world that comes with the package, or of another directory of the same form."""
    world = world or fixtures() / "world"
    people = {str(part): Hetu.parse(str(row["hetu"])) for part, row in load_yaml(world / "cast.yaml").items()}
    with open(world / "organisations.csv", encoding="utf-8", newline="") as stream:
        organisations = {row["key"]: Oid.parse(row["oid"]) for row in csv.DictReader(stream)}
    return Cast(people, organisations)
