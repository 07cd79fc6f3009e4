"""Loading THL's part of a test world (fixtures/world/README.md tells the files)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from sotepki.errors import Fault, SotepkiError
from sotepki.evidence import Basis, Grade, load_csv
from sotepki.identifiers import BusinessId, Oid
from sotepki.records import Transaction
from sotepki.registers import Organisation
from sotepki.thl.tables import CodeRow, CodeSystemRow, OrganisationRow

ORGANISATION_COLUMNS = (
    "key", "oid", "name", "long_name", "business_id", "kind", "municipality", "public", "parent", "domains",
    "kanta_intermediary",
)  # fmt: skip
_SYSTEM_COLUMNS = (
    "oid", "version", "file", "name_fi", "name_sv", "name_en", "owner", "source", "grade", "basis",
)  # fmt: skip
_CODE_COLUMNS = ("code", "name_fi", "name_sv", "name_en", "source", "grade", "basis")
_TRUTH = {"yes": True, "no": False}


def load(tx: Transaction, directory: Path, enter: Callable[[Transaction, Organisation], None]) -> int:
    """Load organisations (each checked by ``enter``) and code lists; the number of organisations.

    Raises:
        Fault: a file is missing or not well formed, or the register is not empty.
    """
    if tx.session.scalars(select(OrganisationRow.oid).limit(1)).first() is not None:
        raise Fault("THL's register is not empty, a test world can only be loaded once.")
    try:
        organisations = [organisation(row) for row in load_csv(directory / "organisations.csv", ORGANISATION_COLUMNS)]
        for one in organisations:
            enter(tx, one)
        systems = load_csv(directory / "code_systems.csv", _SYSTEM_COLUMNS)
        for position, system in enumerate(systems):
            _load_codes(tx, system, position, directory / "codes" / Path(system["file"]).name)
    except (SotepkiError, ValueError, KeyError) as error:
        raise Fault(f"The test world in {directory} is not well formed: {error}") from error
    tx.journal("load-world", "organisations", count=str(len(organisations)), code_systems=str(len(systems)))
    return len(organisations)


def organisation(row: Mapping[str, str]) -> Organisation:
    """The value of a line of organisations.csv.

    Raises:
        Refused: an identifier in it is not well formed.
        KeyError: a yes-or-no field holds something else.
    """
    return Organisation(
        oid=Oid.parse(row["oid"]),
        name=row["name"],
        business_id=BusinessId.parse(row["business_id"]),
        kind=row["kind"],
        municipality=row["municipality"],
        public=_TRUTH[row["public"]],
        long_name=row["long_name"],
        parent=Oid.parse(row["parent"]) if row["parent"] else None,
        domains=tuple(row["domains"].split()),
        kanta_intermediary=_TRUTH[row["kanta_intermediary"]],
    )


def _load_codes(tx: Transaction, system: Mapping[str, str], position: int, path: Path) -> None:
    _check_evidence(system)
    key = {"oid": Oid.parse(system["oid"]).value, "version": system["version"]}
    described = {name: value for name, value in system.items() if name != "file"}
    tx.session.execute(insert(CodeSystemRow), [{**described, **key, "position": position}])
    codes: list[dict[str, Any]] = []
    for place, row in enumerate(load_csv(path, _CODE_COLUMNS)):
        _check_evidence(row)
        codes.append({**row, **key, "position": place})
    if codes:
        tx.session.execute(insert(CodeRow), codes)


def _check_evidence(row: Mapping[str, str]) -> None:
    """Raise ``ValueError`` if the grade or the basis of a line does not exist."""
    Grade(row["grade"])
    Basis(row["basis"])
