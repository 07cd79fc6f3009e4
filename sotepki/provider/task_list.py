"""The tasks that access is given by, and whether a professional may hold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sotepki.evidence import RuleBook, expect_keys, load_yaml
from sotepki.provider.staff_rights import Standing
from sotepki.resources import package_file


@dataclass(frozen=True)
class Task:
    """A task; see ``tasks.yaml``."""

    id: str
    title: str
    registers: frozenset[str]
    prescriber: bool
    barred_by: frozenset[str]


@dataclass(frozen=True)
class Obstacle:
    """Why a professional may not hold a task: the rule that decides, and a sentence."""

    rule: str
    sentence: str


@cache
def provider_rules() -> RuleBook:
    """The rule book of the provider's duties (its plans have one of their own)."""
    return RuleBook.join(RuleBook.load(package_file("provider", name)) for name in ("rules.yaml", "rules_books.yaml"))


@cache
def tasks() -> Mapping[str, Task]:
    """The tasks of ``tasks.yaml`` by id."""
    return load_tasks(package_file("provider", "tasks.yaml"))


def load_tasks(path: Path) -> Mapping[str, Task]:
    """Read a file of tasks; a wrong or missing key is a ``Fault``."""
    raw = load_yaml(path)
    keys = {"title", "registers", "prescriber", "barred_by"}
    found = {}
    for task_id, row in raw.items():
        expect_keys(row, keys, f"The task {task_id}")
        found[str(task_id)] = Task(
            id=str(task_id),
            title=str(row["title"]),
            registers=frozenset(str(register) for register in row["registers"]),
            prescriber=bool(row["prescriber"]),
            barred_by=frozenset(str(target) for target in row["barred_by"]),
        )
    return found


def obstacle(task: Task, standing: Standing, prescribing: frozenset[str] = frozenset()) -> Obstacle | None:
    """Why a professional who stands so may not hold ``task``; None if nothing is in the way.

    One right without a barring restriction is enough. A prescriber's task rests on the rights with a code of
    ``prescribing`` alone: the identifier stays with a person who has lost the right that brought it.
    """
    held = [right for right in standing.rights if right.register in task.registers]
    if not held:
        where = " or ".join(sorted(task.registers))
        return Obstacle("access.right", f"The person has no right in force in {where} for the task {task.id!r}.")
    if task.prescriber and not standing.prescriber:
        return Obstacle("access.prescriber", f"The person has no prescriber's identifier for the task {task.id!r}.")
    fitting = [right for right in held if not task.prescriber or right.code in prescribing]
    if not fitting:
        return Obstacle("access.right", f"The person has no right in force that allows the task {task.id!r}.")
    barred = [sorted(task.barred_by & right.restrictions) for right in fitting]
    if all(barred):
        kind = "right" if fitting == held else "right to prescribe"
        sentence = f"Every {kind} of the person is restricted ({', '.join(barred[0])}) in the task {task.id!r}."
        return Obstacle("access.restriction", sentence)
    return None
