"""Group commit: many messages in one transaction, each with the answer that it would have had alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kela_world import KelaWorld, new_world
from sqlalchemy import event
from sqlalchemy.orm import Session
from statements import read_from_end_to_end, traffic

from sotepki.errors import Fault, Misuse
from sotepki.kela import grouping, request_log
from sotepki.kela.grouping import CommitGroups
from sotepki.kela.pen import Pen
from sotepki.kela.request_log import RequestKind
from sotepki.kela.tables import AcknowledgedMessage, ArchivedDocument
from sotepki.kela.turns import Turn
from sotepki.records import Database, first_break
from sotepki.records.failures import OutcomeUnknown


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KelaWorld]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _count(world: KelaWorld, table: type) -> int:
    with world.records.look() as session:
        return session.query(table).count()


def test_one_group_holds_accepted_refused_repeated_and_conflicting_messages(world: KelaWorld) -> None:
    kanta, client = world.kanta(), world.client().certificate
    document, message = world.system_signed(), world.oid()
    first = world.frame(document, message_id=message)
    same_id = world.frame(world.system_signed(), message_id=message)
    same_document = world.frame(document)
    messages = [first, world.frame(world.document()), first, same_id, same_document, b"<a/>"]
    answers = kanta.books.settle([kanta.judge.message(one, client) for one in messages])
    assert [answer.code for answer in answers] == ["AA", "AE", "AA", "AR", "AE", "AR"]
    assert answers[2] == answers[0], "the same message gets the same acknowledgement within a group too"
    assert answers[3].rules == ("kanta.message.id-reused",)
    assert "kanta.document.already-archived" in answers[4].rules
    assert (_count(world, ArchivedDocument), _count(world, AcknowledgedMessage)) == (1, 1)
    assert [line.outcome for line in reversed(kanta.requests())] == [answer.code for answer in answers]
    with world.records.look() as session:
        assert first_break(session) is None


def test_settling_a_group_reads_no_table_from_end_to_end(world: KelaWorld) -> None:
    """Otherwise a group would take the longer, the more documents the archive has."""
    kanta, client, database = world.kanta(), world.client().certificate, world.records.database
    if database.engine.dialect.name != "sqlite":
        pytest.skip("asks SQLite for its plans")
    first, *judgements = [kanta.judge.message(world.frame(world.system_signed()), client) for _ in range(4)]
    kanta.books.settle([first])
    with traffic() as seen:
        assert all(answer.accepted for answer in kanta.books.settle(judgements))
    queries = seen.queries("SELECT", "UPDATE")
    assert len(queries) >= 7, "what is there already, the new rows, the last numbers"
    assert read_from_end_to_end(database.engine, queries) == []


def test_a_full_disk_archives_nothing_and_says_so_to_each(world: KelaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    kanta, client = world.kanta(), world.client().certificate
    monkeypatch.setattr(request_log, "write", _full)
    messages = [world.frame(world.system_signed()), world.frame(world.document())]
    answers = kanta.books.settle([kanta.judge.message(one, client) for one in messages])
    assert [answer.rules[0] for answer in answers] == ["kanta.service.fault", "doc.signature.missing"]
    assert _count(world, ArchivedDocument) == 0


def test_an_archive_whose_books_were_removed_acknowledges_nothing(world: KelaWorld) -> None:
    """Documents were accepted into a file that nobody can open any more."""
    database = world.records.database
    if database.engine.dialect.name != "sqlite":
        pytest.skip("removes a file of SQLite")
    kanta, client = world.kanta(), world.client().certificate
    messages = [world.frame(world.system_signed()), world.frame(world.system_signed()), world.frame(world.document())]
    judgements = [kanta.judge.message(one, client) for one in messages]
    lines = len(kanta.requests())
    for part in Path(database.file.path).parent.glob("sotepki.db*"):
        part.unlink()
    answers = kanta.books.settle(judgements)
    assert [answer.rules[0] for answer in answers] == ["kanta.service.fault"] * 2 + ["doc.signature.missing"]
    assert "made anew since it was opened" in answers[0].findings[0].message
    assert kanta.refuse("kanta.message.empty", "Nothing came.", client).rules == ("kanta.message.empty",)
    assert _count(world, ArchivedDocument) == 0 and len(kanta.requests()) == lines


def test_a_commit_without_an_answer_is_asked_about_again(world: KelaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document was archived, and its sender was told that it was refused."""
    kanta, client = world.kanta(), world.client().certificate
    judgement = kanta.judge.message(world.frame(world.system_signed()), client)
    _lose_answers(monkeypatch, OutcomeUnknown("Whether it was stored is not known."))
    (answer,) = kanta.books.settle([judgement])
    assert answer.accepted and _count(world, ArchivedDocument) == 1


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("kind", [Fault, Misuse])
def test_a_commit_that_stays_without_an_answer_is_said_to_be_unknown(
    world: KelaWorld, monkeypatch: pytest.MonkeyPatch, kind: type[Fault | Misuse], count: int
) -> None:
    """Whoever reads that a document was not stored signs it anew, and the archive has it twice."""
    kanta, client = world.kanta(), world.client().certificate
    judgements = [kanta.judge.message(world.frame(world.system_signed()), client) for _ in range(count)]
    _lose_answers(monkeypatch, OutcomeUnknown("Whether it was stored is not known."), *[kind("No server.")] * 3)
    for answer in kanta.books.settle(judgements):
        assert answer.rules == ("kanta.service.fault",) and "not known" in answer.findings[0].message


