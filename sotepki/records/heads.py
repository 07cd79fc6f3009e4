"""The head of the journal, noted outside the database: a journal that was cut off or written anew no longer has it.

The note in the workspace follows every change. It guards against a change of the database alone; who can write to the
workspace's directory can change both, and is found by a head that was noted elsewhere (``audit verify --head``).
"""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sotepki.errors import Fault, Misuse

NOTE = "journal-head.json"

_TEXT = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """The number and the hash of a journal entry that was the last one at some time."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The head in the form ``number:hash``, as ``audit verify`` prints it.

        Raises:
            Misuse: it has another form.
        """
        match = _TEXT.fullmatch(text.strip().lower())
        if match is None:
            raise Misuse(
                f"{text[:80]!r} is no head of a journal.",
                advice="Give NUMBER:HASH, as 'sotepki audit verify' prints.",
            )
        return cls(int(match[1]), match[2])


def note(path: Path, head: Head) -> None:
    """Note the head of a journal whose change is committed; an older one does not replace a newer one.

    Without a sync: after a loss of power the note may be behind the journal, never before it.

    Raises:
        Fault: the note cannot be written; the change stands.
    """
    part = path.with_name(f".{path.name}.{threading.get_native_id()}.{os.getpid()}.part")
    try:
        earlier = noted(path)
        if earlier is not None and earlier.sequence >= head.sequence:
            return
        part.write_text(json.dumps({"sequence": head.sequence, "hash": head.hash}) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Fault(f"The file {path} cannot be written: {error.strerror}.") from error


def noted(path: Path) -> Head | None:
    """The head that was noted; None if there is no note that can be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        head = Head(int(raw["sequence"]), str(raw["hash"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return head if head.sequence >= 0 else None
