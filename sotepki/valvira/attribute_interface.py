"""The outer form of the role and attribute service, as data: ``attribute_service.yaml`` or a vendor's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Grade, grade_of, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file

_FORMS = ("xml", "json")


@dataclass(frozen=True)
class AttributeInterface:
    """Path, names and codes of the service; ``grades`` says for each how well it is known.

    ``names`` maps our words to element names and JSON keys; the words are those of ``attribute_service.yaml``.
    """

    path: str
    namespace: str
    unknown_number_status: int
    default_form: str
    right_code_system: str
    restriction_code_system: str
    status_code_system: str
    status_independent: str
    status_supervised: str
    names: Mapping[str, str]
    grades: Mapping[str, Grade]

    @classmethod
    def load(cls, path: Path | None = None) -> AttributeInterface:
        """Read a form; without ``path`` the one that comes with the package.

        Raises:
            Fault: a row or a name is unknown or missing, or a value is of the wrong kind.
        """
        file = path or package_file("valvira", "attribute_service.yaml")
        rows = _rows(load_yaml(file), file.name)
        values = {name: row["value"] for name, row in rows.items()}
        names = values["names"]
        if not isinstance(names, dict) or not all(isinstance(name, str) and name for name in names.values()):
            raise Fault(f"{file.name}: the names are not a mapping of texts.")
        if path is not None:
            own = cls.load().names
            refuse_unknown_keys(names, own, f"{file.name}, names")
            if set(own) - set(names):
                raise Fault(f"{file.name} lacks the name {sorted(set(own) - set(names))[0]!r}.")
        if values["default_form"] not in _FORMS or not isinstance(values["unknown_number_status"], int):
            raise Fault(f"{file.name}: default_form is xml or json, unknown_number_status an HTTP status.")
        return cls(**values, grades={name: grade_of(row, f"{file.name}, {name},") for name, row in rows.items()})


def _rows(raw: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    known = {field.name for field in fields(AttributeInterface)} - {"grades"}
    if not isinstance(raw, dict):
        raise Fault(f"{where} must be a mapping.")
    refuse_unknown_keys(raw, known, where)
    if known - set(raw):
        raise Fault(f"{where} lacks {sorted(known - set(raw))[0]!r}.")
    for name, row in raw.items():
        if not isinstance(row, dict) or set(row) != {"value", "grade", "source"}:
            raise Fault(f"{where}: {name} must have value, grade and source.")
    return raw
