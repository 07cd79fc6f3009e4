"""The registers: lookups by number through the Python API against bare SQLAlchemy, and a sweep of 5,000 staff rights.

A database of its own holds 5,000 professionals with two rights each; numbers are asked in a mixed order, so that no
row is asked twice running.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from sotepki.clock import SetClock
from sotepki.evidence import Grade
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.records import Database, Records
from sotepki.registers import Register, RightKind
from sotepki.resources import fixtures
from sotepki.thl import Thl
from sotepki.valvira import Valvira
from sotepki.valvira.periods import start_of_finnish_day
from sotepki.valvira.tables import ProfessionalRow, RightCodeRow, RightRow

PEOPLE = 5_000
CODES = ("001", "034")
SINCE = date(2020, 1, 1)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
TURNS = 5
COUNTY = Oid("1.2.246.10.99000018.10.0")


def measure(seconds: float = 4.0) -> dict[str, Any]:
    """Rates on one core; the ways take turns, each for ``seconds`` in all."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{directory}/registers.db")
        database.create_tables()
        records = Records(database, SetClock(NOW), Path(directory) / "outbox")
        try:
            thl, valvira = Thl(records), Valvira(records)
            thl.load_world(fixtures() / "world")
            numbers = _fill(records)
            return _measured(records, valvira, thl, numbers, seconds)
        finally:
            database.close()


def _measured(
    records: Records, valvira: Valvira, thl: Thl, numbers: Sequence[RegistrationNumber], seconds: float
) -> dict[str, Any]:
    def bare(number: RegistrationNumber) -> object:
        with Session(records.database.engine) as session:
            return session.execute(
                select(RightRow.code, RightRow.valid_to).where(RightRow.registration_number == number.value)
            ).all()

    ways: dict[str, Callable[[RegistrationNumber], object]] = {
        "bare_sqlalchemy": bare,
        "rights_in_force": lambda number: valvira.rights_in_force(number, NOW),
        "professional": valvira.professional,
        "organisation": lambda _number: thl.organisation(COUNTY),
    }
    spent, done = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    asked = iter(range(10**12))
    for turn in range(TURNS + 1):
        for name, work in ways.items():
            started = time.perf_counter()
            while (passed := time.perf_counter() - started) < seconds / TURNS:
                for _ in range(20):
                    work(numbers[next(asked) % len(numbers)])
                done[name] += 20 if turn else 0
            spent[name] += passed if turn else 0.0  # the first turn only warms up
    rates = {name: done[name] / spent[name] for name in ways}
    started = time.perf_counter()
    held = [valvira.rights_in_force(number, NOW) for number in numbers]  # one at a time, as the service is asked
    sweep = time.perf_counter() - started
    assert len(held) == PEOPLE and all(len(rights) == len(CODES) for rights in held)
    return {
        "name": "registers",
        "ratios": {
            "registers.rights_in_force_vs_bare_sqlalchemy": round(
                rates["rights_in_force"] / rates["bare_sqlalchemy"], 2
            ),
            "registers.rights_in_force_vs_target_of_2000": round(rates["rights_in_force"] / 2000, 2),
            "registers.professional_vs_target_of_2000": round(rates["professional"] / 2000, 2),
            "registers.organisation_vs_target_of_2000": round(rates["organisation"] / 2000, 2),
            "registers.sweep_of_5000_vs_target_of_5_seconds": round(5.0 / sweep, 1),
        },
        "rates": {
            **{f"registers.{name}_per_second": round(rate) for name, rate in rates.items()},
            "registers.sweep_of_5000_rights_seconds": round(sweep, 3),
        },
    }


def _fill(records: Records) -> Sequence[RegistrationNumber]:
    numbers = [RegistrationNumber(f"{900_000_000 + place:011d}") for place in range(PEOPLE)]
    began_at = start_of_finnish_day(SINCE)
    with records.change("valvira", "benchmark") as tx:
        tx.session.execute(
            insert(RightCodeRow),
            [
                {
                    "code": code, "register": Register.TERHIKKI.value, "kind": RightKind.LICENSED.value,
                    "title_fi": code, "title_sv": code, "title_en": code, "prescriber": True,
                    "grade": Grade.INFERRED.value,
                }
                for code in CODES
            ],
        )  # fmt: skip
        tx.session.execute(
            insert(ProfessionalRow),
            [
                {
                    "registration_number": number.value, "hetu": _identity_code(place), "surname": "A",
                    "given_names": "B", "language": "fi", "surname_folded": "a", "prescriber_id": None,
                }
                for place, number in enumerate(numbers)
            ],
        )  # fmt: skip
        tx.session.execute(
            insert(RightRow),
            [
                {
                    "registration_number": number.value, "code": code, "valid_from": SINCE, "valid_to": None,
                    "began_at": began_at, "ended_at": None, "over_at": None, "recorded_at": began_at,
                    "end_reason": "",
                }
                for number in numbers
                for code in CODES
            ],
        )  # fmt: skip
        tx.journal("benchmark", "registers")
    random.Random(1).shuffle(numbers)
    return numbers


def _identity_code(place: int) -> str:
    """The ``place``-th code of the 900-series, from the first days of 1970 on."""
    return Hetu.of(date(1970, 1, 1) + timedelta(days=place // 100), "-", 900 + place % 100).value
