"""The whole rule book: the rules of every room in one place, for people who met a rule id and want to know more."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import groupby
from pathlib import Path

from sotepki.errors import Misuse
from sotepki.evidence import Rule, RuleBook
from sotepki.resources import package_file

HEADING = """# The rule book

Made from the rule files of the rooms (`rules*.yaml`) by `python -m sotepki.rulebook`; do not edit. The rows of the
certificate profiles (`cert.<profile>.<field>`) stand with the profiles: `sotepki cert profiles`.

*Weight* is what a breach may weigh at most against somebody else's work: it follows from grade and basis
([how](field/README.md)). An emulated office may refuse by a rule that could only warn a vendor's document.
*Shown by* names a test, scenario or catalogue that provokes the rule, and how many more there are.
"""

_WITNESSES = (
    "tests/**/*.py",
    "tests/**/*.yaml",
    "docs/howto/*.md",
    "sotepki/x509/defects/catalogue.yaml",
    "sotepki/documents/corpus/catalogue/*.yaml",
)
_RULE_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)+")


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

    An id may be cut off in the middle of a word, or stand in the brackets in which it was printed.

    Raises:
        Misuse: there is none.
    """
    book, wanted = whole_book(), wanted.strip("[]")
    found = [
        shelved
        for rule_id, shelved in book.items()
        if rule_id == wanted or not wanted or rule_id.startswith(wanted.rstrip(".") + ".")
    ] or [shelved for rule_id, shelved in book.items() if rule_id.startswith(wanted)]
    if not found:
        near = get_close_matches(wanted, book, n=1)
        advice = "'sotepki rule' lists all; rows of certificate profiles are listed by 'sotepki cert profiles'."
        raise Misuse(
            f"There is no rule {wanted[:60]!r}.",
            advice=f"Did you mean {near[0]!r}? {advice}" if near else advice,
        )
    return sorted(found, key=lambda shelved: shelved.rule.id)


@cache
def witnesses(root: Path) -> Mapping[str, tuple[str, ...]]:
    """The files below ``root``, the directory of the project, that name a rule, by its id."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted({path for pattern in _WITNESSES for path in root.glob(pattern)}):
        for rule_id in set(_RULE_ID.findall(path.read_text(encoding="utf-8"))) & set(whole_book()):
            found[rule_id].append(path.relative_to(root).as_posix())
    return {rule_id: tuple(files) for rule_id, files in found.items()}


def as_markdown() -> str:
    """The rule book as one page, room by room."""
    parts = [HEADING]
    shelved = sorted(whole_book().values(), key=lambda one: (one.room, one.rule.id))
    for room, rules in groupby(shelved, key=lambda one: one.room):
        parts.append(f"\n## {room}\n\n| Rule | Text | Weight | Grade | Basis | Source | Shown by |\n|{'---|' * 7}")
        parts += [_row(one.rule) for one in rules]
    return "\n".join(parts) + "\n"


def _row(rule: Rule) -> str:
    cells = (f"`{rule.id}`", rule.text, rule.effective, rule.grade, rule.basis, rule.source, _shown_by(rule.id))
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def _shown_by(rule_id: str) -> str:
    files = witnesses(package_file().parent).get(rule_id, ())
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{Path(files[0]).name}{more}" if files else ""


if __name__ == "__main__":
    print(as_markdown(), end="")
