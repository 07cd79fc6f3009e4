"""Rules, state machines and code agree: nothing is refused by an unknown rule, no rule is without a refusal test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import test_dvv_service_certificates_rules as service_rules
import test_dvv_vartti_rules as vartti_rules

from sotepki.dvv import office_data
from sotepki.dvv.office_data import application_machine, card_order_machine, office_rules
from sotepki.dvv.service_certificates_guards import APPLICATION_GUARDS
from sotepki.dvv.state_machine import StateMachine
from sotepki.dvv.vartti_guards import CARD_GUARDS
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, Severity

ROOM = Path(office_data.__file__).parent
FILES = sorted(
    path
    for pattern in ("vartti*.py", "service_certificates*.py", "registration_points.py", "office_*.py")
    for path in ROOM.glob(pattern)
)
PREFIXES = ("registrar.", "point.", "order.", "hand-over.", "close.", "account.", "application.")
EVENTS = {  # what is journalled, which looks like a rule id
    "account.opened", "account.user-invited", "registrar.withdrawn", "registrar.entered",
    "application.document-attached",
}  # fmt: skip


def rule_ids_in_code() -> set[str]:
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(PREFIXES):
                found.add(node.value)
    return {one for one in found if " " not in one and not one.endswith(".")}


def test_every_rule_in_code_is_in_the_book() -> None:
    """A refusal under an id that the rule book lacks would leave the user without source and advice."""
    assert rule_ids_in_code() - EVENTS <= {rule.id for rule in office_rules()}


def test_every_rule_has_a_test_that_meets_it() -> None:
    """A rule that nothing can break is not a rule; warnings are met by the tests of warnings."""
    refusals = {**vartti_rules.REFUSALS, **service_rules.REFUSALS}
    warnings = {**vartti_rules.WARNINGS, **service_rules.WARNINGS}
    rules = {rule.id: rule for rule in office_rules()}
    assert set(refusals) == {one for one, rule in rules.items() if rule.severity is Severity.ERROR}
    assert set(warnings) == {one for one, rule in rules.items() if rule.severity is Severity.WARNING}


@pytest.mark.parametrize(
    ("machine", "guards"), [(card_order_machine(), CARD_GUARDS), (application_machine(), APPLICATION_GUARDS)]
)
def test_machine_and_guards_fit(machine: StateMachine, guards: dict[str, object]) -> None:
    """Every guard that a transition names has a function, and every function guards some transition."""
    named = {rule for transition in machine.transitions.values() for rule in transition.guards}
    assert named == set(guards)


@pytest.mark.parametrize("machine", [card_order_machine(), application_machine()])
def test_every_state_is_reached_and_drawn(machine: StateMachine) -> None:
    """From the first state every other is reachable, and the diagram shows every transition."""
    reached = {machine.initial}
    for _ in machine.states:
        reached |= {one.target for one in machine.transitions.values() if one.sources & reached}
    assert reached == set(machine.states)
    picture = machine.mermaid()
    assert picture.count("-->") == 1 + len(machine.final_states()) + sum(
        len(one.sources) for one in machine.transitions.values()
    )


def test_sources_point_into_the_field_notes() -> None:
    """A rule graded better than recalled names where it stands."""
    for rule in office_rules():
        if rule.grade is Grade.CONFIRMED and rule.basis is not Basis.CHOICE:
            assert "docs/field/" in rule.source or "RFC" in rule.source, rule.id


@pytest.mark.parametrize(
    "text",
    [
        "id: x\n",
        "[1, 2]\n",
        "id: x\ntitle: t\ninitial: a\nstate_rule: order.state\nactor_rule: order.actor\nstates: {a: A, b: B}\n"
        "transitions:\n  go: {from: [a], to: c, actors: [dvv], source: s, grade: inferred, basis: choice}\n",
        "id: x\ntitle: t\ninitial: a\nstate_rule: order.state\nactor_rule: order.actor\nstates: {a: A, b: B}\n"
        "transitions:\n  go: {from: [a], to: b, actors: [dvv], guards: [no.such], source: s, grade: inferred, "
        "basis: choice}\n",
        "id: x\ntitle: t\ninitial: a\nstate_rule: order.state\nactor_rule: order.actor\nstates: {a: A, b: B, c: C}\n"
        "transitions:\n  go: {from: [a], to: b, actors: [dvv], source: s, grade: inferred, basis: choice}\n",
        "id: x\ntitle: t\ninitial: a\nstate_rule: order.state\nactor_rule: order.actor\nstates: {a: A, b: B}\n"
        "transitions:\n  go: {form: [a], to: b, actors: [dvv], source: s, grade: inferred, basis: choice}\n",
    ],
)
def test_broken_machine_is_a_fault(tmp_path: Path, text: str) -> None:
    """A typo in the data stops the program at once instead of opening a way nobody declared."""
    path = tmp_path / "machine.yaml"
    path.write_text(text)
    with pytest.raises(Fault):
        StateMachine.load(path, office_rules())


def test_data_file_knows_its_countries() -> None:
    """NO is a country here, not a truth value; the EEA, Switzerland and San Marino are 33 with Finland."""
    countries = office_data.office_data().identity_documents["identity-card"]
    assert len(countries) == 32
    assert {"NO", "CH", "SM", "FI"} <= countries
    assert all(len(one) == 2 and one.isupper() for one in countries)
