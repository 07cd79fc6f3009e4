"""Two inits that want one place for their books, at the moment when it matters."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sotepki.records import founding
from sotepki.workspace import Workspace

_PATIENCE = 1.0


def inits_at_once(monkeypatch: pytest.MonkeyPatch, address: str, *directories: Path) -> list[Future[Workspace]]:
    """Make workspaces with their books in one place; who finds it empty waits a while for the others to find so too.

    Without a lock all of them find it empty; with one, the first waits in vain and goes on.
    """
    meeting, really = threading.Barrier(len(directories)), founding.is_empty

    def is_empty(connection: Connection) -> bool:
        answer = really(connection)
        if answer:
            with suppress(threading.BrokenBarrierError):
                meeting.wait(_PATIENCE)
        return answer

    with monkeypatch.context() as meeting_there:
        meeting_there.setattr(founding, "is_empty", is_empty)
        with ThreadPoolExecutor(len(directories)) as threads:
            return [threads.submit(Workspace.create, place, database=address) for place in directories]
