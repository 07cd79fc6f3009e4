"""The tables of docs/signature-corpus.md on stock libraries.

``python -m sotepki.documents.corpus.libraries_document`` writes them to standard output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import click

from sotepki.documents.corpus.catalogue import Importance, catalogue
from sotepki.documents.corpus.libraries import Library, Measured, Whose, libraries
from sotepki.markdown import table

_WHOSE = {
    Whose.YOURS: "your code",
    Whose.LIBRARY: "fault or laxity of the library",
    Whose.LIMIT: "limit of the library",
    Whose.OPEN: "left open",
}
_MEASURED = {
    Measured.ALWAYS: "at every run of the tests",
    Measured.WHERE_PRESENT: "by the tests, where it is installed",
    Measured.ON_DEMAND: "on demand",
}


def libraries_tables() -> str:
    """The tables, one after the other, each under a heading."""
    return "\n".join((*_how(), *_importance(), *_critical(), *_groups(), *_reasons()))


def _how() -> Iterator[str]:
    yield "### How each was used"
    yield ""
    rows = [(one.name, one.version, f"{one.use}.", f"{one.beware}.", _MEASURED[one.measured]) for one in _all()]
    yield from table(("Library", "Version", "Use", "Beware", "Measured"), rows)


def _importance() -> Iterator[str]:
    yield "### Right, of each importance"
    yield ""
    of = Counter(entry.importance for entry in catalogue().values())
    head = ("Library", *(f"{level} ({of[level]})" for level in Importance), f"all ({len(catalogue())})",
            "takes too much", "refuses what is right", "crashes")  # fmt: skip
    rows = []
    for one in _all():
        right = [of[level] - len(one.wrong(level)) for level in Importance]
        rows.append(
            (
                one.name,
                *map(str, right),
                str(sum(right)),
                str(len(one.takes)),
                str(len(one.refuses)),
                str(len(one.crashes)),
            )
        )
    yield from table(head, rows)


def _critical() -> Iterator[str]:
    yield "### Critical documents judged otherwise, by whose matter it is"
    yield ""
    rows = []
    for one in _all():
        counts = Counter(libraries().reason(entry.id).whose for entry in one.wrong(Importance.CRITICAL))
        rows.append((one.name, *(str(counts[whose]) for whose in Whose)))
    yield from table(("Library", *(_WHOSE[whose] for whose in Whose)), rows)


def _groups() -> Iterator[str]:
    yield "### By group: judged otherwise (of these critical), and what your code does in addition"
    yield ""
    of = Counter(entry.group for entry in catalogue().values())
    rows = []
    for group, sentence in libraries().groups.items():
        cells = (f"{len(one.wrong(group=group))} ({len(one.wrong(Importance.CRITICAL, group))})" for one in _all())
        rows.append((f"`{group}` ({of[group]})", *cells, sentence))
    yield from table(("Group", *(one.name for one in _all()), "Your code"), rows)


def _reasons() -> Iterator[str]:
    yield "### Why, and what to do"
    yield ""
    rows = []
    for reason in libraries().reasons.values():
        who = [f"{one.name} {count}" for one in _all() if (count := len(set(reason.documents) & set(one.otherwise)))]
        documents = ", ".join(f"`{document}`" for document in reason.documents)
        rows.append((_WHOSE[reason.whose], reason.text, ", ".join(who), documents))
    yield from table(("Whose matter", "What to do, or what it is", "Libraries and number", "Documents"), rows)


def _all() -> Sequence[Library]:
    return tuple(libraries().libraries.values())


if __name__ == "__main__":
    click.echo(libraries_tables(), nl=False)
