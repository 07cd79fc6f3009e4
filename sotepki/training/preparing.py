"""Preparing a task's situation in a workspace: once, and to its end also when a run was killed halfway.

That a preparation has begun is written down before it begins. Who opens the task after a kill lets it run again; its
steps then go on with what is there (``begun_before``) instead of being refused because of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import select

from sotepki.errors import Misuse, Refused
from sotepki.journey import Cast
from sotepki.training.tables import BEGUN, BEGUN_AGAIN, SceneRow
from sotepki.training.tasks import Task, named_function
from sotepki.workspace import Workspace


def prepared(opened: Task, workspace: Workspace, cast: Cast) -> Mapping[str, str]:
    """Prepare a task's situation in a workspace once, and give the names that its texts use.

    Raises:
        Refused, Misuse: the workspace is not in a state in which the situation can be prepared.
    """
    if not opened.prepare:
        return {}
    with workspace.records.look() as session:
        row = session.get(SceneRow, opened.id)
        known = row.names if row is not None else ""
    if known not in ("", BEGUN, BEGUN_AGAIN):
        names: dict[str, str] = json.loads(known)
        return names
    _write(workspace, opened.id, BEGUN_AGAIN if known else BEGUN, "training.begin")
    try:
        returned = named_function("scenes", opened.prepare)(workspace, cast)
    except (Refused, Misuse):
        if not known:
            _forget(workspace, opened.id)  # the workspace went another way; nothing of it is this situation's
        raise
    names = {str(name): str(value) for name, value in returned.items()}
    _write(workspace, opened.id, json.dumps(names), "training.prepare")
    return names


def begun_before(workspace: Workspace) -> bool:
    """Whether a preparation that is under way was begun by a run that did not come to its end."""
    with workspace.records.look() as session:
        return session.scalars(select(SceneRow.task).where(SceneRow.names == BEGUN_AGAIN)).first() is not None


def _write(workspace: Workspace, task: str, names: str, action: str) -> None:
    with workspace.records.change("training", "trainer") as tx:
        tx.session.merge(SceneRow(task=task, prepared_at=tx.now, names=names))
        tx.journal(action, task)


def _forget(workspace: Workspace, task: str) -> None:
    with workspace.records.change("training", "trainer") as tx:
        tx.session.delete(tx.session.get_one(SceneRow, task))
        tx.journal("training.not-prepared", task)
