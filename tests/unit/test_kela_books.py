"""Group commit: many messages in one transaction, each with the answer that it would have had alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from kela_world import KelaWorld, new_world

from sotepki.errors import Fault
from sotepki.kela.grouping import CommitGroups
from sotepki.kela.tables import AcknowledgedMessage, ArchivedDocument
from sotepki.records import first_break


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


def test_a_full_disk_archives_nothing_and_says_so_to_each(world: KelaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from sotepki.kela import request_log

    def full(*_arguments: object) -> None:
        raise Fault("The disk is full, nothing was changed.")

    kanta, client = world.kanta(), world.client().certificate
    monkeypatch.setattr(request_log, "write", full)
    messages = [world.frame(world.system_signed()), world.frame(world.document())]
    answers = kanta.books.settle([kanta.judge.message(one, client) for one in messages])
    assert [answer.rules[0] for answer in answers] == ["kanta.service.fault", "doc.signature.missing"]
    assert _count(world, ArchivedDocument) == 0


def test_what_waits_while_the_disk_is_busy_is_settled_together() -> None:
    sizes: list[int] = []

    def settle(group: Sequence[int]) -> list[int]:
        sizes.append(len(group))
        time.sleep(0.05)
        return [number * 2 for number in group]

    async def run() -> list[int]:
        groups: CommitGroups[int, int] = CommitGroups(settle)
        first = asyncio.create_task(groups.settle(0))
        await asyncio.sleep(0.02)
        answers = await asyncio.gather(first, *(groups.settle(number) for number in range(1, 40)))
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
        groups: CommitGroups[int, bool] = CommitGroups(settle)
        await groups.settle(1)
        groups.close()
        return settled.is_set()

    assert asyncio.run(run())


def test_what_settling_raises_reaches_every_member_and_the_next_group_is_settled() -> None:
    def settle(group: Sequence[int]) -> list[int]:
        if 13 in group:
            raise Fault("broken")
        return list(group)

    async def run() -> None:
        groups: CommitGroups[int, int] = CommitGroups(settle)
        failed = await asyncio.gather(groups.settle(13), groups.settle(14), return_exceptions=True)
        assert all(isinstance(one, Fault) for one in failed)
        assert await groups.settle(1) == 1
        groups.close()

    asyncio.run(run())
