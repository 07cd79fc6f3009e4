"""The pen of the archive: processes that settle into the same books wait for each other in a queue."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without it; SQLite's own lock is what keeps the books whole
    fcntl = None  # type: ignore[assignment]


class Pen:
    """A file that one process at a time has locked; without a path nobody waits.

    It keeps nothing whole, the database's own lock does; but SQLite waits for that by looking again, after up to a
    tenth of a second, while whoever waits for a file is woken at once. A process that is killed gives it back.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if fcntl is not None else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the pen, and hold it while the block runs."""
        with contextlib.ExitStack() as given_back:
            if self._path is not None:
                with contextlib.suppress(OSError):  # then it is only slower
                    descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                    given_back.callback(os.close, descriptor)
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
