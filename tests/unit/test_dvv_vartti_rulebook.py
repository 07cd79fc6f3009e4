"""Rules, state machines and code agree: nothing is refused by an unknown rule, no rule is without a refusal test."""

from __future__ import annotations

import ast
from pathlib import Path

import field_tables as field
import pytest
import test_dvv_vartti_lookup as lookup_rules
import test_dvv_vartti_new_rules as new_rules
import test_dvv_vartti_rules as order_rules

from sotepki.dvv import office_data
from sotepki.dvv.vartti.data import card_machine, vartti_data, vartti_rules
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, Severity
from sotepki.resources import package_file
from sotepki.states import SAME, StateMachine

ROOM = Path(office_data.__file__).parent
FILES = sorted((ROOM / "vartti").glob("*.py"))
PREFIXES = (
    "registrar.", "order.", "hand-over.", "close.", "staff.", "renewal.", "code.", "complaint.", "policy.", "lookup.",
)  # fmt: skip
MACHINES = [card_machine("professional"), card_machine("personnel")]


def rule_ids_in_code() -> set[str]:
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(PREFIXES):
                found.add(node.value)
    return {one for one in found if " " not in one and not one.endswith((".", ".txt", ".yaml", ".key"))}


def test_every_rule_in_code_is_in_the_book() -> None:
    """A refusal under an id that the rule book lacks would leave the user without source and advice."""
    named = rule_ids_in_code()
    assert len(named) > 40
    assert named <= {rule.id for rule in vartti_rules()}


def test_every_rule_has_a_test_that_meets_it() -> None:
    """A rule that nothing can break is not a rule; warnings are met by the tests of warnings."""
    refusals = {*order_rules.REFUSALS, *new_rules.REFUSALS, *lookup_rules.LOOKUP_RULES}
    warnings = {*order_rules.WARNINGS, *new_rules.WARNINGS}
    rules = {rule.id: rule for rule in vartti_rules()}
    assert {one for one, rule in rules.items() if rule.severity is Severity.ERROR} <= refusals
    assert {one for one, rule in rules.items() if rule.severity is Severity.WARNING} <= warnings


def test_machines_and_guards_fit() -> None:
    """Every guard that a transition names has a function, and every function guards some transition."""
    named = {rule for machine in MACHINES for one in machine.transitions.values() for rule in one.guards}
    assert named == set(CARD_GUARDS)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached_and_drawn(machine: StateMachine) -> None:
    """From the first state every other is reachable, and the diagram shows every transition."""
    reached = {machine.initial}
    for _ in machine.states:
        reached |= {
            one.target for one in machine.transitions.values() if one.sources & reached and one.target != SAME
        }
    assert reached == set(machine.states)
    picture = machine.mermaid()
    assert picture.count("-->") == 1 + len(machine.final_states()) + sum(
        len(one.sources) for one in machine.transitions.values()
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_every_step_says_who_and_when(machine: StateMachine) -> None:
    """A trainer reads from the machine who may take a step, when, and how firmly that is known."""
    for step in machine.transitions.values():
        assert step.actors, step.name
        assert step.when, step.name
        assert step.source, step.name


@pytest.mark.parametrize("machine", MACHINES)
def test_ended_card_never_comes_back(machine: StateMachine) -> None:
    """No step leads from a final state to another state: a closed card never opens."""
    assert set(machine.final_states()) == {"closed", "expired", "cancelled", "rejected"}
    for step in machine.transitions.values():
        for origin in step.sources & {"closed", "expired", "cancelled", "rejected"}:
            assert step.target_from(origin) == origin, step.name


def test_data_and_machines_agree() -> None:
    """Every kind has a machine and a price; every closing reason has a code and says who may give it."""
    for kind in vartti_data().kinds.values():
        assert card_machine(kind.id).id == kind.machine
        assert set(kind.price.values()) <= {"free", "charged"}
    assert set(vartti_data().closing_actors) == set(office_data.office_data().closing_reasons)


def test_sources_point_into_the_field_notes() -> None:
    """A rule graded better than recalled names where it stands."""
    for rule in vartti_rules():
        if rule.grade is Grade.CONFIRMED and rule.basis is not Basis.CHOICE:
            assert "docs/field/" in rule.source or "RFC" in rule.source, rule.id


def test_a_letter_that_nobody_said_dvv_writes_is_not_confirmed() -> None:
    """The field knows a warning of the reader software; 'sotepki card reminders' shows the grade of each letter."""
    assert "reader software warns" in field.row("registration.md", "3", "Reminder")[1]
    grades = {name: one.grade for name, one in vartti_data().reminders.items()}
    assert grades == {
        "window-open": Grade.UNKNOWN,
        "staff-window": Grade.UNKNOWN,
        "last-month": Grade.INFERRED,
    }


@pytest.mark.parametrize("damage", ["kinds: {}", "unknown: 1\n", "[1]", "photo: {largest: x, forms: {}}"])
def test_broken_data_file_is_a_fault(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in the data stops the program at once."""
    text = package_file("dvv", "vartti", "vartti.yaml").read_text(encoding="utf-8")
    name = damage.partition(":")[0]
    lines = [line for line in text.splitlines() if not line.startswith(f"{name}:")]
    path = tmp_path / "vartti.yaml"
    path.write_text(damage if damage == "[1]" else "\n".join([*lines, damage]) + "\n", encoding="utf-8")
    monkeypatch.setattr("sotepki.dvv.vartti.data.package_file", lambda *_: path)
    with pytest.raises(Fault):
        vartti_data.__wrapped__()


def test_data_file_knows_its_countries() -> None:
    """NO is a country here, not a truth value; the EEA with Finland, Switzerland and San Marino are 32."""
    countries = office_data.office_data().identity_documents["identity-card"]
    assert len(countries) == 32
    assert {"NO", "CH", "SM", "FI"} <= countries
    assert all(len(one) == 2 and one.isupper() for one in countries)
