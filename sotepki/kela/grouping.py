"""Group commit: what arrives while the disk is busy is written together, with the next visit to the disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")

LARGEST_GROUP = 64
_LINGER_SECONDS = 0.02
"""How long a group waits at most for members that are on their way; about as long as a visit to the disk takes."""


class CommitGroups(Generic[T, A]):
    """Hands what is waiting to ``settle``, one group after another, in a thread of its own; for one event loop.

    A group waits a little for members that are ``coming``. ``settle`` gets a group and gives an answer for each
    member, in order. It should not raise; what it raises nevertheless reaches every member of the group.
    """

    def __init__(self, settle: Callable[[Sequence[T]], Sequence[A]]) -> None:
        self.groups = 0
        self._settle = settle
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kanta-books")
        self._waiting: list[tuple[T, asyncio.Future[A]]] = []
        self._working: asyncio.Task[None] | None = None
        self._coming = 0
        self._all_here = asyncio.Event()

    async def settle(self, member: T) -> A:
        """The answer to ``member``, when its group is settled."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((member, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Say, while the block runs, that a member is on its way."""
        self._coming += 1
        self._all_here.clear()
        try:
            yield
        finally:
            self._coming -= 1
            if not self._coming:
                self._all_here.set()

    def close(self) -> None:
        """Let the group that is being settled come to its end."""
        self._writer.shutdown(wait=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._coming:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._all_here.wait(), _LINGER_SECONDS)
                group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
                self.groups += 1
                try:
                    answers = await loop.run_in_executor(self._writer, self._settle, [member for member, _ in group])
                except BaseException as error:
                    for _, future in group:
                        if not future.done():
                            future.set_exception(error)
                    if not isinstance(error, Exception):
                        raise
                    continue
                for (_, future), answer in zip(group, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        finally:
            self._working = None
