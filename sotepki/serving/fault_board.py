"""Which service is faulty at the moment: set from code, or from another process through a file."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sotepki.errors import Misuse, SotepkiError
from sotepki.records import write_atomically

ALL = "*"
"""Stands for every service that has no faults of its own."""

LARGEST_FILE = 64 * 1024

_log = logging.getLogger(__name__)


class Faults(Protocol):
    """Faults of one service; false if there are none. ``answers`` limits how many answers are faulty, 0: all."""

    @property
    def answers(self) -> int: ...

    def as_dict(self) -> dict[str, Any]: ...

    def __bool__(self) -> bool: ...


F = TypeVar("F", bound=Faults)


class Tally(Protocol):
    """Counts faulty answers for several boards on one file."""

    def take(self, key: str, board: object) -> int:
        """Count one for a service; how many there were before it, since the board was last written."""
        ...


class FaultBoard(Generic[F]):
    """The faults of every service by name; safe to use from several threads.

    With ``path`` the board is a file that every process of the workspace shares: what one writes, a running service
    shows with the next answer. Without it the board lives in memory. Each process counts its faulty answers for
    itself, unless they share a ``tally``.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        none: F,
        read: Callable[[Mapping[str, Any]], F],
        title: str,
        advice: str,
        tally: Tally | None = None,
    ) -> None:
        self._path = path
        self._none = none
        self._read = read
        self._title = title
        self._advice = advice
        self._tally = tally
        self._lock = threading.Lock()
        self._faults: dict[str, F] = {}
        self._given: dict[str, int] = {}
        self._seen: tuple[int, int, int] | None = None

    def of(self, name: str) -> F:
        """The faults that the next answer of a service shows; counts it where only so many are to be faulty."""
        with self._lock:
            self._look(strict=False)
            key = name if name in self._faults else ALL
            faults = self._faults.get(key)
            if faults is None:
                return self._none
            return self._none if faults.answers and self._spent(key, faults.answers) else faults

    def all(self) -> Mapping[str, F]:
        """All faults that are set, by the name of the service or ``ALL``.

        Raises:
            Misuse: the file of the board is damaged.
        """
        with self._lock:
            self._look(strict=True)
            return dict(self._faults)

    def set(self, name: str, faults: F) -> None:
        """Let a service be faulty from the next answer on; faults that are none end it."""
        with self._lock:
            self._look(strict=False)
            self._faults.pop(name, None)
            self._given.pop(name, None)
            if faults:
                self._faults[name] = faults
            self._save()

    def clear(self) -> None:
        """Let every service be honest again."""
        with self._lock:
            self._faults.clear()
            self._given.clear()
            self._save()

    def parse(self, data: bytes, name: str) -> dict[str, F]:
        """The faults in the bytes of a board's file.

        Raises:
            Misuse: they are not JSON of the right shape, or name an unknown fault or a bad value.
        """
        try:
            rows: Any = json.loads(data) if len(data) <= LARGEST_FILE else None
        except (ValueError, RecursionError):
            rows = None
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise Misuse(f"{name} is not a board of {self._title}.", advice=self._advice)
        return {key: self._read(row) for key, row in rows.items()}

    def _spent(self, key: str, answers: int) -> bool:
        """Whether so many faulty answers were given; if not, one more is now."""
        before = self._given.get(key, 0)
        if before < answers and self._tally is not None:
            before = self._tally.take(key, self._seen)
        self._given[key] = before + 1
        return before >= answers

    def _save(self) -> None:
        if self._path is None:
            return
        rows = {name: faults.as_dict() for name, faults in sorted(self._faults.items())}
        write_atomically(self._path, json.dumps(rows, indent=2).encode() + b"\n")
        self._seen = self._state()

    def _state(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _look(self, *, strict: bool) -> None:
        if self._path is None:
            return
        state = self._state()
        if state == self._seen and not strict:
            return
        try:
            read = {} if state is None else self.parse(self._path.read_bytes(), self._path.name)
        except (OSError, SotepkiError) as error:
            if strict:
                raise
            # A running service goes on with what it knew; the person who wrote the file sees it in the log.
            _log.error("The %s stay as they were: %s", self._title, error)
        else:
            if state != self._seen:
                self._faults, self._given = read, {}
        self._seen = state
