"""The JSON Schema of a profile file and the profile pages, made from the loader's own types.

``python -m sotepki.x509.profile_schema DIRECTORY`` writes both below ``DIRECTORY`` (``docs``); a test compares them
with what stands there.
"""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sotepki.evidence import Basis, Grade, Severity
from sotepki.records import write_atomically
from sotepki.x509.names import ATTRIBUTES
from sotepki.x509.profile_inheritance import CHANGEABLE, EVIDENCE, HEADER
from sotepki.x509.profile_values import (
    EXTENDED_KEY_USAGES,
    EXTENSIONS,
    FIELDS,
    KEY_KINDS,
    KEY_USAGES,
    QC_STATEMENTS,
    QC_TYPES,
    AccessValue,
    AttributeValue,
    BasicConstraintsValue,
    ExtendedKeyUsageValue,
    KeyUsageValue,
    KeyValue,
    ListValue,
    NamesValue,
    NoValue,
    PoliciesValue,
    Presence,
    QcValue,
    SerialValue,
    SignatureValue,
    UrlValue,
    ValidityValue,
)
from sotepki.x509.profiles import Environment, Family, Profile, ProfileKind, load_profiles

_VALUE_TYPES: Mapping[str, type] = {
    "serial": SerialValue,
    "signature": SignatureValue,
    "validity": ValidityValue,
    "subject.others": ListValue,
    "key": KeyValue,
    "extension.order": ListValue,
    "extension.key-usage": KeyUsageValue,
    "extension.certificate-policies": PoliciesValue,
    "extension.subject-alternative-name": NamesValue,
    "extension.basic-constraints": BasicConstraintsValue,
    "extension.crl-distribution-points": UrlValue,
    "extension.extended-key-usage": ExtendedKeyUsageValue,
    "extension.authority-information-access": AccessValue,
    "extension.qc-statements": QcValue,
}

_SUBJECT = {f"subject.{name}" for name in ATTRIBUTES}

#: The type of the value of every field a row may speak of.
FIELD_VALUES: Mapping[str, type] = {
    field: _VALUE_TYPES.get(field, AttributeValue if field in _SUBJECT else NoValue) for field in FIELDS
}

_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("SignatureValue", "hash"): ("sha256", "sha384", "sha512"),
    ("KeyValue", "allowed"): KEY_KINDS,
    ("KeyUsageValue", "rsa"): KEY_USAGES,
    ("KeyUsageValue", "ec"): KEY_USAGES,
    ("ExtendedKeyUsageValue", "allowed"): tuple(EXTENDED_KEY_USAGES),
    ("ExtendedKeyUsageValue", "default"): tuple(EXTENDED_KEY_USAGES),
    ("AccessValue", "order"): ("caIssuers", "ocsp"),
    ("QcValue", "statements"): tuple(QC_STATEMENTS),
    ("QcValue", "types"): tuple(QC_TYPES),
}
_LISTS = {"subject.others": tuple(ATTRIBUTES), "extension.order": tuple(EXTENSIONS)}


def profile_schema() -> dict[str, Any]:
    """The schema of a profile file (JSON Schema 2020-12): either whole, or extending another."""
    row = {"rule": {"type": "string", "minLength": 9}, "source": {"type": "string", "minLength": 4}}
    row |= {"grade": _enum(Grade), "basis": _enum(Basis), "severity": _enum(Severity), "presence": _enum(Presence)}
    row |= {key: {"type": "boolean"} for key in ("critical", "consistency", "section")}
    row |= {"advice": {"type": "string"}, "value": {}}
    field = {"enum": sorted(FIELD_VALUES)}
    name = {"type": "string", "pattern": "^[a-z0-9.-]+$"}
    header: dict[str, Any] = {
        "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "title": {"type": "string", "minLength": 3},
        "kind": _enum(ProfileKind),
        "environment": _enum(Environment),
        "family": _enum(Family),
        "section": {"type": "string", "pattern": "^docs/field/"},
        "issuers": {"type": "array", "minItems": 1, "items": name},
    }
    assert set(header) == set(HEADER) and set(row) == set(CHANGEABLE)
    values = [
        {"if": {"properties": {"field": {"const": one}}}, "then": {"properties": {"value": _value(one)}}}
        for one in sorted(FIELD_VALUES)
    ]
    whole_row = _object(row | {"id": name, "field": field}, ("id", "field", "rule", *EVIDENCE)) | {"allOf": values}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sotepki:schema:certificate-profile:1",
        "title": "A certificate profile: one YAML file under sotepki/x509/profiles",
        "description": "Made from the loader by 'python -m sotepki.x509.profile_schema docs'; do not edit.",
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/variant"},
        "else": {"$ref": "#/$defs/whole"},
        "$defs": {
            "whole": _object(header | {"rows": {"type": "array", "items": whole_row}}, (*HEADER, "rows")),
            "variant": _object(
                header
                | {
                    "extends": name,
                    "inherited_grade": _enum(Grade),
                    "rows": {"type": "array", "items": _object(row | {"row": name}, ("row", *EVIDENCE))},
                    "added": {
                        "type": "array",
                        "items": _object(
                            row | {"row": name, "after": name, "field": field},
                            ("row", "after", "field", "rule", *EVIDENCE),
                        )
                        | {"allOf": values},
                    },
                    "dropped": {"type": "array", "items": name},
                },
                ("id", "title", "extends"),
            ),
        },
    }


