"""What every story of the notebooks needs: a workspace of its own, refusals that are told, kindness when cells are
run out of order, and the table of the rules that were shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from IPython import get_ipython
from IPython.display import Markdown
from places import own_directory

from sotepki.clock import SetClock
from sotepki.errors import Misuse, Refused, SotepkiError
from sotepki.rulebook import whole_book
from sotepki.workspace import Workspace

T = TypeVar("T")

_open: dict[str, Workspace] = {}
_READY = "ready"


def new_workspace(name: str, *, at: datetime | None = None, card_keys: int = 2) -> Workspace:
    """A new workspace in a directory that is removed when the kernel ends.

    Running the cell again closes the former workspace of that name and begins anew.

    Args:
        at: the moment at which its clock stands; by default it has the machine's time.
    """
    close(name)
    directory = own_directory(name)
    clock = SetClock(at) if at else None
    workspace = Workspace.create(directory / "workspace", clock=clock, card_keys=card_keys)
    _open[name] = workspace
    return workspace


def ready_workspace() -> Workspace:
    """The workspace that ``./run lab`` keeps ready (SOTEPKI_WORKSPACE), opened; run again, it is opened anew.

    Raises:
        Misuse: there is none, or it is from an earlier version; the cell says what to do.
    """
    be_kind()
    close(_READY)
    directory = os.environ.get("SOTEPKI_WORKSPACE")
    if not directory:
        raise Misuse(
            "No workspace stands ready for this notebook.",
            advice="Open it with './run lab', or set SOTEPKI_WORKSPACE to a workspace of 'sotepki init'.",
        )
    _open[_READY] = workspace = Workspace.open(Path(directory))
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


@dataclass(frozen=True)
class KindWords:
    """What a cell that fails says, in the reader's language; ``{name}`` and ``{advice}`` are filled in."""

    needs: str = "This cell needs '{name}', which a cell above it makes."
    run_above: str = "choose 'Run All Above Selected Cell' in the menu Run, then run this cell again."
    what_to_do: str = "What to do: {advice}"
    text: str = "A text stands where something else is asked for."
    no_text: str = "a person is cast.person(...), a document passport(workspace), a day date(2030, 1, 31)."


def be_kind(words: KindWords | None = None) -> None:
    """From now on, a cell that was run too early says which name it lacks, and an error of sotepki tells its advice.

    So does one that gave a text, such as an identity code in quotation marks, where a person or a day was asked for.
    The cell still fails, so a run of the whole notebook still finds it.
    """
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, AttributeError, SotepkiError), partial(_tell, words or KindWords()))


def _tell(
    words: KindWords,
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    if isinstance(error, SotepkiError):
        sentence, advice = error.sentence, error.advice
    elif isinstance(error, AttributeError):
        if not isinstance(error.obj, str):
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return []
        sentence, advice = words.text, words.no_text
    else:
        sentence = words.needs.format(name=getattr(error, "name", "") or error)
        advice = words.run_above
    lines = [sentence, *([words.what_to_do.format(advice=advice)] if advice else [])]
    print("\n".join(lines))
    return lines
