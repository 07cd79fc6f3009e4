"""Threads that compute in turns: one at a time, and the next while that one waits for somebody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Turn:
    """Held by the thread that computes.

    Python runs one thread at a time; several that compute take the interpreter from each other all the time, which
    costs a quarter of the work. A thread that waits for an answer of another service gives its turn up meanwhile.

    Attributes:
        when_given_up: called by that thread, so that there is another one to take the turn.
    """

    def __init__(self) -> None:
        self.when_given_up: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and hold it while the block runs."""
        with self._lock:
            self._mine.taken = True
            try:
                yield
            finally:
                self._mine.taken = False

    def given_up(self, wait: Callable[P, T]) -> Callable[P, T]:
        """``wait``, without the turn while it runs; for a thread that has no turn the same as ``wait``."""

        def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
            if not getattr(self._mine, "taken", False):
                return wait(*args, **kwargs)
            self._lock.release()
            try:
                if self.when_given_up is not None:
                    self.when_given_up()
                return wait(*args, **kwargs)
            finally:
                self._lock.acquire()

        return waiting
