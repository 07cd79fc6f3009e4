"""The notebook of solutions, made from the tasks: each on a fresh workspace, checked before and after.

A solution is Python at top level. It finds ``workspace``, ``cast``, ``exercise`` (the opened task), ``scene`` (what
its preparation returned, by name) and ``passport``. A task with something to hand in expects it in ``answer``.
"""

from __future__ import annotations

from itertools import groupby

from sotepki.training.tasks import ENGLISH, Task, all_tasks

SENTINEL = "sotepki notebook: reached the end"

_HEAD = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions
#
# Every exercise of the notebooks with one way to solve it, each in a fresh workspace, and the check behind it.
#
# Look here after you have tried: a rule that refused you once stays with you longer than one that you read. The page
# is made from `sotepki/training/tasks/` by `python -m sotepki.training solutions`.

# %%
# ruff: noqa
# fmt: off
# mypy: ignore-errors
from solving import begin, leave
from story import be_kind

from sotepki.journey import load_cast
from sotepki.journey.card_holder import passport

be_kind()
cast = load_cast()
"""

_TAIL = f"""
# %%
leave()
print("{SENTINEL}")
"""


def solutions_notebook() -> str:
    """The whole notebook as ``py:percent``."""
    parts = [_HEAD]
    for notebook, tasks in groupby(all_tasks().values(), key=lambda one: one.notebook):
        parts.append(_heading(notebook, list(tasks)))
    return "".join([*parts, _TAIL])


def _heading(notebook: str, tasks: list[Task]) -> str:
    first, *others = tasks
    chapter = f"\n# %% [markdown]\n# ## [{notebook}]({notebook}.ipynb)\n#\n{_title(first)}{_solved(first)}"
    return chapter + "".join(f"\n# %% [markdown]\n{_title(one)}{_solved(one)}" for one in others)


def _title(task: Task) -> str:
    return f"# ### {task.texts[ENGLISH].title}\n"


def _solved(task: Task) -> str:
    check = "exercise.check(answer)" if task.texts[ENGLISH].answer else "exercise.check()"
    return (
        f'\n# %%\nworkspace, exercise, scene = begin("{task.id}")\nexercise\n'
        f"\n# %%\n{task.solution}solved = {check}\nassert solved\nsolved\n"
    )
