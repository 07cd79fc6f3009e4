"""The file of a database of SQLite: made for its owner alone, and told from another one in its place."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sqlalchemy import URL

from sotepki.errors import Misuse


class BooksFile:
    """The file that an address names; ``path`` is empty if it names none.

    SQLite goes on with a file that was removed, and what it is told from then on is lost. So which file was opened
    is remembered from the first connection on. Its number is not given to another file while a connection is open.
    """

    def __init__(self, url: URL) -> None:
        named = url.database or ":memory:"
        is_file = url.get_backend_name() == "sqlite" and not named.startswith((":", "file:"))
        self.path = os.path.abspath(named) if is_file else ""
        self._opened: tuple[int, int] | None = None

    def make(self) -> None:
        """Make the file before SQLite does it, for its owner alone.

        People stand in it, and letters until they are sent. The files beside it (write-ahead log) get the same
        permissions.
        """
        if not self.path:
            return
        # Never a file that is there (O_EXCL): closing it would take from this process every lock that SQLite
        # holds on it (POSIX; sqlite.org/howtocorrupt.html 2.2), and what is written next would be lost.
        with contextlib.suppress(OSError):  # SQLite says it better
            os.close(os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def remove(self) -> None:
        """Remove the file; before it those beside it, for a log that is left would be played into the next file."""
        for ending in ("-wal", "-shm", "-journal", ""):
            Path(self.path + ending).unlink(missing_ok=True)

    def opened(self) -> None:
        """A connection was opened; of several, the first says which file it is."""
        if self._opened is None:
            self._opened = self._found()

    def closed(self) -> None:
        """Every connection was closed: who opens the file again takes the one that is there then."""
        self._opened = None

    def require(self) -> None:
        """Let the file pass that was opened.

        Raises:
            Misuse: it is not there any more, or another one is.
        """
        if self._opened is not None and self._found() != self._opened:
            raise gone()

    def _found(self) -> tuple[int, int] | None:
        if not self.path:
            return None
        with contextlib.suppress(OSError):
            there = os.stat(self.path)
            return there.st_dev, there.st_ino
        return None


def gone() -> Misuse:
    """What is said of a workspace whose place another one has taken, or none."""
    return Misuse(
        "The workspace was moved, removed or made anew since it was opened.",
        advice="Open it again, and start its services again.",
    )
