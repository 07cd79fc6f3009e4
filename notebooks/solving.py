"""For the notebook of solutions: each exercise begins in a fresh copy of one pristine workspace.

A copy takes a twentieth of the time of a new one. It has the keys of the pristine one, which nobody ever used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from places import own_directory

from sotepki.errors import Fault
from sotepki.training import Exercise, task
from sotepki.workspace import Workspace

_open: list[Workspace] = []


def begin(task_id: str) -> tuple[Workspace, Exercise, Mapping[str, str]]:
    """A fresh workspace, the task opened in it, and what its preparation names.

    Raises:
        Fault: the task is done before anybody did anything, or cannot be prepared.
    """
    leave()
    workspace = Workspace.open(_copy(_pristine()))
    _open.append(workspace)
    exercise = task(task_id, workspace)
    if exercise.scene is None:
        raise Fault(exercise.trouble)
    if exercise.check():
        raise Fault(f"The task {task_id} is done before it is begun.")
    return workspace, exercise, exercise.scene.names


def leave() -> None:
    """Close and remove the workspace of the task before."""
    while _open:
        workspace = _open.pop()
        workspace.close()
        shutil.rmtree(workspace.directory.parent, ignore_errors=True)


@cache
def _pristine() -> Path:
    directory = _directory()
    # A workspace in PostgreSQL is not copied with its directory; this one is always a file.
    kept = os.environ.pop("SOTEPKI_DATABASE_URL", None)
    try:
        with Workspace.create(directory, card_keys=8):
            return directory
    finally:
        if kept is not None:
            os.environ["SOTEPKI_DATABASE_URL"] = kept


def _copy(source: Path) -> Path:
    target = _directory()
    shutil.copytree(source, target)
    return target


def _directory() -> Path:
    return own_directory("solutions") / "workspace"
