"""Group commit: what arrives while the disk is busy is written together, with the next visit to the disk."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Generic, TypeAlias, TypeVar

from sotepki.kela.turns import Turn

T = TypeVar("T")
A = TypeVar("A")

LARGEST_GROUP = 64
_LINGER_SECONDS = 0.02
"""How long a group waits at most for members that are on their way; about as long as a visit to the disk takes."""

_IN_ONE_TURN = 16
"""Members that a worker makes before another one may; each change of the thread costs caches that go cold."""

_Asked: TypeAlias = "asyncio.Future[tuple[T, A]]"


class CommitGroups(Generic[T, A]):
    """Hands what is waiting to ``settle``, one group after another, in a thread of its own.

    A member is made by a worker, when it is the worker's turn, and goes from there to its group: the event loop hears
    of it only when the whole group is settled. A group waits a little for members that are being made. ``settle``
    gets a group and gives an answer for each member, in order. It should not raise; what it raises nevertheless
    reaches every member.
    """

    def __init__(self, settle: Callable[[Sequence[T]], Sequence[A]], workers: Executor, turn: Turn) -> None:
        self.groups = 0
        self._settle = settle
        self._workers = workers
        self._turn = turn
        turn.when_given_up = self._call_the_next
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kanta-books")
        self._state = threading.Condition()  # guards what follows
        self._ordered: deque[tuple[Callable[[], T], _Asked[T, A]]] = deque()
        self._called = False  # a worker to make what is ordered
        self._waiting: list[tuple[T, _Asked[T, A]]] = []
        self._coming = 0
        self._writing = False

    async def made(self, make: Callable[[], T]) -> tuple[T, A]:
        """What ``make`` makes, and the answer to it when its group is settled. Raises what ``make`` raises."""
        asked: _Asked[T, A] = asyncio.get_running_loop().create_future()
        with self._state:
            self._ordered.append((make, asked))
            self._coming += 1
            self._call_a_worker()
        return await asked

    async def settle(self, member: T) -> A:
        """The answer to a member that is there already."""
        asked: _Asked[T, A] = asyncio.get_running_loop().create_future()
        self._join(member, asked)
        return (await asked)[1]

    def close(self) -> None:
        """Let the groups that are waiting come to their end."""
        self._writer.shutdown(wait=True)

    def _call_a_worker(self) -> None:
        """Have a worker make what is ordered, unless one is at it."""
        if self._ordered and not self._called:
            self._workers.submit(self._make_some)
            self._called = True

    def _call_the_next(self) -> None:
        """Called by a worker that ends its turn, or gives it up to wait for an answer."""
        with self._state:
            self._called = False
            self._call_a_worker()

    def _make_some(self) -> None:
        with self._turn.taken():
            for _ in range(_IN_ONE_TURN):
                with self._state:
                    if not self._ordered:
                        break
                    order = self._ordered.popleft()
                self._make(*order)
        self._call_the_next()

    def _make(self, make: Callable[[], T], asked: _Asked[T, A]) -> None:
        try:
            if not asked.cancelled():  # else the service is being stopped, and nobody waits for it any more
                self._join(make(), asked)
        except BaseException as error:  # noqa: BLE001 - whoever asked waits for it
            _give([(asked, error)])
        finally:
            self._arrived()

    def _arrived(self) -> None:
        with self._state:
            self._coming -= 1
            if not self._coming:
                self._state.notify()

    def _join(self, member: T, asked: _Asked[T, A]) -> None:
        with self._state:
            self._waiting.append((member, asked))
            if not self._writing:
                self._writer.submit(self._write)
                self._writing = True

    def _write(self) -> None:
        while group := self._next_group():
            self.groups += 1
            members = [member for member, _ in group]
            answers: Sequence[tuple[T, A] | BaseException]
            try:
                answers = list(zip(members, self._settle(members), strict=True))
            except BaseException as error:  # noqa: BLE001 - every member waits for it
                answers = [error] * len(group)
            _give([(asked, answer) for (_, asked), answer in zip(group, answers, strict=True)])

    def _next_group(self) -> list[tuple[T, _Asked[T, A]]]:
        with self._state:
            if self._waiting:
                self._state.wait_for(lambda: not self._coming, _LINGER_SECONDS)
            group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
            self._writing = bool(group)
            return group


def _give(answers: Sequence[tuple[_Asked[T, A], tuple[T, A] | BaseException]]) -> None:
    """Answer those who asked, in the thread of their event loop and with one call of it."""

    def give() -> None:
        for asked, answer in answers:
            if asked.done():
                continue
            if isinstance(answer, BaseException):
                asked.set_exception(answer)
            else:
                asked.set_result(answer)

    try:
        answers[0][0].get_loop().call_soon_threadsafe(give)
    except RuntimeError:
        return  # the loop is closed, and with it everybody who asked
