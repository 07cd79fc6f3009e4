"""What every story of the notebooks needs: a workspace of its own, refusals that are told, kindness when cells are
run out of order, and the table of the rules that were shown."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from IPython import get_ipython
from IPython.display import Markdown

from sotepki.clock import SetClock
from sotepki.errors import Refused, SotepkiError
from sotepki.rulebook import whole_book
from sotepki.workspace import Workspace

T = TypeVar("T")

_open: dict[str, Workspace] = {}


def new_workspace(name: str, *, at: datetime | None = None, card_keys: int = 2) -> Workspace:
    """A new workspace in a directory that is removed when the kernel ends.

    Running the cell again closes the former workspace of that name and begins anew.

    Args:
        at: the moment at which its clock stands; by default it has the machine's time.
    """
    close(name)
    directory = Path(tempfile.mkdtemp(prefix=f"sotepki-{name}-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    workspace = Workspace.create(directory / "workspace", clock=SetClock(at) if at else None, card_keys=card_keys)
    _open[name] = workspace
    return workspace


def close(name: str) -> None:
    """Close the workspace of that name, if there is one."""
    former = _open.pop(name, None)
    if former is not None:
        former.close()


def attempt(what: str, deed: Callable[[], T]) -> T | None:
    """Try something; if a rule says no, print why and under which rule."""
    try:
        return deed()
    except Refused as refusal:
        print(f"{what}: refused.")
        print(f"  why:  {refusal.sentence}")
        print(f"  rule: {refusal.rule}")
        return None


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table that Jupyter, a static page and a printout show alike."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return Markdown("\n".join(lines))  # type: ignore[no-untyped-call]


def rules_shown(*ids: str) -> Markdown:
    """What the rule book says of the rules that a notebook showed.

    Raises:
        KeyError: a rule is not in the book, so the notebook tells of something that is not there any more.
    """
    book = whole_book()
    rules = [book[rule_id].rule for rule_id in ids]
    return table(
        ("Rule", "What it asks", "How firmly it is known"),
        [(f"`{rule.id}`", rule.text, f"{rule.grade}, {rule.basis}") for rule in rules],
    )


def be_kind() -> None:
    """From now on, a cell that was run too early says which name it lacks, and an error of sotepki tells its advice.

    The cell still fails, so a run of the whole notebook still finds it.
    """
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, SotepkiError), _tell)


def _tell(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    del shell, kind, trace, tb_offset
    if isinstance(error, SotepkiError):
        lines = [error.sentence, *([f"What to do: {error.advice}"] if error.advice else [])]
    else:
        lines = [
            f"This cell needs '{getattr(error, 'name', '') or error}', which a cell above it makes.",
            "What to do: choose 'Run All Above Selected Cell' in the menu Run, then run this cell again.",
        ]
    print("\n".join(lines))
    return lines
