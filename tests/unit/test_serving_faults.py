"""Faults on purpose: what may be set, how a running service learns of it, and what a broken file does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from aiohttp import web
from http_world import ask
from hypothesis import given
from hypothesis import strategies as st

from sotepki.clock import SystemClock
from sotepki.errors import Fault, Misuse, Refused
from sotepki.loopback import running
from sotepki.serving.desk import Desk
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory, RequestRecord

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(["down", "slow_seconds", "stale_hours", "answers", "x"]), JSON, max_size=4)


@pytest.mark.parametrize(
    "row",
    [
        {"down": "maybe"},
        {"slow_seconds": -1},
        {"slow_seconds": float("nan")},
        {"slow_seconds": 1e9},
        {"stale_hours": True},
        {"stale_hours": "1"},
        {"answers": 1.5},
        {"answers": -1},
        {"x": 1},
    ],
)
def test_a_fault_that_is_none_is_one_sentence(row: dict[str, object]) -> None:
    with pytest.raises(Misuse):
        ServiceFaults.from_dict(row)


@given(rows=st.dictionaries(st.text(max_size=5), FIELDS, max_size=3) | JSON)
def test_a_board_is_read_or_refused_whatever_it_holds(rows: object) -> None:
    data = json.dumps(rows).encode()
    try:
        read = ServiceFaultBoard().parse(data, "board")
    except Misuse:
        return
    assert all(ServiceFaults.from_dict(faults.as_dict()) == faults for faults in read.values())


def test_a_running_service_goes_on_with_what_it_knew_when_the_file_breaks(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    board = ServiceFaultBoard(path)
    ServiceFaultBoard(path).set("a", ServiceFaults(stale_hours=2))
    assert board.of("a").stale_hours == 2
    path.write_text("{broken")
    assert board.of("a").stale_hours == 2
    with pytest.raises(Misuse, match="not a board"):
        board.all()
    board.clear()
    assert not board.of("a") and not board.all()


def test_a_handler_that_breaks_tells_the_client_nothing_and_the_log_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A client would read our file names, or a person's data, in a traceback."""

    async def bug(_request: web.Request) -> web.Response:
        raise KeyError("secret")

    async def fault(_request: web.Request) -> web.Response:
        raise Fault("The disk of the server is full.")

    async def refused(_request: web.Request) -> web.Response:
        raise Refused("No.", rule="a.b")

    desk = Desk("x", SystemClock())
    app = desk.application([web.get("/bug", bug), web.get("/fault", fault), web.get("/refused", refused)])
    with running(app) as url:
        for path, status in (("/bug", 503), ("/fault", 503), ("/refused", 400)):
            reply = ask(url, path)
            assert reply.status == status
            assert "secret" not in reply.text and "disk" not in reply.text
        assert ask(url, "/bug", method="POST").status == 405
    assert "secret" in caplog.text
    assert [one.rule for one in desk.history.records()] == ["", "", "a.b", ""]


def test_a_slow_service_waits_and_does_not_hold_the_others_up() -> None:
    faults = ServiceFaultBoard()
    faults.set("x", ServiceFaults(slow_seconds=1.0))

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="x")

    desk = Desk("x", SystemClock(), faults)
    with running(desk.application([web.get("/", hello)])) as url:
        began = time.monotonic()
        assert ask(url, "/health").status == 200
        assert time.monotonic() - began < 1.0
        assert ask(url, "/").status == 200
        assert time.monotonic() - began >= 1.0


def test_the_history_forgets_the_oldest_and_keeps_the_counts() -> None:
    history = RequestHistory(longest=2)
    now = SystemClock().now()
    for status in (200, 200, 400):
        history.add(RequestRecord(now, "x", "GET", "/", status))
    assert len(history.records()) == 2
    assert (history.count(), history.count("x", status=200), history.count("y")) == (3, 2, 0)
    history.clear()
    assert history.count() == 0


def test_down_is_said_in_the_file_by_its_name(tmp_path: Path) -> None:
    ServiceFaultBoard(tmp_path / "f").set("a", ServiceFaults(down=Down.DROPPED, answers=3))
    assert json.loads((tmp_path / "f").read_text()) == {"a": {"down": "dropped", "answers": 3}}
