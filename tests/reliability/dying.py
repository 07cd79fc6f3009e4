"""Dying at a named step: a process is ended with SIGKILL just before the step, as by a power cut.

Steps are every statement that changes the database, every commit (before and after), every file that is put in its
place or removed, and every signature of a certificate authority. Nothing in the product knows of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from sotepki.dvv.authority import certification

_FILES = frozenset({"os.rename", "os.remove", "os.mkdir", "shutil.copytree"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE"})


class Steps:
    """Counts the steps of this process and ends it, with its children if ``all_of_us``, before step ``at``."""

    def __init__(self, at: int | None = None, *, all_of_us: bool = False) -> None:
        self.names: list[str] = []
        self.at = at
        self.all_of_us = all_of_us

    def __call__(self, name: str) -> None:
        if len(self.names) == self.at:
            if self.all_of_us:
                os.killpg(0, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)


def note(path: Path, line: str) -> None:
    """Append a line that is there even if the process dies right after."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def arm(steps: Callable[[str], None], signed: Path) -> None:
    """Call ``steps`` at every step of this process, and note each serial number that was signed."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _statement(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        words = statement.split(maxsplit=3)
        if words and words[0] in _CHANGES:
            steps(f"{words[0].lower()} {words[1 if words[0] == 'UPDATE' else 2]}")

    @event.listens_for(Engine, "commit")
    def _before_commit(_connection: Any) -> None:
        steps("before the commit")

    @event.listens_for(Session, "after_commit")
    def _after_commit(_session: Any) -> None:
        steps("after the commit")

    def _file(name: str, _arguments: Any) -> None:
        if name in _FILES:
            steps(name)

    sys.addaudithook(_file)
    issue_der = certification.issue_der

    def _issue_der(*arguments: Any, **named: Any) -> bytes:
        made = issue_der(*arguments, **named)
        note(signed, f"{x509.load_der_x509_certificate(made).serial_number:x}")
        steps("signed")
        return made

    certification.issue_der = _issue_der
