"""Registers with the test world in them, for the tests of the offices that keep them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from databases import database_url, on_postgresql

from sotepki.clock import SetClock
from sotepki.dvv.population import Population
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import Database, Records
from sotepki.records.addresses import parsed
from sotepki.registers import Person
from sotepki.resources import fixtures
from sotepki.thl import Thl
from sotepki.valvira import Valvira

NOON = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
WORLD = fixtures() / "world"


@dataclass(frozen=True)
class Registers:
    """The three registers over one database, with a clock that stands still until it is moved."""

    clock: SetClock
    records: Records
    population: Population
    valvira: Valvira
    thl: Thl

    def hetu(self, role: str) -> Hetu:
        return Hetu(load_yaml(WORLD / "cast.yaml")[role]["hetu"])

    def number(self, role: str) -> RegistrationNumber:
        return RegistrationNumber(load_yaml(WORLD / "cast.yaml")[role]["registration_number"])

    def person(self, role: str) -> Person:
        person = self.population.person(self.hetu(role))
        assert person is not None
        return person

    def codes_in_force(self, number: RegistrationNumber, at: datetime | None = None) -> list[str]:
        return [right.code for right in self.valvira.rights_in_force(number, at or self.clock.now())]

    def advance(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))


@contextmanager
def open_registers(url: str, outbox: Path, *, world: bool = True) -> Iterator[Registers]:
    """Registers over a database, with the test world loaded if asked."""
    copied = world and not on_postgresql()
    if copied:
        shutil.copy(Path(_founded().name) / "registers.db", parsed(url).database or "")
    registers = _over(url, outbox)
    try:
        if not copied:
            _found(registers, world=world)
        yield registers
    finally:
        registers.records.database.close()


def _over(url: str, outbox: Path) -> Registers:
    clock = SetClock(NOON)
    records = Records(Database(url), clock, outbox)
    population = Population(records)
    return Registers(clock, records, population, Valvira(records, population), Thl(records))


def _found(registers: Registers, *, world: bool) -> None:
    registers.records.database.create_tables()
    if world:
        registers.population.load_world(WORLD)
        registers.valvira.load_world(WORLD)
        registers.thl.load_world(WORLD)


@cache
def _founded() -> TemporaryDirectory[str]:
    """Closed registers with the test world; loading it anew for every test would take most of the tests' time."""
    directory = TemporaryDirectory()
    place = Path(directory.name)
    registers = _over(database_url(place / "registers.db"), place / "outbox")
    _found(registers, world=True)
    registers.records.database.close()
    return directory
