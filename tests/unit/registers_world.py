"""Registers with the test world in them, for the tests of the offices that keep them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sotepki.clock import SetClock
from sotepki.dvv.population import Population
from sotepki.evidence import load_yaml
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import Database, Records
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
    clock = SetClock(NOON)
    database = Database(url)
    database.create_tables()
    records = Records(database, clock, outbox)
    population = Population(records)
    registers = Registers(clock, records, population, Valvira(records, population), Thl(records))
    if world:
        registers.population.load_world(WORLD)
        registers.valvira.load_world(WORLD)
        registers.thl.load_world(WORLD)
    try:
        yield registers
    finally:
        database.close()
