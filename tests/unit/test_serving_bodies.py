"""What a client sends is waited for, but not for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest
from aiohttp import web
from http_world import answer_to_dripping

from sotepki import loopback
from sotepki.clock import SystemClock
from sotepki.serving import bodies
from sotepki.serving.desk import Desk

Reader = Callable[[web.Request], Awaitable[Mapping[str, object]]]


@pytest.mark.parametrize(("kind", "read"), [(bodies.FORM, bodies.form_fields), (bodies.JSON, bodies.json_object)])
def test_a_body_that_drips_gets_a_sentence_and_its_connection_ends(
    monkeypatch: pytest.MonkeyPatch, kind: str, read: Reader
) -> None:
    """A connection is silent for two minutes at most, but an octet a minute would hold it for weeks."""

    async def answered(request: web.Request) -> web.Response:
        return web.json_response(dict(await read(request)))

    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.5)
    with loopback.running(Desk("desk", SystemClock()).application([web.post("/", answered)])) as url:
        answer = answer_to_dripping(url, "/", kind)
    assert answer.startswith(b"HTTP/1.1 408") and b"Connection: close" in answer
    assert b"did not arrive within" in answer
