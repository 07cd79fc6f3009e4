"""The Population Information System: who exists, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import database_url
from registers_world import WORLD, Registers, open_registers
from sqlalchemy import select
from statements import read_from_end_to_end, traffic

from sotepki.dvv.population import population_rules
from sotepki.errors import Fault, Refused
from sotepki.identifiers import Hetu
from sotepki.records import JournalEntry
from sotepki.registers import Person, PopulationRegister

NEWBORN = Person(Hetu("010181-900C"), "Testi Uusi", "Tulokas", "sv", "Testgränden 1, 00000 Testby")


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def test_a_person_comes_back_as_registered_and_changed(registers: Registers) -> None:
    register: PopulationRegister = registers.population
    assert register.person(NEWBORN.hetu) is None
    registers.population.register_person(NEWBORN, actor="clerk")
    assert register.person(NEWBORN.hetu) == NEWBORN
    renamed = replace(NEWBORN, surname="Naimisissa-Testi", language="fi")
    registers.population.change_person(renamed, actor="clerk")
    assert register.person(NEWBORN.hetu) == renamed
    assert renamed.first_name == "Testi"


def test_two_people_who_differ_only_in_the_century_sign_are_two_people(registers: Registers) -> None:
    """A child born in 2005 would be shown as somebody born in 1905 with the same digits."""
    older, newer = Hetu("010594Y9032"), Hetu("010594-9032")
    registers.population.register_person(replace(NEWBORN, hetu=older, surname="Vanha-Testi"), actor="clerk")
    registers.population.register_person(replace(NEWBORN, hetu=newer, surname="Uusi-Testi"), actor="clerk")
    first, second = registers.population.person(older), registers.population.person(newer)
    assert first is not None and second is not None
    assert (first.surname, second.surname) == ("Vanha-Testi", "Uusi-Testi")


REFUSALS: list[tuple[str, Callable[[Registers], object]]] = [
    ("population.person.once", lambda r: r.population.register_person(r.person("nurse"), actor="x")),
    ("population.person.known", lambda r: r.population.change_person(NEWBORN, actor="x")),
    ("population.person.name", lambda r: r.population.register_person(replace(NEWBORN, surname=" "), actor="x")),
    ("population.person.name", lambda r: r.population.register_person(replace(NEWBORN, surname="Testi "), actor="x")),
    (
        "population.person.name",
        lambda r: r.population.register_person(replace(NEWBORN, given_names="A\x1b[2J"), actor="x"),
    ),
    (
        "population.person.language",
        lambda r: r.population.register_person(replace(NEWBORN, language="en"), actor="x"),
    ),
    (
        "population.person.born",
        lambda r: r.population.register_person(replace(NEWBORN, hetu=Hetu("010181A900C")), actor="x"),
    ),
    (
        "identifier.hetu.test-only",
        lambda r: r.population.register_person(replace(NEWBORN, hetu=Hetu("131052-308T")), actor="x"),
    ),
]


@pytest.mark.parametrize(("rule", "action"), REFUSALS)
def test_a_refusal_names_its_rule_without_the_identity_code_and_changes_nothing(
    registers: Registers, rule: str, action: Callable[[Registers], object]
) -> None:
    before = registers.population.people()
    with pytest.raises(Refused) as caught:
        action(registers)
    assert caught.value.rule == rule
    assert caught.value.advice
    assert "900C" not in str(caught.value)
    assert registers.population.people() == before


def test_every_rule_of_the_register_has_a_refusal_here() -> None:
    assert {rule for rule, _ in REFUSALS if rule.startswith("population.")} == set(population_rules().rules)


def test_the_journal_holds_no_identity_code_and_no_name(registers: Registers) -> None:
    registers.population.register_person(NEWBORN, actor="clerk")
    registers.population.change_person(replace(NEWBORN, surname="Naimisissa-Testi"), actor="clerk")
    with registers.records.look() as session:
        written = "".join(e.subject + e.details + e.actor for e in session.scalars(select(JournalEntry)))
    assert NEWBORN.hetu.value not in written
    assert "Tulokas" not in written


def test_a_world_is_loaded_once_and_a_broken_one_not_at_all(registers: Registers, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="not empty"):
        registers.population.load_world(WORLD)
    head = "hetu,surname,given_names,language,home_address\n"
    cases = {
        "131052-308T,A,B,fi,C\n": "identifier.hetu.test-only",
        "010181-900C,A,B,fi,C\n010181-900C,A,B,fi,C\n": "twice",
        "010181-900C,A,B,fi\n": "4 fields",
        "010181-900C,A,B,xx,C\n": "population.person.language",
        '"010181-900C,A,B,fi,C\n': "cannot be read",
    }
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        for lines, message in cases.items():
            (tmp_path / "people.csv").write_text(head + lines, encoding="utf-8")
            with pytest.raises(Fault, match=message):
                empty.population.load_world(tmp_path)
            assert empty.population.count() == 0
        (tmp_path / "people.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(Fault, match="cannot be read"):
            empty.population.load_world(tmp_path)


def test_a_lookup_asks_the_database_little(registers: Registers) -> None:
    """A sweep over thousands of staff would take minutes if each question were many, or read a whole table."""
    number, oid = registers.number("dentist-and-physician"), registers.thl.organisations()[0].oid
    hetu, at = registers.hetu("nurse"), registers.clock.now()
    questions: list[Callable[[], object]] = [
        lambda: registers.population.person(hetu),
        lambda: registers.valvira.rights_in_force(number, at),
        lambda: registers.valvira.professional(number),
        lambda: registers.thl.organisation(oid),
    ]
    for ask in questions:
        with traffic() as seen:
            ask()
        assert 1 <= len(seen.queries()) <= 4
        assert read_from_end_to_end(registers.records.database.engine, seen.queries()) == []
