"""Running a job over an archive: chunks to local processes or a Dask cluster, results to the journal as they come."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sotepki.documents.bulk.jobs import Job, forget, work_on
from sotepki.documents.bulk.journal import FAILED, BulkJournal, Row
from sotepki.documents.bulk.sources import Item
from sotepki.errors import Fault, Misuse
from sotepki.signals import deaf_to_ctrl_c, end_with_parent

CHUNK = 32
CHUNK_BYTES = 4 * 1024 * 1024
AHEAD = 2
"""Chunks under way for each worker; more would only fill memory."""

Submit = Callable[[Job, Sequence[Item]], "Future[list[Row]]"]


@dataclass
class Progress:
    """Counts while a run goes on: worked on now, of those failed or not valid, and skipped because done before."""

    worked: int = 0
    failed: int = 0
    invalid: int = 0
    skipped: int = 0

    def count(self, row: Row) -> None:
        self.worked += 1
        self.failed += row.outcome == FAILED
        self.invalid += row.verdict not in ("", "valid")


@dataclass(frozen=True)
class Summary:
    """The end of a run: what this run did, and the first documents that failed or are not valid."""

    worked: int
    failed: int
    invalid: int
    skipped: int
    first: tuple[Row, ...] = field(default=())

    @property
    def good(self) -> bool:
        return not self.failed and not self.invalid


def run_bulk(
    job: Job,
    items: Iterable[Item],
    journal: BulkJournal,
    *,
    processes: int = 2,
    scheduler: str = "",
    chunk: int = CHUNK,
    tell: Callable[[Progress], None] = lambda _progress: None,
) -> Summary:
    """Do ``job`` to every document that the journal does not call done.

    Args:
        processes: local worker processes; 1 works in this process.
        scheduler: address of a Dask scheduler, instead of local processes. Its workers have to see the same files.
        chunk: documents in one piece of work and in one commit of the journal.
        tell: called after each chunk.

    Raises:
        Misuse: the source, the key or the trust cannot be used; Dask is not installed or does not answer.
        Fault: a worker process was killed, or the journal cannot be written; the same call goes on later.
    """
    progress, first = Progress(), list[Row]()

    def settle(rows: list[Row]) -> None:
        journal.record(rows)
        for row in rows:
            progress.count(row)
            if len(first) < 10 and (row.outcome == FAILED or row.verdict not in ("", "valid")):
                first.append(row)
        tell(progress)

    with _workers(processes, scheduler) as (submit, capacity):
        under_way: set[Future[list[Row]]] = set()
        try:
            for piece in _chunks(items, chunk):
                if left := _not_done(piece, journal, progress):
                    under_way.add(submit(job, left))
                if len(under_way) >= capacity:
                    _settle_some(under_way, settle)
            _settle_all(under_way, settle)
        except Misuse:
            # The source ends in a fault; what was read before it is kept.
            _settle_all(under_way, settle)
            raise
        except BrokenProcessPool:
            raise Fault(
                "A worker process was killed.",
                advice="Give the same command again; it goes on where the journal ends.",
            ) from None
        finally:
            for future in under_way:
                future.cancel()
    return Summary(progress.worked, progress.failed, progress.invalid, progress.skipped, tuple(first))


def _not_done(piece: list[Item], journal: BulkJournal, progress: Progress) -> list[Item]:
    pending = journal.pending({item.name: item.stamp for item in piece})
    left = [item for item in piece if item.name in pending]
    progress.skipped += len(piece) - len(left)
    return left


def _settle_some(under_way: set[Future[list[Row]]], settle: Callable[[list[Row]], None]) -> None:
    """Wait for one piece of work at least, and settle what is finished."""
    finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
    under_way -= finished
    for future in finished:
        settle(future.result())


def _settle_all(under_way: set[Future[list[Row]]], settle: Callable[[list[Row]], None]) -> None:
    while under_way:
        _settle_some(under_way, settle)


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Pieces of at most ``size`` documents; fewer when their bytes are already in memory and many."""
    piece: list[Item] = []
    loaded = 0
    try:
        for item in items:
            piece.append(item)
            loaded += len(item.data or b"")
            if len(piece) >= size or loaded >= CHUNK_BYTES:
                yield piece
                piece, loaded = [], 0
    except Misuse:
        if piece:
            yield piece
        raise
    if piece:
        yield piece


@contextmanager
def _workers(processes: int, scheduler: str) -> Iterator[tuple[Submit, int]]:
    """How work is handed out, and how much at a time."""
    if scheduler:
        with _cluster(scheduler) as found:
            yield found
    elif processes <= 1:
        try:
            yield _here, 1
        finally:
            forget()
    else:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent)

        def submit(job: Job, piece: Sequence[Item]) -> Future[list[Row]]:
            with deaf_to_ctrl_c():  # a worker starts with the work that it gets
                return pool.submit(work_on, job, piece)

        try:
            yield submit, processes * AHEAD
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _here(job: Job, piece: Sequence[Item]) -> Future[list[Row]]:
    future: Future[list[Row]] = Future()
    future.set_result(work_on(job, piece))
    return future


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Submit, int]]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise Misuse(
            "Dask is not installed, so there is no cluster to work with.",
            advice="Install it with: pip install distributed; or leave --scheduler out.",
        ) from None
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise Misuse(f"The Dask scheduler {scheduler} does not answer: {error}.") from None
    try:
        executor = client.get_executor(pure=False, retries=2)
        threads = sum(int(count) for count in client.nthreads().values())
        yield (lambda job, piece: executor.submit(work_on, job, piece)), max(1, threads) * AHEAD
    finally:
        client.close()
