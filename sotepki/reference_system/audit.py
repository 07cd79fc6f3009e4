"""The audit log: who did what and when, one JSON line each, chained so that a change in the past shows."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from sotepki.clock import Clock
from sotepki.errors import Fault


@dataclass
class AuditLog:
    """A log in a file. It holds registration numbers and document ids, never identity codes, PINs or contents."""

    path: Path
    clock: Clock
    _previous: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        self._previous = _digest(lines[-1]) if lines else ""

    def note(self, action: str, who: str = "", **details: str) -> None:
        """Write a line and make sure that it is on the disk."""
        with self._lock:
            row = {"at": self.clock.now().isoformat(), "action": action, "who": who, **details}
            line = json.dumps({**row, "previous": self._previous}, ensure_ascii=False).encode()
            with open(self.path, "ab") as stream:
                stream.write(line + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            self._previous = _digest(line)


def check_audit_log(path: Path) -> int:
    """How many lines the log has.

    Raises:
        Fault: a line was changed, or one was taken out.
    """
    previous = ""
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)["previous"]
        except (ValueError, KeyError, TypeError):
            said = None
        if said != previous:
            raise Fault(f"Line {number} of {path.name} does not follow on the line before it.")
        previous = _digest(line)
    return len(lines)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
