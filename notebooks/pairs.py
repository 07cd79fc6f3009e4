"""Which notebooks there are, and whether each says what its source says (jupytext pairs, ``py:percent`` the source).

A source of several languages makes several notebooks (``languages``).
"""

from __future__ import annotations

from pathlib import Path

import nbformat

from notebooks import editions as made

HERE = Path(__file__).resolve().parent
MARKER = "NBVAL_CHECK_OUTPUT"
TAG = "nbval-check-output"


def notebooks(directory: Path = HERE) -> list[Path]:
    """The notebooks of a directory, in order."""
    return sorted(directory.glob("*.ipynb"))


def sources(directory: Path = HERE) -> list[Path]:
    """The sources of the notebooks: the modules that begin with jupytext's header."""
    return [path for path in sorted(directory.glob("*.py")) if path.read_text(encoding="utf-8").startswith("# ---\n")]


def editions(source: Path) -> list[Path]:
    """The notebooks that are written from a source, one for each of its languages."""
    return [edition.notebook for edition in made.editions(source)]


def cells_of(notebook: Path) -> nbformat.NotebookNode:
    """The notebook as its source has it, without outputs; a cell that is marked in its title has nbval's tag as well.

    Raises:
        FileNotFoundError: it has no source.
    """
    edition = made.edition_of(notebook)
    if edition is None:
        raise FileNotFoundError(2, "no source", str(notebook.with_suffix(".py")))
    content = made.cells_of(edition)
    for number, cell in enumerate(content.cells):
        cell["id"] = f"cell-{number:03d}"
        if MARKER in cell.metadata.get("title", "") and TAG not in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), TAG]
    return content


def out_of_step(notebook: Path) -> str:
    """Empty if notebook and source have the same cells, else a sentence."""
    try:
        meant = cells_of(notebook)
    except FileNotFoundError as missing:
        return f"{notebook.name} has no source {Path(missing.filename).name}."
    if _cells(nbformat.read(notebook, as_version=4)) != _cells(meant):  # type: ignore[no-untyped-call]
        return f"{notebook.name} and its source differ; run 'python -m notebooks.execute --write'."
    return ""


def _cells(content: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in content.cells]
