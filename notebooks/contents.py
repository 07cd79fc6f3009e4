"""The start page: which notebooks there are, whose they are, how long each takes to read.

``python -m notebooks.contents`` prints ``notebooks/README.md``, which ``./run lab`` shows beside the tour.
"""

from __future__ import annotations

from dataclasses import dataclass

import nbformat

from notebooks.editions import ENGLISH, Edition, cells_of, editions
from notebooks.pairs import HERE, sources
from sotepki.errors import Fault
from sotepki.evidence import load_yaml

PAGE = HERE / "README.md"
# What a careful reader of the field manages: words of prose and lines of code in a minute.
WORDS_A_MINUTE = 130
LINES_A_MINUTE = 12
_LANGUAGES = {"en": "English", "fi": "suomi", "sv": "svenska"}

_HEAD = """\
# Start here

Each notebook is the work of one role, told with people who do not exist and run with cryptography that does. Begin
with the tour; then take whichever is your own work. A notebook makes a workspace of its own and removes it at the
end, so nothing that you try can do harm. Run it again whenever you like, from its first cell: *Run > Restart Kernel
and Run All Cells*.

{table}

Everything is TEST: names say so, identity codes are of the 900-series, keys are made when a notebook runs.

## Your own workspace

`./run lab` keeps a workspace ready for what you want to try yourself. In a terminal (*File > New > Terminal*) every
`sotepki` command works in it; begin with `sotepki --help`. In a notebook:

```python
from story import ready_workspace

workspace = ready_workspace()
```

## When a cell will not run

- *It says that a name is missing.* A cell above it has not been run: *Run > Run All Above Selected Cell*.
- *It worked once and now refuses.* Cells that grant, order or revoke do it really; begin again with *Run > Restart
  Kernel and Run All Cells*.
- *It says that something is not installed.* `./run setup` installs it.
"""


@dataclass(frozen=True)
class Entry:
    """A notebook on the start page; ``minutes`` is an estimate of its reading time."""

    whose: str
    title: str
    about: str
    minutes: int
    files: tuple[Edition, ...]


def entries() -> list[Entry]:
    """The notebooks in order.

    Raises:
        Fault: a notebook is not in ``contents.yaml``.
    """
    listed = load_yaml(HERE / "contents.yaml")
    found = []
    for source in sources():
        line = listed.get(source.stem[:2]) or listed.get(source.stem)
        if line is None:
            raise Fault(f"{source.name} is not in contents.yaml.", advice="Add a line that says for whom it is.")
        files = editions(source)
        english = cells_of(next(edition for edition in files if edition.language == ENGLISH))
        prose = next(cell.source for cell in english.cells if cell.cell_type == "markdown")
        title = prose.splitlines()[0].lstrip("# ")
        found.append(Entry(line["whose"], title, line["about"], _minutes(english), files))
    return found


def page() -> str:
    """The start page in Markdown."""
    rows = ["| Whose | Notebook | What happens | Minutes |", "|---|---|---|---:|"]
    for entry in entries():
        links = " · ".join(f"[{_LANGUAGES[one.language]}]({one.notebook.name})" for one in entry.files[1:])
        title = f"[{entry.title}]({entry.files[0].notebook.name})" + (f"<br>{links}" if links else "")
        rows.append(f"| {entry.whose} | {title} | {entry.about} | {entry.minutes} |")
    return _HEAD.format(table="\n".join(rows))


def _minutes(content: nbformat.NotebookNode) -> int:
    """The reading time, rounded to five minutes."""
    words = sum(len(cell.source.split()) for cell in content.cells if cell.cell_type == "markdown")
    code = (cell.source.splitlines() for cell in content.cells if cell.cell_type == "code")
    lines = sum(1 for cell in code for line in cell if line.strip())
    return max(5, 5 * round((words / WORDS_A_MINUTE + lines / LINES_A_MINUTE) / 5))


if __name__ == "__main__":
    print(page(), end="")
