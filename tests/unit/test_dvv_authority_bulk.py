"""Issuing for a class without other processes: how orders are shared out, and a token that shows its key late."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, cast

import pytest
from authority_world import World, authority_keys, card_subject, holder_key, new_world
from cryptography import x509

from sotepki.dvv.authority import bulk
from sotepki.dvv.authority.bulk import BulkIssuing, Workshop, bulk_issuing
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens import KeyRing, PrivateKey

PROFILE = "professional-signature-rsa"


class Here(Executor):
    """Does at once, in this process, what others would do; after ``until`` pieces of work they are dead."""

    def __init__(self, until: int = 100) -> None:
        self.until = until

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.until -= 1
        done: Future[Any] = Future()
        try:
            if self.until < 0:
                raise BrokenProcessPool("killed")
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor does
            done.set_exception(error)
        return done


class LateRing:
    """A token that shows its key only after it was opened anew some times."""

    def __init__(self, late: int) -> None:
        self.late, self.closed = late, 0

    def __call__(self, label: str) -> PrivateKey:
        if self.closed < self.late:
            raise Misuse(f"There is no key {label}.")
        return authority_keys()[label]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = new_world(tmp_path)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    work_with(LateRing(0), made, monkeypatch)
    yield made
    made.records.database.close()


def work_with(ring: LateRing, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bulk._opened, os.getpid(), (cast(KeyRing, ring), world.authorities))


def issuing(until: int = 100) -> BulkIssuing:
    return BulkIssuing(cast(Any, Here(until)))


def orders(count: int) -> list[CertificateOrder]:
    key = holder_key().public_key()
    return [CertificateOrder(card_subject(number), key, f"{number:011d}") for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_everyone_gets_the_certificate_that_was_ordered(world: World, count: int) -> None:
    """Also when the last group is smaller: a pupil without a card, or with another's."""
    batches = list(issuing().issue("sote-persons", PROFILE, orders(count), actor="test", batch=2))
    assert (
        sorted((len(batch.places) for batch in batches), reverse=True) == {0: [], 1: [1], 2: [2], 5: [2, 2, 1]}[count]
    )
    made = {place: der for batch in batches for place, der in zip(batch.places, batch.certificates, strict=True)}
    assert sorted(made) == list(range(count))
    for place, der in made.items():
        (name,) = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
        assert name.value == f"{place + 1:011d}"


def test_what_was_issued_before_an_error_stands(world: World) -> None:
    bad = CertificateOrder(card_subject() | {"serial_number": "x"}, holder_key().public_key(), "x")
    with pytest.raises(Refused):
        list(issuing().issue("sote-persons", PROFILE, [*orders(1), bad], actor="test", batch=1))
    assert len(world.authorities.issued(holder="00000000001")) == 1
    assert world.authorities.issued(holder="x") == []


def test_a_process_that_was_killed_is_one_sentence(world: World) -> None:
    with pytest.raises(Fault, match="ended from outside") as caught:
        list(issuing(until=1).issue("sote-persons", PROFILE, orders(2), actor="test", batch=1))
    assert "again for the rest" in caught.value.advice


@pytest.mark.parametrize("late", [1, 4])
def test_a_token_that_shows_its_key_late_is_opened_again(
    world: World, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """SoftHSM does so now and then when two processes log in at once; the class would get nothing."""
    ring = LateRing(late)
    work_with(ring, world, monkeypatch)
    list(issuing().issue("sote-persons", PROFILE, orders(1), actor="test"))
    assert ring.closed == late


def test_a_token_without_the_key_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = LateRing(100)
    work_with(ring, world, monkeypatch)
    with pytest.raises(Misuse, match="There is no key ca-sote-persons"):
        list(issuing().issue("sote-persons", PROFILE, orders(1), actor="test"))
    assert ring.closed == 4


def test_after_an_error_nothing_more_is_issued(world: World) -> None:
    """A class whose list has a mistake would go on being issued behind the refusal."""

    class Waiting(Here):
        """Leaves the work after the first piece for later."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if waiting:
                waiting.append(Future())
                return waiting[-1]
            waiting.append(super().submit(fn, *args, **kwargs))
            return waiting[0]

    waiting: list[Future[Any]] = []
    bad = CertificateOrder(card_subject() | {"serial_number": "x"}, holder_key().public_key(), "x")
    with pytest.raises(Refused):
        list(
            BulkIssuing(cast(Any, Waiting())).issue("sote-persons", PROFILE, [bad, *orders(2)], actor="test", batch=1)
        )
    assert [future.cancelled() for future in waiting] == [False, True, True]


def test_the_processes_begin_deaf_to_ctrl_c_and_end_with_their_parent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the beginning printed a traceback of each; SIGKILL left them with the token open for ever."""
    deaf: list[bool] = []

    class Listening(Here):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            deaf.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            return super().submit(fn, *args, **kwargs)

    list(BulkIssuing(cast(Any, Listening())).issue("sote-persons", PROFILE, orders(2), actor="test", batch=1))
    assert deaf == [True, True]

    class Shop:
        def open(self) -> tuple[object, object, object]:
            return None, None, None

    bound: list[str] = []
    monkeypatch.setattr(bulk, "end_with_parent", lambda: bound.append("to the parent"))
    bulk._begin(cast(Workshop, Shop()))
    assert bound == ["to the parent"]


@pytest.mark.parametrize("processes", [1, 16])
def test_processes_are_spawned_each_with_a_token_of_its_own_and_ended(
    monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """A forked process would share the session with the token, which SoftHSM does not survive."""
    began: list[tuple[object, ...]] = []
    ended: list[dict[str, object]] = []

    class Pool:
        def __init__(self, count: int, *, mp_context: Any, initializer: object, initargs: tuple[object, ...]) -> None:
            began.append((count, mp_context.get_start_method(), initializer, *initargs))

        def shutdown(self, **how: object) -> None:
            ended.append(how)

    monkeypatch.setattr(bulk, "ProcessPoolExecutor", Pool)
    workshop = cast(Workshop, object())
    with pytest.raises(KeyboardInterrupt), bulk_issuing(workshop, processes):
        assert ended == []
        raise KeyboardInterrupt
    assert began == [(processes, "spawn", bulk._begin, workshop)]
    assert ended == [{"wait": True, "cancel_futures": True}]


@pytest.mark.parametrize("processes", [0, 17])
def test_a_number_of_processes_that_makes_no_sense_is_misuse(processes: int) -> None:
    """Nothing is started: thousands of processes would bring the machine down."""
    with pytest.raises(Misuse, match=f"not {processes}"), bulk_issuing(cast(Workshop, None), processes):
        pass
