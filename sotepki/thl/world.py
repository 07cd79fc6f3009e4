"""Loading THL's part of a test world (fixtures/world/README.md tells the files)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from sotepki.errors import Fault, SotepkiError
from sotepki.evidence import Basis, Grade, load_csv
from sotepki.identifiers import Oid
from sotepki.records import Transaction
from sotepki.thl.entering import ALWAYS, enter
from sotepki.thl.organisation_form import COLUMNS, organisation_of_row
from sotepki.thl.tables import CodeRow, CodeSystemRow, OrganisationRow

_WORLD_COLUMNS = ("key", *COLUMNS)
_SYSTEM_COLUMNS = (
    "oid", "version", "file", "name_fi", "name_sv", "name_en", "owner", "source", "grade", "basis",
)  # fmt: skip
_CODE_COLUMNS = ("code", "name_fi", "name_sv", "name_en", "source", "grade", "basis")


def load(tx: Transaction, directory: Path) -> int:
    """Load organisations, each checked by its rules, and code lists; the number of organisations.

    Raises:
        Fault: a file is missing or not well formed, or the register is not empty.
    """
    if tx.session.scalars(select(OrganisationRow.oid).limit(1)).first() is not None:
        raise Fault("THL's register is not empty, a test world can only be loaded once.")
    try:
        rows = load_csv(directory / "organisations.csv", _WORLD_COLUMNS)
        organisations = [organisation_of_row(row) for row in rows]
        for one in organisations:
            enter(tx, one, since=ALWAYS)
        systems = load_csv(directory / "code_systems.csv", _SYSTEM_COLUMNS)
        for position, system in enumerate(systems):
            _load_codes(tx, system, position, directory / "codes" / Path(system["file"]).name)
    except (SotepkiError, ValueError, KeyError) as error:
        raise Fault(f"The test world in {directory} is not well formed: {error}") from error
    tx.journal("load-world", "organisations", count=str(len(organisations)), code_systems=str(len(systems)))
    return len(organisations)


def _load_codes(tx: Transaction, system: Mapping[str, str], position: int, path: Path) -> None:
    _check_evidence(system)
    key = {"oid": Oid.parse(system["oid"]).value, "version": system["version"]}
    described = {name: value for name, value in system.items() if name != "file"}
    tx.session.execute(insert(CodeSystemRow), [{**described, **key, "position": position, "loaded_at": ALWAYS}])
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
