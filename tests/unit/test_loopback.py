"""A service on loopback starts, answers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ctypes import Array, c_int, c_uint
from multiprocessing.sharedctypes import RawArray

import pytest
from aiohttp import web

from sotepki import loopback
from sotepki.errors import Fault, Misuse
from sotepki.loopback import NOT_SERVING, Door, base_url, listening, running


def _hello() -> web.Application:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hyvää päivää")

    app = web.Application()
    app.router.add_get("/", hello)
    return app


def test_a_blocking_client_reaches_the_service_and_the_port_is_free_afterwards() -> None:
    threads = _threads()
    with running(_hello()) as url:
        assert url.startswith("http://127.0.0.1:") and not url.endswith("/")
        with urllib.request.urlopen(url + "/", timeout=5) as answer:
            assert answer.read().decode() == "hyvää päivää"
    port = int(url.rsplit(":", 1)[1])
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert _threads() == threads


def test_two_services_get_two_ports() -> None:
    with running(_hello()) as first, running(_hello()) as second:
        assert first != second


def test_a_taken_port_is_one_plain_sentence() -> None:
    with running(_hello()) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(Misuse, match=f"port {port}"), running(_hello(), port=port):
            pass


def test_an_application_that_cannot_start_says_so_instead_of_hanging() -> None:
    async def broken(_app: web.Application) -> None:
        raise ValueError("no key")

    app = _hello()
    app.on_startup.append(broken)
    with pytest.raises(Fault, match="no key"), running(app):
        pass


def test_why_an_application_cannot_start_is_told_in_its_own_sentence() -> None:
    """A sentence with advice behind it got a second full stop, and no place to show the advice apart."""

    async def full(_app: web.Application) -> None:
        raise Fault("The file cannot be written: No space left on device.", advice="Make room.")

    app = _hello()
    app.on_startup.append(full)
    with pytest.raises(Fault) as fault, running(app):
        pass
    assert fault.value.sentence.endswith("did not start: The file cannot be written: No space left on device.")
    assert fault.value.advice == "Make room."


def test_an_application_that_starts_too_late_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(_app: web.Application) -> None:
        await asyncio.sleep(0.5)

    monkeypatch.setattr(loopback, "_START_SECONDS", 0.2)
    threads, app = _threads(), _hello()
    app.on_startup.append(slow)
    with pytest.raises(Fault, match="did not start within"), running(app):
        pass
    _until(lambda: _threads() == threads)


def test_an_error_in_the_block_still_stops_the_service() -> None:
    with pytest.raises(RuntimeError, match="mine"), running(_hello()) as url:
        raise RuntimeError("mine")
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=1)


def test_connections_at_one_door_are_shared_evenly() -> None:
    """Otherwise one process would serve all kept connections, and the others would idle."""
    counts = _counts(2)
    with ExitStack() as stack:
        url = _two_at_one_door(stack, counts)
        for many in range(1, 17):
            stack.enter_context(_connection(url))
            _until(lambda many=many: sum(counts) == many)  # type: ignore[misc]
        assert max(counts) - min(counts) <= 2, list(counts)


def test_a_door_is_told_of_connections_that_ended() -> None:
    counts = _counts(2)
    with ExitStack() as stack:
        url = _two_at_one_door(stack, counts)
        with ExitStack() as clients:
            for _ in range(6):
                clients.enter_context(_connection(url))
            _until(lambda: sum(counts) == 6)
        _until(lambda: sum(counts) == 0)
    assert list(counts) == [NOT_SERVING, NOT_SERVING]


def test_a_client_whom_nobody_with_fewer_takes_is_taken_by_who_has_more() -> None:
    """A process that hangs, or was killed a moment ago, still stands there with few connections."""
    counts = _counts(2)
    with listening(0) as door, running(_hello(), door=_door(door, counts)) as url:
        counts[1] = 0
        with ExitStack() as clients:
            for many in range(1, 6):
                clients.enter_context(_connection(url))
                _until(lambda many=many: counts[0] == many)  # type: ignore[misc]


def test_clients_that_come_before_anybody_serves_are_served_then() -> None:
    with listening(0) as door, ThreadPoolExecutor(1) as pool:
        url = base_url(door, tls=False)
        early = pool.submit(lambda: urllib.request.urlopen(url + "/", timeout=10).read())
        time.sleep(0.1)
        with running(_hello(), door=_door(door, _counts(1))) as same:
            assert same == url and early.result(10).decode() == "hyvää päivää"


def test_an_event_loop_at_a_door_beats_until_something_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches from another process sees by that alone that nobody is served any more."""

    async def hold_up(_request: web.Request) -> web.Response:
        held.wait(10)
        return web.Response()

    monkeypatch.setattr(loopback, "BEAT_SECONDS", 0.1)
    held, app = threading.Event(), _hello()
    app.router.add_get("/held", hold_up)
    with listening(0) as listens, ThreadPoolExecutor(1) as pool:
        door = _door(listens, _counts(1))
        with running(app, door=door) as url:
            _until(lambda: door.beats[0] >= 2)
            asked = pool.submit(lambda: urllib.request.urlopen(url + "/held", timeout=10).status)
            _until(lambda: _still(door))
            held.set()
            assert asked.result(10) == 200
            before = door.beats[0]
            _until(lambda: door.beats[0] > before)
        assert _still(door), "nobody beats for a service that has ended"


def _still(door: Door) -> bool:
    before = door.beats[0]
    time.sleep(1.0)
    return door.beats[0] == before


def _threads() -> int:
    """Threads of services; those of other tests come and go."""
    return sum(thread.name == "sotepki-loopback" for thread in threading.enumerate())


def _counts(processes: int) -> Array[c_int]:
    return RawArray(c_int, [NOT_SERVING] * processes)


def _door(listens: socket.socket, counts: Array[c_int], number: int = 0) -> Door:
    return Door(listens.dup(), counts, RawArray(c_uint, len(counts)), number)


def _two_at_one_door(stack: ExitStack, counts: Array[c_int]) -> str:
    """Two services that accept from one socket, as two processes do; their URL."""
    door = stack.enter_context(listening(0))
    for number in range(2):
        url = stack.enter_context(running(_hello(), door=_door(door, counts, number)))
    return url


def _connection(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
