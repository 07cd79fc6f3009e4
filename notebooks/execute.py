"""Execute every notebook and compare it with what is committed: ``python -m notebooks.execute``.

Each is executed once, in a fresh kernel and a workspace of its own, three at a time. What is asked of it, and why
nbclient and nbval share one run, stands in ``judge``. ``--write`` executes from the sources and stores the outputs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat

from notebooks.pairs import HERE, cells_of, editions, notebooks, sources
from notebooks.running import KEY_STOCK, run
from sotepki.tokens import KeyPool, ready_keys
from sotepki.workspace import founding_keys

SANITIZER = HERE / "sanitize.cfg"
# A kernel and its client wait for each other: two at a time leave a sixth of two processors idle.
AT_A_TIME = 3
_CARD_KEYS = 8
ONE_FILE_ONE_PROCESS = ("--dist", "loadfile", "--no-loadscope-reorder")


def judged(paths: list[Path], at_a_time: int) -> int:
    """Execute the notebooks and judge them; the exit code of pytest.

    pytest's root is above all of them: xdist tells files apart by their paths below it, and would lose some. The
    longest begin first, so that no processor waits for one at the end.
    """
    root = os.path.commonpath([path.parent for path in paths])
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", root),
        *("-p", "notebooks.judge", "--nbval-sanitize-with", str(SANITIZER)),
        *("--durations", "0", "--durations-min", "20"),
        *(["-n", str(at_a_time), *ONE_FILE_ONE_PROCESS] if min(at_a_time, len(paths)) > 1 else []),
        *map(str, sorted(paths, key=_length, reverse=True)),
    ]
    return subprocess.run(command, cwd=HERE.parent, check=False).returncode


def _length(notebook: Path) -> int:
    """How much code there is to run, which tells roughly how long it takes."""
    if not notebook.exists():
        return 0
    cells = nbformat.read(notebook, as_version=4).cells  # type: ignore[no-untyped-call]
    return sum(len(cell.source) for cell in cells if cell.cell_type == "code")


def write(notebook: Path) -> str:
    """Execute a notebook from its source and store it with its outputs; empty, or a sentence if it is broken.

    Of a broken one nothing is stored.
    """
    content = cells_of(notebook)
    content.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"})
    done = run(content)
    if done.problem:
        return f"{notebook.name}: {done.problem}"
    for cell in done.content.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    nbformat.write(done.content, notebook)  # type: ignore[no-untyped-call]
    return ""


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs with neighbours of one stream made one: into how many pieces a kernel cuts it is chance.

    Neighbours only: nbval's ``coalesce_streams`` would move what is printed below a picture to above it.
    """
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="notebooks.execute", description=__doc__)
    parser.add_argument("--write", action="store_true", help="execute from the sources and store the outputs")
    parser.add_argument("--jobs", type=int, default=AT_A_TIME, help="how many at a time (default: %(default)s)")
    parser.add_argument("notebooks", nargs="*", type=Path, help="sources or notebooks; without, all")
    options = parser.parse_args(arguments)
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    os.environ["SOTEPKI_WIDGETS"] = "off"  # nobody clicks here: widgets show their tables
    with tempfile.TemporaryDirectory(prefix="sotepki-notebooks-") as place:
        os.environ.setdefault("IPYTHONDIR", str(Path(place, "ipython")))
        os.environ[KEY_STOCK] = str(Path(place, "keys"))
        KeyPool(Path(os.environ[KEY_STOCK]), ready_keys()).fill(founding_keys(_CARD_KEYS))
        if options.write:
            wanted = [path.resolve() for path in options.notebooks] or sources()
            return _written([edition for path in wanted for edition in _editions(path)], options.jobs)
        chosen = [path.resolve().with_suffix(".ipynb") for path in options.notebooks]
        return judged(chosen or notebooks(), options.jobs)


def _editions(path: Path) -> list[Path]:
    """All notebooks of a source; of a notebook, itself."""
    return editions(path) if path.suffix == ".py" else [path]


def _written(chosen: list[Path], at_a_time: int) -> int:
    """Spawned, not forked: nothing of one notebook's run is in the process of another's."""
    with ProcessPoolExecutor(at_a_time, mp_context=get_context("spawn")) as processes:
        problems = [problem for problem in processes.map(write, chosen) if problem]
    for problem in problems:
        print(f"notebooks: {problem}", file=sys.stderr)
    if not problems:
        print(f"notebooks: executed and written: {', '.join(path.name for path in chosen)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
