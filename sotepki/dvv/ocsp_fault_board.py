"""Which OCSP responder is faulty at the moment: set from code, or from another process through a file."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sotepki.errors import Misuse, SotepkiError
from sotepki.records import write_atomically
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults

ALL = "*"
"""Stands for every responder that has no faults of its own."""

LARGEST_FILE = 64 * 1024

_log = logging.getLogger(__name__)


class FaultBoard:
    """The faults of every responder by publication id; safe to use from several threads.

    With ``path`` the board is a file that every process of the workspace shares: what one writes, a running service
    shows with the next answer. Without it the board lives in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._faults: dict[str, OcspFaults] = {}
        self._given: dict[str, int] = {}
        self._seen: tuple[int, int, int] | None = None

    def of(self, publication_id: str) -> OcspFaults:
        """The faults that the next answer of a responder shows; counts it where only so many are to be faulty."""
        with self._lock:
            self._look(strict=False)
            key = publication_id if publication_id in self._faults else ALL
            faults = self._faults.get(key)
            if faults is None:
                return NO_FAULTS
            if faults.answers:
                given = self._given.get(key, 0)
                if given >= faults.answers:
                    return NO_FAULTS
                self._given[key] = given + 1
            return faults

    def all(self) -> Mapping[str, OcspFaults]:
        """All faults that are set, by publication id or ``ALL``.

        Raises:
            Misuse: the file of the board is damaged.
        """
        with self._lock:
            self._look(strict=True)
            return dict(self._faults)

    def set(self, publication_id: str, faults: OcspFaults) -> None:
        """Let a responder be faulty from the next answer on; ``NO_FAULTS`` ends it."""
        with self._lock:
            self._look(strict=False)
            self._faults.pop(publication_id, None)
            self._given.pop(publication_id, None)
            if faults:
                self._faults[publication_id] = faults
            self._save()

    def clear(self) -> None:
        """Let every responder be honest again."""
        with self._lock:
            self._faults.clear()
            self._given.clear()
            self._save()

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
            read = {} if state is None else read_board(self._path.read_bytes(), self._path.name)
        except (OSError, SotepkiError) as error:
            if strict:
                raise
            # A running service goes on with what it knew; the person who wrote the file sees it in the log.
            _log.error("The OCSP faults stay as they were: %s", error)
        else:
            if state != self._seen:
                self._faults, self._given = read, {}
        self._seen = state


def read_board(data: bytes, name: str) -> dict[str, OcspFaults]:
    """The faults in the bytes of a board's file.

    Raises:
        Misuse: they are not JSON of the right shape, or name an unknown fault or a bad value.
    """
    try:
        rows: Any = json.loads(data) if len(data) <= LARGEST_FILE else None
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise Misuse(
            f"{name} is not a board of OCSP faults.",
            advice="Begin anew with 'sotepki cert ocsp-faults --clear'.",
        )
    return {key: OcspFaults.from_dict(row) for key, row in rows.items()}
