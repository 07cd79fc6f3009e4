"""A service on loopback starts, answers, and leaves nothing behind."""

from __future__ import annotations

import socket
import threading
import urllib.request

import pytest
from aiohttp import web

from sotepki.errors import Fault, Misuse
from sotepki.loopback import running


def _hello() -> web.Application:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hyvää päivää")

    app = web.Application()
    app.router.add_get("/", hello)
    return app


def test_a_blocking_client_reaches_the_service_and_the_port_is_free_afterwards() -> None:
    threads = threading.active_count()
    with running(_hello()) as url:
        assert url.startswith("http://127.0.0.1:") and not url.endswith("/")
        with urllib.request.urlopen(url + "/", timeout=5) as answer:
            assert answer.read().decode() == "hyvää päivää"
    port = int(url.rsplit(":", 1)[1])
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert threading.active_count() == threads


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


def test_an_error_in_the_block_still_stops_the_service() -> None:
    with pytest.raises(RuntimeError, match="mine"), running(_hello()) as url:
        raise RuntimeError("mine")
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=1)
