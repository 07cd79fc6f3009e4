"""One run of a notebook: a fresh kernel, every cell in order, and what went wrong if something did.

By nbclient, since it fails where other testers pass: a line magic that does not exist prints an error, raises
nothing and takes the rest of its cell with it (docs/field/engineering.md 6, trap 2).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from notebooks.pairs import HERE
from sotepki.tokens import READY_KEYS, KeyPool

KEY_STOCK = "SOTEPKI_NOTEBOOK_KEYS"
"""The variable that names keys for every notebook of a run; making them anew takes longer than most notebooks."""
SENTINEL = "sotepki notebook: reached the end"
SECONDS_A_CELL = 240


@dataclass(frozen=True)
class Run:
    """A notebook after its run: ``content`` has the new outputs; ``problem`` is empty or a sentence."""

    content: nbformat.NotebookNode
    problem: str


def run(content: nbformat.NotebookNode, directory: Path = HERE) -> Run:
    """Execute a notebook in a fresh kernel.

    Args:
        content: its cells; they are not changed.
        directory: where the kernel works. All editions work in the directory of the English one, where the modules
            of the notebooks are.
    """
    done = deepcopy(content)
    client = NotebookClient(
        done, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(directory)}}
    )
    try:
        with _environment() as environment:
            client.execute(env=environment)
    except CellExecutionError as error:
        return Run(done, f"a cell raised an error.\n{error}")
    except CellTimeoutError:
        return Run(done, f"a cell did not end within {SECONDS_A_CELL} seconds.")
    except DeadKernelError:
        return Run(done, "the kernel died.")
    return Run(done, _ending(done))


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """That of the kernel: no two workspaces of one notebook have a key in common, those of two notebooks may."""
    if KEY_STOCK not in os.environ:
        yield dict(os.environ)
        return
    stock = Path(os.environ[KEY_STOCK])
    with tempfile.TemporaryDirectory(prefix="ready-", dir=stock.parent) as ready:
        KeyPool(stock).repeat(Path(ready))
        yield {**os.environ, READY_KEYS: ready}


def _ending(done: nbformat.NotebookNode) -> str:
    for cell in done.cells:
        if any("magic function" in text for text in _printed(cell, "stderr")):
            return f"a magic was not found: {cell.source.splitlines()[0]}"
    if not done.cells or not any(SENTINEL in text for text in _printed(done.cells[-1], "stdout")):
        return "the last cell did not say that the end was reached."
    return ""


def _printed(cell: nbformat.NotebookNode, stream: str) -> list[str]:
    return [output.text for output in cell.get("outputs", []) if output.get("name") == stream]