def profile_page(profile: Profile) -> str:
    """A profile as a Markdown page for readers: every row with its rule, value, evidence."""
    lines = [f"# {profile.title}", "", "Made from the profile file; do not edit.", ""]
    facts = {
        "id": f"`{profile.id}`",
        "kind": profile.kind,
        "environment": profile.environment,
        "tree": profile.family.upper(),
        "issued by": ", ".join(f"[{one}]({one}.md)" for one in profile.issuers),
        "extends": ", ".join(f"[{one}]({one}.md)" for one in profile.lineage) or "nothing",
        "facts": profile.section,
    }
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    lines += ["", "| Field | Rule | Value | Grade, basis | Source | Stated in |", "|---|---|---|---|---|---|"]
    for row in profile.rows:
        critical = {True: ", critical", False: ", not critical", None: ""}[row.critical]
        value = "" if row.raw is None else f"`{json.dumps(row.raw, ensure_ascii=False)}`".replace("|", "\\|")
        cells = (
            f"`{row.field}` ({row.presence}{critical})",
            row.rule.replace("<", "&lt;"),
            value,
            f"{row.grade}, {row.basis}",
            row.source,
        )
        lines.append(f"| {' | '.join(cells)} | {row.stated_in} |")
    return "\n".join(lines) + "\n"


def profile_index(profiles: Mapping[str, Profile]) -> str:
    """The list of all profile pages."""
    lines = ["# Certificate profiles", "", "Made from the profile files; do not edit.", ""]
    lines += ["| Profile | Title | Rows confirmed |", "|---|---|---|"]
    for profile in profiles.values():
        sure = sum(row.grade is Grade.CONFIRMED for row in profile.rows)
        lines.append(f"| [{profile.id}]({profile.id}.md) | {profile.title} | {sure} of {len(profile.rows)} |")
    return "\n".join(lines) + "\n"


def documents() -> dict[str, str]:
    """All generated files: path below ``docs/`` and content."""
    profiles = load_profiles()
    made = {"schemas/profile.schema.json": json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n"}
    made["profiles/README.md"] = profile_index(profiles)
    return made | {f"profiles/{profile.id}.md": profile_page(profile) for profile in profiles.values()}


def _enum(kind: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [str(member) for member in kind]}


def _object(properties: Mapping[str, Any], required: typing.Iterable[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": dict(properties),
    }


def _value(field: str) -> dict[str, Any]:
    kind = FIELD_VALUES[field]
    if kind is ListValue:
        return {"type": "array", "items": {"enum": list(_LISTS[field])}}
    return {"type": "null"} if kind is NoValue else _dataclass(kind)


def _dataclass(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties = {one.name: _type(kind, one.name, hints[one.name]) for one in fields(kind)}
    required = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    return _object(properties, required)


def _type(owner: type[Any], name: str, hint: Any) -> dict[str, Any]:
    words = _WORDS.get((owner.__name__, name))
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return {"type": "array", "items": {"enum": list(words)} if words else _type(owner, name, item)}
    if isinstance(hint, types.UnionType):
        return {"anyOf": [_type(owner, name, one) for one in typing.get_args(hint)]}
    if words:
        return {"enum": list(words)}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum(hint)
    if is_dataclass(hint):
        return _dataclass(typing.cast("type[Any]", hint))
    plain = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
    return {"type": plain[hint]}


def main(arguments: list[str]) -> int:
    """Write the generated files below the directory that is named, and remove pages of profiles that are gone."""
    (directory,) = map(Path, arguments)
    made = documents()
    for page in (directory / "profiles").glob("*.md"):
        if f"profiles/{page.name}" not in made:
            page.unlink()
    for name, content in made.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / name, content.encode("utf-8"))
    print(f"{len(made)} files written below {directory}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
