"""The audit log: who did what and when, one JSON line each, chained so that a change in the past shows."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sotepki.clock import Clock
from sotepki.errors import Fault
from sotepki.tokens.storage import locked


@dataclass
class AuditLog:
    """A log in a file. It holds registration numbers and document ids, never identity codes, PINs or contents.

    Several processes may write one log, each line after the last one in the file, whoever wrote that.
    """

    path: Path
    clock: Clock
    _previous: str = field(default="", repr=False)
    _end: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def note(self, action: str, who: str = "", **details: str) -> None:
        """Write a line and make sure that it is on the disk."""
        with locked(self.path), open(self.path, "r+b") as stream:
            # A file that has become shorter is not caught up with: then the chain shows that lines were cut off.
            if stream.seek(0, os.SEEK_END) > self._end:
                self._catch_up(stream)
            self._write(stream, {"action": action, "who": who, **details})

    def _catch_up(self, stream: IO[bytes]) -> None:
        """Take the last line for the previous one; what a crash left of a broken line goes into a note."""
        stream.seek(self._end)
        whole, newline, broken = stream.read().rpartition(b"\n")
        if newline:
            self._previous = _digest(whole.rpartition(b"\n")[2])
        if broken:
            stream.seek(-len(broken), os.SEEK_END)
            self._write(stream, {"action": "line broken off", "who": "", "line": broken.decode("utf-8", "replace")})

    def _write(self, stream: IO[bytes], row: dict[str, str]) -> None:
        row = {"at": self.clock.now().isoformat(), **row, "previous": self._previous}
        line = json.dumps(row, ensure_ascii=False).encode()
        stream.write(line + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
        self._previous, self._end = _digest(line), stream.tell()


def check_audit_log(path: Path) -> int:
    """How many lines the log has.

    Raises:
        Fault: a line was changed, one was taken out, or the last one was broken off.
    """
    previous, content = "", path.read_bytes()
    lines = content.splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)["previous"]
        except (ValueError, KeyError, TypeError):
            said = None
        if said is None and number == len(lines) and not content.endswith(b"\n"):
            raise Fault(f"Line {number} of {path.name}, the last one, was broken off; the next note will say so.")
        if said != previous:
            raise Fault(f"Line {number} of {path.name} does not follow on the line before it.")
        previous = _digest(line)
    return len(lines)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
