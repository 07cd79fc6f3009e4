"""An organisation written down: as a line of CSV, and as an object of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sotepki.identifiers import BusinessId, Oid
from sotepki.registers import Organisation

COLUMNS: Final = (
    "oid", "name", "long_name", "business_id", "kind", "municipality", "public", "parent", "domains",
    "kanta_intermediary",
)  # fmt: skip
"""Columns of a CSV file of organisations; ``domains`` are separated by blanks, yes-or-no is ``yes`` or ``no``."""

_TRUTH = {"yes": True, "no": False}


def organisation_of_row(row: Mapping[str, str]) -> Organisation:
    """The value of a line.

    Raises:
        Refused: an identifier in it is not well formed.
        ValueError: a yes-or-no field holds something else.
    """
    return Organisation(
        oid=Oid.parse(row["oid"]),
        name=row["name"],
        business_id=BusinessId.parse(row["business_id"]),
        kind=row["kind"],
        municipality=row["municipality"],
        public=_truth(row, "public"),
        long_name=row["long_name"],
        parent=Oid.parse(row["parent"]) if row["parent"] else None,
        domains=domain_names(row["domains"].split()),
        kanta_intermediary=_truth(row, "kanta_intermediary"),
    )


def domain_names(written: Iterable[str]) -> tuple[str, ...]:
    """Domain names as the register keeps them: in small letters (RFC 4343: case does not matter), each once."""
    return tuple(dict.fromkeys(name.lower() for name in written))


def row_of_organisation(organisation: Organisation) -> dict[str, str]:
    """The line of a value; ``organisation_of_row`` gives the value back."""
    found = organisation_dict(organisation)
    return {
        **{name: str(found[name] or "") for name in COLUMNS},
        "public": "yes" if organisation.public else "no",
        "domains": " ".join(organisation.domains),
        "kanta_intermediary": "yes" if organisation.kanta_intermediary else "no",
    }


def organisation_dict(organisation: Organisation) -> dict[str, Any]:
    """Plain values, ready for JSON."""
    return {
        "oid": organisation.oid.value,
        "name": organisation.name,
        "long_name": organisation.long_name,
        "business_id": organisation.business_id.value,
        "kind": organisation.kind,
        "municipality": organisation.municipality,
        "public": organisation.public,
        "parent": organisation.parent.value if organisation.parent else None,
        "domains": list(organisation.domains),
        "kanta_intermediary": organisation.kanta_intermediary,
    }


def organisation_json(organisation: Organisation) -> str:
    """The organisation as the register's history keeps it."""
    return json.dumps(organisation_dict(organisation), ensure_ascii=False)


def organisation_of_json(content: str) -> Organisation:
    """What ``organisation_json`` wrote."""
    row: dict[str, Any] = json.loads(content)
    return Organisation(
        **{
            **row,
            "oid": Oid(row["oid"]),
            "business_id": BusinessId(row["business_id"]),
            "parent": Oid(row["parent"]) if row["parent"] else None,
            "domains": domain_names(row["domains"]),
        }
    )


def _truth(row: Mapping[str, str], name: str) -> bool:
    if row[name] not in _TRUTH:
        raise ValueError(f"{name} is {row[name][:20]!r} instead of yes or no")
    return _TRUTH[row[name]]
