"""A source and the notebooks that are made of it: one in English, or one in each of its languages.

A source of several languages names its editions in its header (``sotepki: languages: {fi: NAME, sv: NAME}``); English
keeps the source's name. All lie side by side, so that each finds the modules of the notebooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext  # type: ignore[import-untyped]
import nbformat
import yaml

ENGLISH = "en"
LANGUAGES = (ENGLISH, "fi", "sv")


@dataclass(frozen=True)
class Edition:
    """A notebook in one language, and the source it is built from."""

    source: Path
    language: str
    notebook: Path


def editions(source: Path) -> tuple[Edition, ...]:
    """The notebooks of a source: one in English, or one for each of its languages."""
    names = {ENGLISH: source.stem, **_named(source)}
    return tuple(Edition(source, language, source.with_name(f"{name}.ipynb")) for language, name in names.items())


def edition_of(notebook: Path) -> Edition | None:
    """Which edition a notebook is; None if no source beside it makes such a notebook."""
    source = notebook.with_suffix(".py")
    candidates = [source] if source.exists() else many_languages(notebook.parent)
    found = (edition for candidate in candidates for edition in editions(candidate))
    return next((edition for edition in found if edition.notebook == notebook), None)


def cells_of(edition: Edition) -> nbformat.NotebookNode:
    """The notebook as its source wants it, without outputs."""
    content: nbformat.NotebookNode = jupytext.read(edition.source)
    if _named(edition.source):
        content.cells = [cell for cell in content.cells if cell.metadata.get("lang") in (None, edition.language)]
        content.metadata["sotepki"] = {"language": edition.language}
    return content


def many_languages(directory: Path) -> list[Path]:
    """The sources that have editions in several languages."""
    return [source for source in sorted(directory.glob("[0-9]*.py")) if _named(source)]


def _named(source: Path) -> dict[str, str]:
    return _header(source, source.stat().st_mtime_ns)


@cache
def _header(source: Path, _changed: int) -> dict[str, str]:
    head, begun = [], False
    for line in source.read_text(encoding="utf-8").splitlines():
        if line == "# ---":
            if begun:
                break
            begun = True
        elif begun:
            head.append(line.removeprefix("# "))
    jupyter = (yaml.safe_load("\n".join(head)) or {}).get("jupyter", {})
    return dict(jupyter.get("sotepki", {}).get("languages", {}))
