"""Profile files that extend another: a variant states only the rows that differ.

A variant names its base with ``extends`` and may say

- ``rows``: rows of the base that differ, each named by ``row`` (the end of its id). What is not said again stays;
  source, grade and basis must be said again, since a changed row rests on evidence of its own.
- ``added``: whole new rows, each standing ``after`` one that is there.
- ``dropped``: rows of the base that the variant does not have.
- ``inherited_grade``: the best grade that rows taken over unchanged may have in the variant. What is confirmed of one
  certificate is as a rule only inferred of its twin. Rows that rest on a standard (source ``RFC``) keep theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Grade, load_yaml, refuse_unknown_keys

HEADER = ("id", "title", "kind", "environment", "family", "section", "issuers")
BASE_KEYS = (*HEADER, "rows")
VARIANT_KEYS = (*HEADER, "extends", "rows", "added", "dropped", "inherited_grade")
EVIDENCE = ("source", "grade", "basis")
CHANGEABLE = (
    *("rule", "value", "presence", "critical", "severity", "consistency", "section", "advice"),
    *EVIDENCE,
)
_ORDER = list(Grade)


@dataclass(frozen=True)
class ResolvedProfile:
    """A profile file with its bases worked in, still as plain data.

    Attributes:
        lineage: ids from the file's own to the base that extends nothing.
        origins: row id to the id of the profile whose file states the row, or states it last.
    """

    data: Mapping[str, Any]
    lineage: tuple[str, ...]
    origins: Mapping[str, str] = field(default_factory=dict)


def resolve(
    directory: Path, profile_id: str, known: dict[str, ResolvedProfile], seen: tuple[str, ...] = ()
) -> ResolvedProfile:
    """Read one profile file and, before it, those it extends.

    Args:
        known: what was resolved before, by id; what is resolved now is added.
        seen: the files that extend this one, for finding circles.

    Raises:
        Fault: a file is missing or malformed, has unknown keys, extends itself in a circle, or changes, drops or
            stands after a row that its base does not have.
    """
    if profile_id in seen:
        raise Fault(f"Profiles extend each other in a circle: {' -> '.join((*seen, profile_id))}.")
    if profile_id not in known:
        known[profile_id] = _read(directory, profile_id, known, seen)
    return known[profile_id]


def _read(
    directory: Path, profile_id: str, known: dict[str, ResolvedProfile], seen: tuple[str, ...]
) -> ResolvedProfile:
    path = directory / f"{profile_id}.yaml"
    raw = load_yaml(path)
    where = f"The profile {path.name}"
    if not isinstance(raw, dict):
        raise Fault(f"{where} must be a mapping.")
    variant = "extends" in raw
    refuse_unknown_keys(raw, VARIANT_KEYS if variant else BASE_KEYS, where)
    missing = {"id", "title"} - set(raw) if variant else set(BASE_KEYS) - set(raw)
    if missing:
        raise Fault(f"{where} lacks {', '.join(sorted(missing))}.")
    if raw["id"] != profile_id:
        raise Fault(f"{where} must bear its id as file name; it says {raw['id']!r}.")
    for key in ("rows", "added", "dropped", "issuers"):
        if not isinstance(raw.get(key, []), list):
            raise Fault(f"{where} must give {key} as a list.")
    if not variant:
        rows = [row for row in raw["rows"] if isinstance(row, dict)]
        return ResolvedProfile(raw, (profile_id,), {str(row.get("id")): profile_id for row in rows})
    base = resolve(directory, str(raw["extends"]), known, (*seen, profile_id))
    return _Variant(raw, base, where).resolved()


@dataclass(frozen=True)
class _Variant:
    raw: Mapping[str, Any]
    base: ResolvedProfile
    where: str

    @property
    def id(self) -> str:
        return str(self.raw["id"])

    def resolved(self) -> ResolvedProfile:
        rows, origins = self._inherited()
        for change in self.raw.get("rows", []):
            name = self._name(change, (*CHANGEABLE, "row"), "changes")
            if name not in rows:
                raise Fault(f"{self.where} changes the row {name!r}, which {self.raw['extends']} does not have.")
            self._must_rest_on_something(change, name)
            rows[name] = rows[name] | {key: value for key, value in change.items() if key != "row"}
            if change.get("presence") == "absent" and "value" not in change:
                rows[name].pop("value", None)
            origins[name] = self.id
        for name in self.raw.get("dropped", []):
            if rows.pop(str(name), None) is None:
                raise Fault(f"{self.where} drops the row {name!r}, which {self.raw['extends']} does not have.")
        ordered = self._with_added(rows, origins)
        header = {key: self.raw.get(key, self.base.data[key]) for key in HEADER}
        return ResolvedProfile(
            header | {"rows": ordered},
            (self.id, *self.base.lineage),
            {row["id"]: origins[row["id"].removeprefix(f"cert.{self.id}.")] for row in ordered},
        )

    def _inherited(self) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        """The rows of the base by the end of their ids, under this variant's ids and grade; and where each stands."""
        limit = self.raw.get("inherited_grade")
        if limit is not None and limit not in list(Grade):
            raise Fault(f"{self.where} has the unknown inherited_grade {limit!r}.")
        rows: dict[str, dict[str, Any]] = {}
        origins: dict[str, str] = {}
        prefix = f"cert.{self.base.data['id']}."
        for row in self.base.data["rows"]:
            if not isinstance(row, dict) or not str(row.get("id", "")).startswith(prefix):
                name = row.get("id", "(without id)") if isinstance(row, dict) else row
                raise Fault(
                    f"The row {name} of {self.base.data['id']}.yaml must have an id that begins with {prefix}"
                )
            name = str(row["id"]).removeprefix(prefix)
            rows[name] = dict(row) | {"id": f"cert.{self.id}.{name}"}
            if limit and not str(row.get("source", "")).startswith("RFC ") and row.get("grade") in _ORDER:
                rows[name]["grade"] = str(max(Grade(limit), Grade(row["grade"]), key=_ORDER.index))
            origins[name] = self.base.origins.get(row["id"], str(self.base.data["id"]))
        return rows, origins

    def _with_added(self, rows: dict[str, dict[str, Any]], origins: dict[str, str]) -> list[dict[str, Any]]:
        names = list(rows)
        for added in self.raw.get("added", []):
            name = self._name(added, (*CHANGEABLE, "row", "field", "after"), "adds")
            if name in rows:
                raise Fault(f"{self.where} adds the row {name!r}, which {self.raw['extends']} has already.")
            if added.get("after") not in names:
                raise Fault(f"{self.where} adds {name!r} after {added.get('after')!r}, which is not there.")
            rows[name] = {key: value for key, value in added.items() if key not in ("row", "after")}
            rows[name]["id"] = f"cert.{self.id}.{name}"
            names.insert(names.index(added["after"]) + 1, name)
            origins[name] = self.id
        return [rows[name] for name in names]

    def _name(self, row: Any, allowed: tuple[str, ...], verb: str) -> str:
        if not isinstance(row, dict) or "row" not in row:
            raise Fault(f"{self.where} {verb} a row without saying which: each needs the key 'row'.")
        refuse_unknown_keys(row, allowed, f"The row {row['row']} of {self.where[4:]}")
        return str(row["row"])

    def _must_rest_on_something(self, row: Mapping[str, Any], name: str) -> None:
        missing = [key for key in EVIDENCE if key not in row]
        if missing:
            raise Fault(f"{self.where} changes the row {name!r} without its own {', '.join(missing)}.")
