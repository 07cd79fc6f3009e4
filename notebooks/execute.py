"""Execute every notebook and compare it with what is committed: ``python -m notebooks.execute``.

Three judges, since each alone passes some broken notebooks:

1. jupytext: the ``.ipynb`` has the same cells as its ``.py`` source;
2. nbval: cells marked NBVAL_CHECK_OUTPUT give the committed output again;
3. nbclient: a fresh kernel runs every cell without an error, and the last cell, the sentinel, was reached.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

HERE = Path(__file__).resolve().parent
SANITIZER = HERE / "sanitize.cfg"
SENTINEL = "sotepki notebook: reached the end"
SECONDS_A_CELL = 240


def notebooks(directory: Path = HERE) -> list[Path]:
    """The notebooks of a directory, in order."""
    return sorted(path for path in directory.glob("*.ipynb"))


def out_of_step(notebook: Path) -> str:
    """Empty if notebook and source have the same cells, else a sentence."""
    source = notebook.with_suffix(".py")
    if not source.exists():
        return f"{notebook.name} has no source {source.name}."
    kept = [(cell.cell_type, cell.source.strip()) for cell in nbformat.read(notebook, as_version=4).cells]
    meant = [(cell.cell_type, cell.source.strip()) for cell in jupytext.read(source).cells]
    if kept != meant:
        return f"{notebook.name} and {source.name} differ; run 'python -m notebooks.execute --write'."
    return ""


def run_whole(notebook: Path, *, write: bool = False) -> str:
    """Execute in a fresh kernel and workspace; empty if the sentinel was reached, else a sentence.

    ``write`` stores the outputs in the notebook, with its cells taken from the source.
    """
    content = jupytext.read(notebook.with_suffix(".py")) if write else nbformat.read(notebook, as_version=4)
    content.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"})
    client = NotebookClient(
        content, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return f"{notebook.name}: a cell raised an error.\n{error}"
    except CellTimeoutError:
        return f"{notebook.name}: a cell did not end within {SECONDS_A_CELL} seconds."
    if SENTINEL not in _printed(content.cells[-1]):
        return f"{notebook.name}: the last cell did not say that the end was reached."
    wrong = [cell for cell in content.cells if _is_magic_error(cell)]
    if wrong:
        return f"{notebook.name}: a magic was not found: {wrong[0].source.splitlines()[0]}"
    if write:
        for number, cell in enumerate(content.cells):
            cell["id"] = f"cell-{number:03d}"
            cell.metadata.pop("execution", None)
        nbformat.write(content, notebook)
    return ""


def compare(paths: list[Path]) -> int:
    """nbval over the notebooks; the exit code of pytest."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider"),
        "--nbval-lax",
        *("--nbval-sanitize-with", str(SANITIZER), "--nbval-cell-timeout", str(SECONDS_A_CELL)),
        *map(str, paths),
    ]
    return subprocess.run(command, cwd=HERE.parent, check=False).returncode


def _printed(cell: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.get("outputs", []))


def _is_magic_error(cell: nbformat.NotebookNode) -> bool:
    """A missing line magic prints an error to stderr and raises nothing (seen with IPython)."""
    return any(
        output.get("name") == "stderr" and "magic function" in output.get("text", "")
        for output in cell.get("outputs", [])
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="notebooks.execute", description=__doc__)
    parser.add_argument("--write", action="store_true", help="execute from the sources and store the outputs")
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args(arguments)
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    with tempfile.TemporaryDirectory(prefix="sotepki-ipython-") as profile:
        os.environ.setdefault("IPYTHONDIR", profile)
        return _judge(options.notebooks, write=options.write)


def _judge(chosen: list[Path], *, write: bool) -> int:
    if write:
        sources = [path.with_suffix(".ipynb") for path in chosen] or [
            path.with_suffix(".ipynb") for path in sorted(HERE.glob("[0-9]*.py"))
        ]
        problems = [problem for path in sources if (problem := run_whole(path, write=True))]
    else:
        paths = [path.resolve() for path in chosen] or notebooks()
        problems = [problem for path in paths if (problem := out_of_step(path))]
        problems += [problem for path in paths if (problem := run_whole(path))]
        if not problems and compare(paths):
            problems.append("nbval: a checked output differs from what is committed (see above).")
    for problem in problems:
        print(f"notebooks: {problem}", file=sys.stderr)
    if not problems:
        print("notebooks: all executed and compared.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
