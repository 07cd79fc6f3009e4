"""Who may take which step of the offices, from which state, under which rules: a second table, read line by line.

A wrong line in a ``states/*.yaml`` lets a customer approve his own application, or hands a card to somebody whose
right is gone, and the flows that other tests walk would not notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from sotepki.errors import Refused
from sotepki.state_diagrams import all_machines
from sotepki.states import Objection, StateMachine, Step

TABLE = Path(__file__).parents[1] / "data" / "office_steps.txt"
"""``[machine] first state``, then ``step: from -> to | who | rules``; a rule in brackets warns and never refuses."""

MACHINES: Final = {machine.id: machine for machine in all_machines()}


@dataclass(frozen=True)
class Line:
    """One step as the table says it."""

    machine: str
    step: str
    sources: frozenset[str]
    target: str
    actors: frozenset[str]
    refusing: frozenset[str]
    warning: frozenset[str]


def _lines() -> Iterator[Line]:
    machine = ""
    for text in filter(None, TABLE.read_text(encoding="utf-8").splitlines()):
        if text.startswith("["):
            machine = text[1:].split("]")[0]
            continue
        step, rest = text.split(": ", 1)
        way, actors, rules = [part.strip() for part in (*rest.split(" | "), "")[:3]]
        sources, target = way.split(" -> ")
        warning = frozenset(rule.strip("()") for rule in rules.split() if rule.startswith("("))
        refusing = frozenset(rule for rule in rules.split() if not rule.startswith("("))
        yield Line(machine, step, frozenset(sources.split()), target, frozenset(actors.split()), refusing, warning)


LINES: Final = tuple(_lines())
PEOPLE: Final = frozenset().union(*(line.actors for line in LINES))


def take(machine: StateMachine, step: str, state: str, actor: str, objecting: str = "") -> Step | None:
    """The step with every rule content except one; None if it is refused for who takes it, or where it starts."""
    guards = {
        rule: (lambda _, rule=rule: Objection("No.") if rule == objecting else None) for rule in machine.rules.rules
    }
    try:
        return machine.step(step, state=state, actor=actor, guards=guards, case=None, subject="x")
    except Refused as error:
        if error.rule == objecting:
            raise
        return None


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.machine} {line.step}")
def test_a_step_is_for_these_people_from_these_states_and_nobody_else(line: Line) -> None:
    machine = MACHINES[line.machine]
    taken = {
        (state, actor): step.target
        for state, actor in product(machine.states, PEOPLE)
        if (step := take(machine, line.step, state, actor)) is not None
    }
    assert taken == {
        (state, actor): state if line.target == "same" else line.target
        for state, actor in product(line.sources, line.actors)
    }


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.machine} {line.step}")
def test_a_step_obeys_these_rules_and_is_only_warned_by_those_in_brackets(line: Line) -> None:
    machine, state, actor = MACHINES[line.machine], min(line.sources), min(line.actors)
    refused, warned = set[str](), set[str]()
    for rule in {rule for one in machine.transitions.values() for rule in one.guards}:
        try:
            step = take(machine, line.step, state, actor, objecting=rule)
        except Refused:
            refused.add(rule)
            continue
        assert step is not None
        warned |= {finding.rule for finding in step.warnings}
    assert refused == line.refusing
    assert warned == line.warning


def test_no_step_is_outside_the_table_and_every_machine_begins_where_it_says() -> None:
    assert {(line.machine, line.step) for line in LINES} == {
        (machine.id, step) for machine in MACHINES.values() for step in machine.transitions
    }
    headings = [text for text in TABLE.read_text(encoding="utf-8").splitlines() if text.startswith("[")]
    assert headings == [f"[{machine.id}] {machine.initial}" for machine in MACHINES.values()]
