"""The state machines of the offices as one page: a diagram of each, and who may do what, when, under which rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sotepki.evidence import RuleBook
from sotepki.markdown import table
from sotepki.resources import package_file
from sotepki.states import SAME, StateMachine, Transition

HEADING = """# State machines

Made from the `states/*.yaml` of the offices by `python -m sotepki.state_diagrams`; do not edit. The offices obey the
same files: what is not drawn here cannot be done. The rules are explained in the [rule book](rule-book.md).
"""


def all_machines() -> list[StateMachine]:
    """Every state machine of the offices, in the order of their ids.

    Raises:
        Fault: a file is not well formed, or names a rule that is in no rule book.
    """
    package = package_file()
    rules = RuleBook.join([RuleBook.load(path) for path in sorted(package.rglob("rules*.yaml"))])
    machines = [StateMachine.load(path, rules) for path in sorted(package.rglob("states/*.yaml"))]
    return sorted(machines, key=lambda machine: machine.id)


def as_mermaid(machine: StateMachine) -> str:
    """A machine as a block that the pages of a repository draw by themselves."""
    return f"```mermaid\n{machine.mermaid()}```\n"


def as_markdown(drawn: Callable[[StateMachine], str] = as_mermaid) -> str:
    """The page with all machines; ``drawn`` gives the Markdown of a machine's picture."""
    return "\n".join([HEADING, *(line for machine in all_machines() for line in _section(machine, drawn))]) + "\n"


def _section(machine: StateMachine, drawn: Callable[[StateMachine], str]) -> Iterator[str]:
    yield f"## {machine.title}\n"
    yield drawn(machine)
    yield from table(("State", "Meaning"), [(f"`{name}`", meaning) for name, meaning in machine.states.items()])
    steps = [_step(transition) for transition in machine.transitions.values()]
    yield from table(("Step", "From", "To", "Who", "Rules", "When", "Source", "Grade"), steps)


def _step(transition: Transition) -> tuple[str, ...]:
    return (
        f"`{transition.name}`",
        ", ".join(sorted(transition.sources)),
        "(stays)" if transition.target == SAME else transition.target,
        ", ".join(sorted(transition.actors)),
        ", ".join(f"`{rule}`" for rule in transition.guards),
        transition.when,
        transition.source,
        str(transition.grade),
    )


if __name__ == "__main__":
    print(as_markdown(), end="")
