"""The runner of the notebooks finds what is broken: copies are broken in every way that a reader would meet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jupytext  # type: ignore[import-untyped]
import nbformat
import pytest

from notebooks.pairs import HERE
from notebooks.running import SENTINEL

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("keys_of_the_test")]

Notebook = nbformat.NotebookNode
WHOLE = f"""# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A small notebook

# %% NBVAL_CHECK_OUTPUT
print("two and two is", 2 + 2)

# %%
sum(range(5))

# %%
print("{SENTINEL}")
"""


def raised(notebook: Notebook) -> None:
    notebook.cells[2].source = "raise ValueError('broken on purpose')"


def bad_cell_magic(notebook: Notebook) -> None:
    notebook.cells[2].source = "%%bahs\necho hello"


def bad_line_magic(notebook: Notebook) -> None:
    notebook.cells[2].source = "%no_such_magic\nraise ValueError('never reached')"


def no_sentinel(notebook: Notebook) -> None:
    notebook.cells[3].source = "print('the end, more or less')"


def other_output(notebook: Notebook) -> None:
    notebook.cells[1].outputs[0].text = "two and two is 5\n"


def silent(notebook: Notebook) -> None:
    notebook.cells[1].outputs = []


def not_run(notebook: Notebook) -> None:
    notebook.cells[1].outputs, notebook.cells[1].execution_count = [], None


def stopped(notebook: Notebook) -> None:
    notebook.cells[2].source = "import os\nos._exit(3)"


def a_path(notebook: Notebook) -> None:
    notebook.cells[2].outputs[0].data["text/plain"] = "/home/somebody/sotepki/workspace"


def a_key(notebook: Notebook) -> None:
    notebook.cells[2].outputs[0].data["text/plain"] = "-----BEGIN RSA PRIVATE KEY-----"


def a_signature(notebook: Notebook) -> None:
    notebook.cells[2].outputs[0].data["text/plain"] = "QUJD" * 128


# How the copy is broken, and what the runner must say of it.
BREAKS: dict[Callable[[Notebook], None], str] = {
    raised: "broken on purpose",
    bad_cell_magic: "bahs",
    bad_line_magic: "no_such_magic",
    no_sentinel: "the last cell did not say that the end was reached",
    other_output: "Cell outputs differ",
    silent: "Unexpected output fields",
    not_run: "has not been run",
    stopped: "the kernel died",
    a_path: "shows a path of the machine",
    a_key: "shows a private key",
    a_signature: "shows raw bytes in base64",
}


def judged(paths: list[Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "notebooks.execute", *map(str, paths)],
        capture_output=True, text=True, timeout=300, cwd=HERE.parent, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that is as it should be, written by the command that authors use."""
    source = tmp_path_factory.mktemp("whole") / "small.py"
    source.write_text(WHOLE, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "notebooks.execute", "--write", str(source)], check=True, cwd=HERE.parent)
    return source.with_suffix(".ipynb")


def test_every_way_of_breaking_a_notebook_fails_the_run(whole: Path, tmp_path: Path) -> None:
    """Else a page that shows an error, an untruth or a secret would be committed with a green run."""
    broken = []
    for break_it in BREAKS:
        notebook = nbformat.read(whole, as_version=4)  # type: ignore[no-untyped-call]
        break_it(notebook)
        copy = tmp_path / f"{break_it.__name__}.ipynb"
        nbformat.write(notebook, copy)  # type: ignore[no-untyped-call]
        jupytext.write(notebook, copy.with_suffix(".py"), fmt="py:percent")
        broken.append(copy)
    run = judged([whole, *broken])
    assert run.returncode == 1
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    for break_it, sentence in BREAKS.items():
        assert any(f"{break_it.__name__}.ipynb::" in line for line in failed), break_it.__name__
        assert sentence in run.stdout, break_it.__name__
    assert len(failed) == len(BREAKS), "the whole notebook passes, and nothing fails twice"


def test_a_notebook_that_is_not_its_source_fails_without_being_run(whole: Path, tmp_path: Path) -> None:
    copy = tmp_path / "drifted.ipynb"
    copy.write_bytes(whole.read_bytes())
    copy.with_suffix(".py").write_text(WHOLE.replace("A small", "Another small"), encoding="utf-8")
    run = judged([copy])
    assert run.returncode == 1
    assert "differ; run 'python -m notebooks.execute --write'" in run.stdout


def test_a_broken_notebook_is_not_written(tmp_path: Path) -> None:
    """Else its error message would be committed as its output."""
    source = tmp_path / "small.py"
    source.write_text(WHOLE.replace("2 + 2", "2 + two"), encoding="utf-8")
    run = judged([Path("--write"), source])
    assert run.returncode == 1
    assert "name 'two' is not defined" in run.stderr
    assert not source.with_suffix(".ipynb").exists()
