"""The Population Information System (väestötietojärjestelmä): persons, their names, language and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.clock import finnish_day
from sotepki.errors import Fault, SotepkiError
from sotepki.evidence import RuleBook, load_csv
from sotepki.identifiers import Hetu
from sotepki.records import Base, Records, Transaction
from sotepki.registers import Person
from sotepki.resources import package_file

OFFICE = "dvv-population"
LANGUAGES = ("fi", "sv")

_COLUMNS = ("hetu", "surname", "given_names", "language", "home_address")


class PersonRow(Base):
    """A person; the journal names them by ``id``, since it may not hold personal identity codes."""

    __tablename__ = "dvv_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    hetu: Mapped[str] = mapped_column(unique=True)
    surname: Mapped[str] = mapped_column(index=True)
    given_names: Mapped[str]
    language: Mapped[str]
    home_address: Mapped[str]


_PERSONS = select(
    PersonRow.hetu, PersonRow.given_names, PersonRow.surname, PersonRow.language, PersonRow.home_address
)
_BY_HETU = _PERSONS.where(PersonRow.hetu == bindparam("hetu"))


@cache
def population_rules() -> RuleBook:
    """The rule book of ``rules_population.yaml``."""
    return RuleBook.load(package_file("dvv", "rules_population.yaml"))


@dataclass(frozen=True)
class Population:
    """The register of persons. Implements ``PopulationRegister``. Only codes of the 900-series are taken."""

    records: Records

    def person(self, hetu: Hetu) -> Person | None:
        """The person with a personal identity code, or None."""
        with self.records.look() as session:
            row = session.execute(_BY_HETU, {"hetu": hetu.value}).first()
        return None if row is None else _person(row)

    def people(self) -> Sequence[Person]:
        """Everybody, ordered by personal identity code."""
        with self.records.look() as session:
            return [_person(row) for row in session.execute(_PERSONS.order_by(PersonRow.hetu))]

    def count(self) -> int:
        """How many people the register holds."""
        with self.records.look() as session:
            return session.scalar(select(func.count()).select_from(PersonRow)) or 0

    def register_person(self, person: Person, *, actor: str) -> Person:
        """Enter a person.

        Raises:
            Refused: ``population.person.once``, ``.name``, ``.language``, ``.born``, ``identifier.hetu.test-only``.
        """
        with self.records.change(OFFICE, actor) as tx:
            _check(tx, person)
            if _row(tx, person.hetu) is not None:
                raise population_rules().refusal(
                    "population.person.once",
                    f"{person.hetu.masked} belongs to a person in the register already.",
                )
            row = PersonRow(**_fields(person))
            tx.session.add(row)
            tx.session.flush()
            tx.journal("register-person", f"person {row.id}")
        return person

    def change_person(self, person: Person, *, actor: str) -> Person:
        """Enter a new name, language or address of a person who is in the register.

        Raises:
            Refused: ``population.person.known``, ``.name``, ``.language``.
        """
        with self.records.change(OFFICE, actor) as tx:
            _check(tx, person)
            row = _row(tx, person.hetu)
            if row is None:
                raise population_rules().refusal(
                    "population.person.known",
                    f"There is no person with the code {person.hetu.masked}.",
                )
            changed = [name for name, value in _fields(person).items() if getattr(row, name) != value]
            for name, value in _fields(person).items():
                setattr(row, name, value)
            tx.journal("change-person", f"person {row.id}", fields=" ".join(changed))
        return person

    def load_world(self, directory: Path, *, actor: str = "init") -> int:
        """Load the persons of a test world (people.csv); their number.

        Raises:
            Fault: the file is missing or not well formed, or the register is not empty.
        """
        with self.records.change(OFFICE, actor) as tx:
            if tx.session.scalars(select(PersonRow.id).limit(1)).first() is not None:
                raise Fault("The Population Information System is not empty, a test world can only be loaded once.")
            try:
                people = [_person_of(row) for row in load_csv(directory / "people.csv", _COLUMNS)]
                for person in people:
                    _check(tx, person)
            except SotepkiError as error:
                raise Fault(f"The test world in {directory} is not well formed: {error}") from error
            if len({person.hetu for person in people}) != len(people):
                raise Fault(f"The test world in {directory} has a personal identity code twice.")
            if people:
                tx.session.execute(insert(PersonRow), [_fields(person) for person in people])
            tx.journal("load-world", "people", count=str(len(people)))
            return len(people)


def _check(tx: Transaction, person: Person) -> None:
    refuse = population_rules().refusal
    Hetu.parse(person.hetu.value)
    if person.hetu.birth_date > finnish_day(tx.now):
        raise refuse(
            "population.person.born",
            f"{person.hetu.masked} names a day that is still to come.",
        )
    for name in (person.surname, person.given_names):
        if not name.strip() or not name.isprintable():
            raise refuse("population.person.name", f"The name of {person.hetu.masked} is empty or not printable.")
        if name != name.strip():
            raise refuse("population.person.name", f"A name of {person.hetu.masked} has spaces at its ends.")
    if person.language not in LANGUAGES:
        raise refuse("population.person.language", f"The language of {person.hetu.masked} is {person.language!r}.")


def _row(tx: Transaction, hetu: Hetu) -> PersonRow | None:
    return tx.session.scalars(select(PersonRow).where(PersonRow.hetu == hetu.value)).first()


def _fields(person: Person) -> dict[str, str]:
    return {
        "hetu": person.hetu.value,
        "surname": person.surname,
        "given_names": person.given_names,
        "language": person.language,
        "home_address": person.home_address,
    }


def _person(row: Any) -> Person:
    return Person(Hetu(row.hetu), row.given_names, row.surname, row.language, row.home_address)


def _person_of(row: dict[str, str]) -> Person:
    return Person(Hetu.parse(row["hetu"]), row["given_names"], row["surname"], row["language"], row["home_address"])
