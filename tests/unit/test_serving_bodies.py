"""What a client sends is waited for, but not for ever."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from sotepki import loopback
from sotepki.clock import SystemClock
from sotepki.serving import Desk, bodies

Reader = Callable[[web.Request], Awaitable[Mapping[str, object]]]


@pytest.mark.parametrize(("kind", "read"), [(bodies.FORM, bodies.form_fields), (bodies.JSON, bodies.json_object)])
def test_a_body_that_drips_gets_a_sentence_and_its_connection_ends(
    monkeypatch: pytest.MonkeyPatch, kind: str, read: Reader
) -> None:
    """A connection is silent for two minutes at most, but an octet a minute would hold it for weeks."""

    async def answered(request: web.Request) -> web.Response:
        return web.json_response(dict(await read(request)))

    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.5)
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
    with (
        loopback.running(Desk("desk", SystemClock()).application([web.post("/", answered)])) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=0.1) as connection,
    ):
        connection.sendall(head.encode())
        began, answer = time.monotonic(), b""
        while b"seconds" not in answer:
            assert time.monotonic() - began < 10
            connection.sendall(b" ")
            with suppress(TimeoutError):
                answer += connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408") and b"Connection: close" in answer
    assert b"did not arrive within" in answer
