"""How many answers were faulty, when several processes give them: counted in a file, one process at a time."""

from __future__ import annotations

import fcntl
import json
import logging
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileTally:
    """A ``Tally`` of the processes that name the same file."""

    path: Path

    def take(self, key: str, board: object) -> int:
        """Count one for ``key``; how many there were before it since ``board`` was what it is.

        A file that cannot be kept counts nothing: the fault goes on, and the log says why.
        """
        try:
            with open(self.path, "a+", encoding="ascii", errors="replace") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, or the process is killed
                file.seek(0)
                given = _read(file.read(), str(board))
                before = given.get(key, 0)
                file.truncate(0)
                file.write(json.dumps({"board": str(board), "given": given | {key: before + 1}}))
            return before
        except OSError as error:
            _log.error("Faulty answers are not counted in %s: %s.", self.path.name, error.strerror)
            return 0


def _read(text: str, board: str) -> dict[str, int]:
    try:
        found = json.loads(text)
        return {str(key): int(count) for key, count in found["given"].items()} if found["board"] == board else {}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}  # a new file, or one that a killed process was writing
