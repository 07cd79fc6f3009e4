"""The whole rule book: the rules of every room in one place, for people who met a rule id and want to know more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from sotepki.errors import Misuse
from sotepki.evidence import Rule, RuleBook
from sotepki.resources import package_file

HEADING = """# The rule book

Made from the rule files of the rooms (`rules*.yaml`) by `python -m sotepki.rulebook`; do not edit. The rows of the
certificate profiles (`cert.<profile>.<field>`) stand with the profiles: `sotepki cert profiles`.

*Weight* is what a breach may weigh at most against somebody else's work: it follows from grade and basis
([how](field/README.md)). An emulated office may refuse by a rule that could only warn a vendor's document.
"""


@dataclass(frozen=True)
class Shelved:
    """A rule and the room that keeps it."""

    room: str
    rule: Rule


@cache
def whole_book() -> Mapping[str, Shelved]:
    """Every rule by id.

    Raises:
        Fault: a rule file is not well formed, or two rooms use one id.
    """
    package = package_file()
    files = sorted(package.rglob("rules*.yaml"))
    books = {path: RuleBook.load(path) for path in files}
    RuleBook.join(books.values())
    return {
        rule.id: Shelved(path.parent.relative_to(package).as_posix(), rule)
        for path, book in books.items()
        for rule in book
    }


def find_rules(wanted: str) -> list[Shelved]:
    """The rule with an id, or all whose ids begin with it (``order`` finds ``order.state``).

    Raises:
        Misuse: there is none.
    """
    found = [
        shelved
        for rule_id, shelved in whole_book().items()
        if rule_id == wanted or not wanted or rule_id.startswith(wanted.rstrip(".") + ".")
    ]
    if not found:
        raise Misuse(
            f"There is no rule {wanted[:60]!r}.",
            advice="'sotepki rule' lists all; rows of certificate profiles are listed by 'sotepki cert profiles'.",
        )
    return sorted(found, key=lambda shelved: shelved.rule.id)


def as_markdown() -> str:
    """The rule book as one page, room by room."""
    parts = [HEADING]
    shelved = sorted(whole_book().values(), key=lambda one: (one.room, one.rule.id))
    for room, rules in groupby(shelved, key=lambda one: one.room):
        parts.append(f"\n## {room}\n\n| Rule | Text | Weight | Grade | Basis | Source |\n|---|---|---|---|---|---|")
        parts += [_row(one.rule) for one in rules]
    return "\n".join(parts) + "\n"


def _row(rule: Rule) -> str:
    cells = (f"`{rule.id}`", rule.text, rule.effective, rule.grade, rule.basis, rule.source)
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(as_markdown(), end="")