def _lose_answers(monkeypatch: pytest.MonkeyPatch, *faults: Fault | Misuse) -> None:
    """The next changes are done, and then their caller is told something else."""
    left, writing = iter(faults), Database.writing

    @contextmanager
    def silent(database: Database) -> Iterator[Session]:
        with writing(database) as session:
            yield session
        if (fault := next(left, None)) is not None:
            raise fault

    monkeypatch.setattr(Database, "writing", silent)


def test_a_log_that_lost_its_books_stops_no_answer(world: KelaWorld) -> None:
    """Whoever asks for a document, or only knocks, would be answered with a failure of the service."""
    kanta, database = world.kanta(), world.records.database
    if database.engine.dialect.name != "sqlite":
        pytest.skip("removes a file of SQLite")
    Path(database.file.path).unlink()
    kanta.log(kanta.entry(RequestKind.RETRIEVE, "given", (), None))


def test_settling_computes_in_turn_and_waits_out_of_turn(world: KelaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging stands still while the books are reckoned, and goes on while another writer or the disk is awaited."""
    kanta, client, taken = world.kanta(), world.client().certificate, []
    turn = kanta.turn._lock
    judgement = kanta.judge.message(world.frame(world.system_signed()), client)
    write = request_log.write

    def watched(*arguments: Any) -> None:
        taken.append(("reckoning", turn.locked()))
        write(*arguments)

    def committing(_connection: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            taken.append(("the disk", turn.locked()))

    monkeypatch.setattr(request_log, "write", watched)
    event.listen(world.records.database.engine, "commit", committing)
    with ThreadPoolExecutor(1) as pool:
        with world.records.change("test", "another writer") as tx:
            settled = pool.submit(kanta.books.settle, [judgement])
            time.sleep(0.1)
            assert not turn.locked() and not settled.done(), "another writer"
            tx.journal("test", "test")
        assert settled.result(10)[0].accepted
    assert taken == [("reckoning", True), ("the disk", False)]
    assert not turn.locked()


def test_a_settling_that_fails_gives_turn_and_pen_back(world: KelaWorld, tmp_path: Path) -> None:
    pen = Pen(tmp_path / "pen")
    kanta = replace(world.kanta(), pen=pen)
    judgement = kanta.judge.message(world.frame(world.system_signed()), world.client().certificate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_log, "write", _full)
        assert kanta.books.settle([judgement])[0].rules == ("kanta.service.fault",)
    assert kanta.books.settle([judgement])[0].accepted


def test_the_pen_is_held_by_one_at_a_time_and_whoever_waits_is_woken(tmp_path: Path) -> None:
    pens, order = [Pen(tmp_path / "pen"), Pen(tmp_path / "pen")], []
    with ThreadPoolExecutor(1) as pool:

        def second() -> None:
            with pens[1].held():
                order.append("second")

        with pens[0].held():
            waiting = pool.submit(second)
            time.sleep(0.1)
            order.append("first")
        waiting.result(5)
    assert order == ["first", "second"]
    with Pen(tmp_path / "missing" / "pen").held(), Pen().held():
        pass  # a pen that cannot be had makes nobody wait


def _full(*_arguments: object) -> None:
    raise Fault("The disk is full, nothing was changed.")


def test_what_waits_while_the_disk_is_busy_is_settled_together() -> None:
    sizes: list[int] = []
    disk = threading.Event()

    def settle(group: Sequence[int]) -> list[int]:
        sizes.append(len(group))
        assert disk.wait(10)
        return [number * 2 for number in group]

    async def run() -> list[int]:
        groups: CommitGroups[int, int] = CommitGroups(settle, ThreadPoolExecutor(2), Turn())
        first = asyncio.create_task(groups.settle(0))
        while not sizes:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(groups.settle(number)) for number in range(1, 40)]
        await asyncio.sleep(0)
        disk.set()
        answers = await asyncio.gather(first, *others)
        groups.close()
        return list(answers)

    assert asyncio.run(run()) == [number * 2 for number in range(40)]
    assert sizes == [1, 39]


def test_an_answer_is_given_only_after_its_group_is_settled() -> None:
    settled = threading.Event()

    def settle(group: Sequence[int]) -> list[bool]:
        time.sleep(0.02)
        settled.set()
        return [True for _ in group]

    async def run() -> bool:
        groups: CommitGroups[int, bool] = CommitGroups(settle, ThreadPoolExecutor(2), Turn())
        await groups.settle(1)
        groups.close()
        return settled.is_set()

    assert asyncio.run(run())


def test_members_that_are_being_made_join_the_group_and_one_that_cannot_be_made_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "_LINGER_SECONDS", 10)
    sizes: list[int] = []
    asked = threading.Event()

    def settle(group: Sequence[int]) -> list[int]:
        sizes.append(len(group))
        return [number * 2 for number in group]

    def make(number: int) -> int:
        assert asked.wait(10)
        if number == 3:
            raise Fault("cannot be made")
        return number

    async def run() -> list[tuple[int, int] | BaseException]:
        groups: CommitGroups[int, int] = CommitGroups(settle, ThreadPoolExecutor(2), Turn())
        making = [asyncio.create_task(groups.made(partial(make, number))) for number in range(5)]
        await asyncio.sleep(0)
        asked.set()
        answers = await asyncio.gather(*making, return_exceptions=True)
        groups.close()
        return answers

    answers = asyncio.run(run())
    assert isinstance(answers.pop(3), Fault)
    assert answers == [(0, 0), (1, 2), (2, 4), (4, 8)]
    assert sizes == [4], "a group waits for those who are on their way"


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    """Otherwise Ctrl-C waits until every message is judged, though all senders were sent away."""
    begun, go_on, made = threading.Event(), threading.Event(), []

    def make(number: int) -> int:
        made.append(number)
        begun.set()
        assert go_on.wait(10)
        return number

    async def run() -> None:
        workers = ThreadPoolExecutor(1)
        groups: CommitGroups[int, int] = CommitGroups(list, workers, Turn())
        making = [asyncio.create_task(groups.made(partial(make, number))) for number in range(9)]
        assert await asyncio.to_thread(begun.wait, 10)
        for task in making[1:]:
            task.cancel()
        await asyncio.gather(*making[1:], return_exceptions=True)
        go_on.set()
        assert await making[0] == (0, 0)
        await asyncio.to_thread(workers.shutdown)
        groups.close()

    asyncio.run(run())
    assert made == [0]


def test_what_settling_raises_reaches_every_member_and_the_next_group_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "_LINGER_SECONDS", 10)
    asked = threading.Event()

    def settle(group: Sequence[int]) -> list[int]:
        if 13 in group:
            raise Fault("broken")
        return list(group)

    def make(number: int) -> int:
        assert asked.wait(10)
        return number

    async def run() -> None:
        groups: CommitGroups[int, int] = CommitGroups(settle, ThreadPoolExecutor(2), Turn())
        making = [asyncio.create_task(groups.made(partial(make, number))) for number in (13, 14)]
        await asyncio.sleep(0)
        asked.set()
        failed = await asyncio.gather(*making, return_exceptions=True)
        assert all(isinstance(one, Fault) for one in failed)
        assert await groups.settle(1) == 1
        groups.close()

    asyncio.run(run())


def test_one_worker_computes_at_a_time_and_another_while_it_waits() -> None:
    """A responder that does not answer must not keep the other messages from being judged."""
    turn, answer, computing = Turn(), threading.Event(), threading.Lock()
    ask = turn.given_up(answer.wait)

    def compute(number: int) -> int:
        assert computing.acquire(blocking=False), "two compute at once"
        time.sleep(0.001)
        computing.release()
        if number == 0:
            assert ask(10), "nobody else had a turn"
        if number == 7:
            answer.set()
        return number

    async def run() -> list[tuple[int, int]]:
        groups: CommitGroups[int, int] = CommitGroups(list, ThreadPoolExecutor(3), turn)
        answers = await asyncio.gather(*(groups.made(partial(compute, number)) for number in range(8)))
        groups.close()
        return answers

    assert asyncio.run(run()) == [(number, number) for number in range(8)]


def test_who_comes_while_the_only_worker_waits_is_made_by_another() -> None:
    turn, answer, waiting = Turn(), threading.Event(), threading.Event()

    def wait() -> None:
        waiting.set()
        assert answer.wait(10), "whoever came later was not made"

    async def run() -> list[tuple[None, None]]:
        groups: CommitGroups[None, None] = CommitGroups(list, ThreadPoolExecutor(2), turn)
        first = asyncio.create_task(groups.made(turn.given_up(wait)))
        assert await asyncio.to_thread(waiting.wait, 10)
        answers = [await groups.made(answer.set), await first]
        groups.close()
        return answers

    assert asyncio.run(run()) == [(None, None)] * 2


def test_what_is_ordered_meanwhile_is_made_by_the_worker_that_is_at_it() -> None:
    """Several would take the interpreter from each other, and each find its caches cold."""
    ordered, threads = threading.Event(), set()

    def make() -> None:
        assert ordered.wait(10)
        threads.add(threading.current_thread().name)

    async def run() -> None:
        groups: CommitGroups[None, None] = CommitGroups(list, ThreadPoolExecutor(3), Turn())
        making = [asyncio.create_task(groups.made(make)) for _ in range(grouping._IN_ONE_TURN)]
        await asyncio.sleep(0)
        ordered.set()
        await asyncio.gather(*making)
        groups.close()

    asyncio.run(run())
    assert len(threads) == 1


def test_a_thread_without_a_turn_may_wait_too_and_the_turn_survives_an_error() -> None:
    turn = Turn()

    def fail() -> None:
        raise Fault("no answer")

    for _ in range(2):
        with pytest.raises(Fault), turn.taken():
            turn.given_up(fail)()
    with pytest.raises(Fault):
        turn.given_up(fail)()
    with turn.taken():
        pass
