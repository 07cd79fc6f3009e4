"""The name of the authority, as data: it changed in 2026 and may change again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache

from sotepki.clock import finnish_day
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml
from sotepki.resources import package_file


@dataclass(frozen=True)
class AuthorityName:
    """A name that the authority bears from ``since`` on, with the source of both."""

    short: str
    fi: str
    sv: str
    en: str
    since: date
    source: str
    grade: Grade


def authority_name(at: datetime) -> AuthorityName:
    """The name of the authority at a moment; before the first one that is known, the first."""
    names = _names()
    in_use = [name for name in names if name.since <= finnish_day(at)]
    return in_use[-1] if in_use else names[0]


@cache
def _names() -> tuple[AuthorityName, ...]:
    path = package_file("valvira", "authority.yaml")
    known = {field.name for field in fields(AuthorityName)}
    names = []
    raw = load_yaml(path)
    expect_keys(raw, {"names"}, path.name)
    for row in raw["names"]:
        expect_keys(row, known, path.name)
        names.append(AuthorityName(**{**row, "grade": grade_of(row, path.name)}))
    return tuple(sorted(names, key=lambda name: name.since))
