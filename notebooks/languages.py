"""One source, several languages: ``python -m notebooks.languages`` builds all editions of notebooks that have them.

Each Markdown cell bears ``lang="en"``, ``"fi"`` or ``"sv"``, three such cells follow one another, and code belongs to
all. A code cell that bears a mark belongs to one edition, as the one that sets ``LANGUAGE``.

``flaws`` finds what a reader of one language would miss: a cell, a heading, a row, a rule's id, a number.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import jupytext  # type: ignore[import-untyped]
import nbformat

from notebooks.editions import LANGUAGES, Edition, editions, many_languages
from notebooks.pairs import HERE, cells_of

_CODE = re.compile(r"`[^`]+`")
_NUMBER = re.compile(r"\d+")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_ITEM = re.compile(r"^(?:[-*]|\d+\.) ", re.MULTILINE)
_ROW = re.compile(r"^\|", re.MULTILINE)


def flaws(source: Path) -> list[str]:
    """What is wrong with a source of several languages, in sentences; empty if each language says the same."""
    if len(editions(source)) == 1:
        return []
    found = []
    cells = jupytext.read(source).cells
    for (kind, marked), run in groupby(cells, lambda cell: (cell.cell_type, "lang" in cell.metadata)):
        texts = list(run)
        if marked:
            found += _flaws_of_group(texts)
        elif kind == "markdown":
            found += [f"The cell {_first_line(cell.source)} bears no language." for cell in texts]
    return [f"{source.name}: {sentence}" for sentence in found]


def build(edition: Edition) -> bool:
    """Take the cells of an edition from its source and keep the outputs of code that has not changed.

    Returns whether some code has no outputs now and is to be executed.
    """
    content = cells_of(edition.notebook)
    kept = _outputs(edition.notebook)
    stale = False
    for cell in content.cells:
        if cell.cell_type == "code":
            outputs = kept.get(cell.source.strip(), [])
            stale = stale or not outputs
            cell.outputs, cell.execution_count = outputs.pop(0) if outputs else ([], None)
    nbformat.write(content, edition.notebook)  # type: ignore[no-untyped-call]
    return stale


def _flaws_of_group(cells: Sequence[nbformat.NotebookNode]) -> list[str]:
    marks = tuple(cell.metadata["lang"] for cell in cells)
    where = _first_line(cells[0].source)
    if marks != LANGUAGES:
        return [f"At {where} stand the languages {', '.join(marks)}; there should be {', '.join(LANGUAGES)}."]
    english, *others = cells
    if english.cell_type == "code":
        return []
    return [
        f"At {where} the {what} of {other.metadata['lang']} differ from the English ones: {difference}."
        for other in others
        for what, mine, theirs in zip(_PARTS, _skeleton(english.source), _skeleton(other.source), strict=True)
        if (difference := _difference(mine, theirs))
    ]


_PARTS = ("headings", "list items", "table rows", "names in code", "numbers")


def _skeleton(text: str) -> tuple[Counter[str], ...]:
    """What every language has alike."""
    plain = _CODE.sub("", text)
    return (
        Counter(_HEADING.findall(text)),
        Counter("item" for _ in _ITEM.findall(text)),
        Counter("row" for _ in _ROW.findall(text)),
        Counter(_CODE.findall(text)),
        Counter(_NUMBER.findall(plain)),
    )


def _difference(english: Counter[str], other: Counter[str]) -> str:
    lacking, added = english - other, other - english
    return "; ".join(
        f"{word} {', '.join(f'{name} ({count})' for name, count in sorted(counts.items()))}"
        for word, counts in (("lacks", lacking), ("adds", added))
        if counts
    )


def _first_line(text: str) -> str:
    return repr(text.strip().splitlines()[0][:60]) if text.strip() else "an empty cell"


def _outputs(notebook: Path) -> dict[str, list[tuple[list[nbformat.NotebookNode], int | None]]]:
    """By its code, what every executed cell has printed; the same code may stand there twice."""
    kept: dict[str, list[tuple[list[nbformat.NotebookNode], int | None]]] = {}
    if notebook.exists():
        for cell in nbformat.read(notebook, as_version=4).cells:  # type: ignore[no-untyped-call]
            if cell.cell_type == "code" and cell.execution_count is not None:
                kept.setdefault(cell.source.strip(), []).append((cell.outputs, cell.execution_count))
    return kept


def main(chosen: Iterable[Path]) -> int:
    """Build all editions; 1 if a language lacks something."""
    wanted = list(chosen) or many_languages(HERE)
    problems = [flaw for source in wanted for flaw in flaws(source)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    for source in wanted:
        for edition in editions(source):
            again = "; execute it with 'python -m notebooks.execute --write'" if build(edition) else ""
            print(f"{edition.notebook.name}: built{again}.")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="notebooks.languages", description=__doc__)
    parser.add_argument("sources", nargs="*", type=Path)
    sys.exit(main([path.resolve() for path in parser.parse_args().sources]))
