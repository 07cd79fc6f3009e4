"""Loading Valvira's part of a test world (fixtures/world/README.md tells the files)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from sotepki.clock import finnish_day
from sotepki.errors import Fault, SotepkiError
from sotepki.evidence import Grade, load_csv
from sotepki.identifiers import Hetu, PrescriberId, RegistrationNumber
from sotepki.records import Base, Transaction
from sotepki.registers import Register, RightKind
from sotepki.valvira import periods
from sotepki.valvira.tables import ProfessionalRow, RestrictionRow, RestrictionTargetRow, RightCodeRow, RightRow

_CODE = ("code", "name_fi", "name_sv", "name_en", "source", "grade", "basis")
_PROPERTIES = ("code", "register", "kind", "prescriber")
_PEOPLE = ("hetu", "surname", "given_names", "language", "home_address")
_PROFESSIONALS = ("registration_number", "hetu", "prescriber_id")
_RIGHTS = ("registration_number", "code", "valid_from", "valid_to", "ended_at")
_RESTRICTIONS = ("registration_number", "right_code", "target", "began_on")
_RELATIVE = re.compile(r"today([+-][0-9]{1,5})")


def load(tx: Transaction, directory: Path) -> int:
    """Load code lists, professionals, rights and restrictions; the number of professionals.

    Raises:
        Fault: a file is missing or not well formed, or the register is not empty.
    """
    if tx.session.scalars(select(RightCodeRow.code).limit(1)).first() is not None:
        raise Fault("Valvira's register is not empty, a test world can only be loaded once.")
    today = finnish_day(tx.now)
    try:
        professionals = _professionals(directory)
        _store(tx, RightCodeRow, _right_codes(directory))
        _store(tx, RestrictionTargetRow, _targets(directory))
        _store(tx, ProfessionalRow, professionals)
        _store(tx, RightRow, [_right(row, today) for row in load_csv(directory / "rights.csv", _RIGHTS)])
        _store(
            tx, RestrictionRow, [_restriction(row) for row in load_csv(directory / "restrictions.csv", _RESTRICTIONS)]
        )
    except (SotepkiError, ValueError, KeyError) as error:
        raise Fault(f"The test world in {directory} is not well formed: {error}") from error
    tx.journal("load-world", "professionals", count=str(len(professionals)))
    return len(professionals)


def _store(tx: Transaction, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        tx.session.execute(insert(table), list(rows))


def _right_codes(directory: Path) -> list[dict[str, Any]]:
    properties = {row["code"]: row for row in load_csv(directory / "right_properties.csv", _PROPERTIES)}
    return [
        {
            "code": row["code"],
            "register": Register(properties[row["code"]]["register"]).value,
            "kind": RightKind(properties[row["code"]]["kind"]).value,
            "title_fi": row["name_fi"],
            "title_sv": row["name_sv"],
            "title_en": row["name_en"],
            "prescriber": properties[row["code"]]["prescriber"] == "yes",
            "grade": Grade(row["grade"]).value,
        }
        for row in load_csv(directory / "codes" / "professional-rights.csv", _CODE)
    ]


def _targets(directory: Path) -> list[dict[str, Any]]:
    rows = load_csv(directory / "codes" / "restriction-targets.csv", _CODE)
    return [{key: row[key] for key in ("code", "name_fi", "name_sv", "name_en")} for row in rows]


def _professionals(directory: Path) -> list[dict[str, Any]]:
    people = {row["hetu"]: row for row in load_csv(directory / "people.csv", _PEOPLE)}
    rows = []
    for row in load_csv(directory / "professionals.csv", _PROFESSIONALS):
        person = people[row["hetu"]]
        rows.append(
            {
                "registration_number": RegistrationNumber.parse(row["registration_number"]).value,
                "hetu": Hetu.parse(row["hetu"]).value,
                "surname": person["surname"],
                "given_names": person["given_names"],
                "language": person["language"],
                "surname_folded": person["surname"].casefold(),
                "prescriber_id": PrescriberId.parse(row["prescriber_id"]).value if row["prescriber_id"] else None,
            }
        )
    return rows


def _right(row: Mapping[str, str], today: date) -> dict[str, Any]:
    valid_to = _day(row["valid_to"], today) if row["valid_to"] else None
    ended_at = periods.aware(datetime.fromisoformat(row["ended_at"])) if row["ended_at"] else None
    valid_from = _day(row["valid_from"], today)
    began_at = periods.start_of_finnish_day(valid_from)
    return {
        "registration_number": row["registration_number"],
        "code": row["code"],
        "valid_from": valid_from,
        "valid_to": valid_to,
        "began_at": began_at,
        "ended_at": ended_at,
        "over_at": periods.over_at(valid_to, ended_at),
        "recorded_at": began_at,
        "end_reason": "",
    }


def _restriction(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "registration_number": row["registration_number"],
        "right_code": row["right_code"],
        "target": row["target"],
        "began_at": periods.start_of_finnish_day(date.fromisoformat(row["began_on"])),
        "lifted_at": None,
        "reason": "",
    }


def _day(text: str, today: date) -> date:
    """A day as ``2024-06-01``, or ``today+400``, counted from the day on which the world is loaded."""
    relative = _RELATIVE.fullmatch(text)
    return today + timedelta(days=int(relative[1])) if relative else date.fromisoformat(text)
