"""The inputs of the simulation, each with a range, a grade and a source (``inputs.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sotepki.errors import Misuse
from sotepki.evidence import Basis, Grade, load_yaml, refuse_unknown_keys


@dataclass(frozen=True)
class Input:
    """One number: its value, the range in which it may well lie, and how firmly it is known."""

    id: str
    value: float
    low: float
    high: float
    unit: str
    grade: Grade
    basis: Basis
    source: str


@dataclass(frozen=True)
class Inputs:
    """All numbers by id; ``inputs["desks"]`` gives the value."""

    numbers: Mapping[str, Input]

    def __getitem__(self, name: str) -> float:
        return self.numbers[name].value

    def __iter__(self) -> Iterator[Input]:
        return iter(self.numbers.values())

    def but(self, **values: float) -> Inputs:
        """The same with other values.

        Raises:
            Misuse: there is no such input, or a value is negative.
        """
        for name, value in values.items():
            if name not in self.numbers:
                raise Misuse(f"There is no input {name!r}.", advice=f"There are {', '.join(self.numbers)}.")
            if value < 0:
                raise Misuse(f"The input {name} cannot be {value}.", advice="Give a number that is not negative.")
        changed = {name: replace(self.numbers[name], value=value) for name, value in values.items()}
        return Inputs({**self.numbers, **changed})


def load_inputs() -> Inputs:
    """The inputs of ``inputs.yaml``.

    Raises:
        Fault: the file is not well formed.
    """
    path = Path(__file__).with_name("inputs.yaml")
    rows = load_yaml(path)
    for name, row in rows.items():
        refuse_unknown_keys(row, set(Input.__dataclass_fields__) - {"id"}, f"{name} in {path.name}")
    return Inputs(
        {
            name: Input(
                id=name, value=float(row["value"]), low=float(row["low"]), high=float(row["high"]), unit=row["unit"],
                grade=Grade(row["grade"]), basis=Basis(row["basis"]), source=row["source"],
            )
            for name, row in rows.items()
        }
    )  # fmt: skip
