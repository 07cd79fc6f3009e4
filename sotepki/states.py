"""State machines as data: who may do what in which state, under which rules.

A machine is a YAML file in the ``states/`` of a room. Code never compares states by itself: it names the transition,
and the machine answers with the next state or refuses with the rule that decides. The guards named by a transition
are rules of the rule book; the office supplies one function per rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sotepki.errors import Fault, Refused
from sotepki.evidence import Basis, Finding, Grade, RuleBook, Severity, load_yaml, refuse_unknown_keys

C = TypeVar("C")

SAME = "same"
"""In place of a target: the step is written down and the state stays."""


@dataclass(frozen=True)
class Objection:
    """Why a guard says no: a sentence for people, and what to do if the rule's own advice is not exact enough."""

    sentence: str
    advice: str = ""


Guard = Callable[[C], Objection | None]


@dataclass(frozen=True)
class Transition:
    """One way from a state to another, the roles that may take it, when, and the rules that must hold.

    ``target`` is ``SAME`` for a step that leaves the state as it is. ``when`` says in words what time asks of it.
    """

    name: str
    sources: frozenset[str]
    target: str
    actors: frozenset[str]
    guards: tuple[str, ...]
    source: str
    grade: Grade
    basis: Basis
    when: str = ""

    def target_from(self, state: str) -> str:
        """The state after the step, from one of the sources."""
        return state if self.target == SAME else self.target


@dataclass(frozen=True)
class Step:
    """A transition that may be taken: the state it leads to, and the warnings that came up."""

    transition: Transition
    target: str
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class StateMachine:
    """States with their meaning, transitions by name, and the rule ids for a wrong state and a wrong actor."""

    id: str
    title: str
    initial: str
    states: Mapping[str, str]
    transitions: Mapping[str, Transition]
    state_rule: str
    actor_rule: str
    rules: RuleBook

    @classmethod
    def load(cls, path: Path, rules: RuleBook) -> StateMachine:
        """Read a machine; a state or rule that does not exist, or an unknown key, is a ``Fault``."""
        raw = load_yaml(path)
        where = f"The state machine {path.name}"
        if not isinstance(raw, dict):
            raise Fault(f"{where} must be a mapping.")
        keys = {"id", "title", "initial", "state_rule", "actor_rule", "states", "transitions"}
        refuse_unknown_keys(raw, keys, where)
        if keys - set(raw):
            raise Fault(f"{where} lacks {', '.join(sorted(keys - set(raw)))}.")
        states = {str(name): str(text) for name, text in raw["states"].items()}
        machine = cls(
            id=str(raw["id"]),
            title=str(raw["title"]),
            initial=str(raw["initial"]),
            states=states,
            transitions={name: _transition(name, row, where) for name, row in raw["transitions"].items()},
            state_rule=str(raw["state_rule"]),
            actor_rule=str(raw["actor_rule"]),
            rules=rules,
        )
        machine._check(where)
        return machine

    def step(
        self, name: str, *, state: str, actor: str, guards: Mapping[str, Guard[C]], case: C, subject: str
    ) -> Step:
        """The step ``name`` from ``state`` taken by a person in the role ``actor``.

        A guard whose rule weighs less than an error warns instead of refusing.

        Raises:
            Refused: wrong actor, wrong state, or a guard says no; the error carries the rule id.
        """
        transition = self.transitions[name]
        if actor not in transition.actors:
            raise self.refusal(
                self.actor_rule,
                f"A person in the role {str(actor)!r} may not do the step {name!r} for {subject}; "
                f"that is for: {', '.join(sorted(transition.actors))}.",
                subject=subject,
            )
        if state not in transition.sources:
            raise self.refusal(
                self.state_rule,
                f"The step {name!r} is not possible for {subject}, whose state is {state!r}; "
                f"it starts from: {', '.join(sorted(transition.sources))}.",
                subject=subject,
            )
        warnings = []
        for rule_id in transition.guards:
            objection = guards[rule_id](case)
            if objection is None:
                continue
            if self.rules[rule_id].severity is Severity.ERROR:
                raise self.refusal(rule_id, objection.sentence, advice=objection.advice, subject=subject)
            warnings.append(self.rules.finding(rule_id, objection.sentence, advice=objection.advice, where=subject))
        return Step(transition, transition.target_from(state), tuple(warnings))

    def objections(self, name: str, *, guards: Mapping[str, Guard[C]], case: C, subject: str) -> tuple[Finding, ...]:
        """Everything that stands in the way of the step ``name``, in the order of its guards; nothing is taken.

        The severities are those of the rules, without the ceiling, as ``step`` judges by them.
        """
        return tuple(
            replace(
                self.rules.finding(rule_id, objection.sentence, advice=objection.advice, where=subject),
                severity=self.rules[rule_id].severity,
            )
            for rule_id in self.transitions[name].guards
            if (objection := guards[rule_id](case)) is not None
        )

    def refusal(self, rule_id: str, sentence: str, *, advice: str = "", subject: str = "") -> Refused:
        """The error that says no under ``rule_id``, with the rule's advice where none is given."""
        return self.rules.refusal(rule_id, sentence, advice=advice, subject=subject)

    def mermaid(self) -> str:
        """The machine as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {_node(self.initial)}"]
        lines += [f"    {_node(name)}: {name}" for name in self.states]
        for transition in self.transitions.values():
            lines += [
                f"    {_node(origin)} --> {_node(transition.target_from(origin))}: {transition.name}"
                for origin in self.states
                if origin in transition.sources
            ]
        lines += [f"    {_node(name)} --> [*]" for name in self.final_states()]
        return "\n".join(lines) + "\n"

    def final_states(self) -> tuple[str, ...]:
        """The states that no transition leaves."""
        left = {
            origin
            for transition in self.transitions.values()
            if transition.target != SAME
            for origin in transition.sources
        }
        return tuple(name for name in self.states if name not in left)

    def _check(self, where: str) -> None:
        for rule_id in (self.state_rule, self.actor_rule):
            self.rules[rule_id]
        named = {self.initial}
        for transition in self.transitions.values():
            named |= transition.sources | ({transition.target} - {SAME})
            for rule_id in transition.guards:
                self.rules[rule_id]
        if named - set(self.states):
            raise Fault(f"{where} uses the state {sorted(named - set(self.states))[0]!r}, which it does not declare.")
        if set(self.states) - named:
            raise Fault(f"{where} declares the state {sorted(set(self.states) - named)[0]!r}, which nothing reaches.")


def _transition(name: Any, row: Any, where: str) -> Transition:
    if not isinstance(row, dict):
        raise Fault(f"{where}: the transition {name} must be a mapping.")
    keys = {"from", "to", "actors", "source", "grade", "basis"}
    refuse_unknown_keys(row, keys | {"guards", "when"}, f"{where}, transition {name},")
    if keys - set(row):
        raise Fault(f"{where}: the transition {name} lacks {', '.join(sorted(keys - set(row)))}.")
    return Transition(
        name=str(name),
        sources=frozenset(str(state) for state in row["from"]),
        target=str(row["to"]),
        actors=frozenset(str(actor) for actor in row["actors"]),
        guards=tuple(str(rule) for rule in row.get("guards", ())),
        source=str(row["source"]),
        grade=Grade(row["grade"]),
        basis=Basis(row["basis"]),
        when=str(row.get("when", "")),
    )


def _node(state: str) -> str:
    return state.replace("-", "_")
