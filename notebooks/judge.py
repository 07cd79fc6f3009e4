"""A pytest plugin: each notebook is executed once, and everything that is asked of it is asked of that one run.

nbval and nbclient are both needed, two executions are not. nbclient executes, because nbval passes some notebooks
that are broken (``running``). nbval compares: its markers say which cells count, its sanitiser evens out what varies,
its own comparison decides and prints the difference. What it compares is the output of a run known to be whole.

A cell marked in its title (``# %% NBVAL_CHECK_OUTPUT``) counts as marked: jupytext keeps the title as metadata, where
nbval alone does not look, and would compare nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams  # type: ignore[import-untyped]

from notebooks.discretion import indiscretions
from notebooks.pairs import MARKER, out_of_step
from notebooks.running import Run, run


class BrokenNotebook(Exception):
    """A notebook is not as it should be; the message is a sentence."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every notebook that is named on the command line, and nothing else."""
    if file_path.suffix != ".ipynb":
        return None
    notebook: pytest.Collector = ExecutedNotebook.from_parent(parent, path=file_path)
    return notebook


class ExecutedNotebook(IPyNbFile):  # type: ignore[misc]
    """A notebook, executed when the first of its judgements asks for it."""

    @cached_property
    def executed(self) -> Run:
        """The one run. A notebook that is not its source, or shows what it must not, is not run at all."""
        problem = out_of_step(self.path) or "\n".join(indiscretions(self.path))
        if problem:
            return Run(self.nb, problem)
        done = run(self.nb)
        return replace(done, problem=f"{self.path.name}: {done.problem}") if done.problem else done

    def setup(self) -> None:
        """Read the sanitiser; the kernel is nbclient's."""
        self.setup_sanitize_files()

    def collect(self) -> Any:
        self.nb = nbformat.read(self.path, as_version=4)  # type: ignore[no-untyped-call]
        yield Whole.from_parent(self, name="executed to its end")
        self.compare_outputs = False  # nbval's "lax": only what is marked
        code = [cell for cell in self.nb.cells if cell.cell_type == "code"]
        for found, cell in zip(super().collect(), code, strict=True):
            if found.options["check"] or MARKER in cell.metadata.get("title", ""):
                yield ComparedCell.from_parent(
                    self, name=found.name, cell_num=found.cell_num, cell=found.cell, options=found.options
                )


class Whole(pytest.Item):
    """The notebook as a whole: as its source, discreet, without an error, to the last cell."""

    def runtest(self) -> None:
        if problem := self.parent.executed.problem:  # type: ignore[union-attr]
            raise BrokenNotebook(problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, BrokenNotebook):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"


class ComparedCell(IPyNbCell):  # type: ignore[misc]
    """One marked cell: its new output is compared with the committed one, by nbval."""

    def runtest(self) -> None:
        done = self.parent.executed
        if done.problem:
            pytest.skip("the notebook did not run to its end")
        code = [cell for cell in done.content.cells if cell.cell_type == "code"]
        if self.cell.execution_count is None:
            self.raise_cell_error("The committed notebook has not been run")
        if not self.compare_outputs(
            coalesce_streams(code[self.cell_num].outputs), coalesce_streams(self.cell.outputs)
        ):
            self.raise_cell_error("Cell outputs differ", "\n".join(self.comparison_traceback))
