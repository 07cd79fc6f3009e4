"""Services answer under names of their own only: a page of another site would read them under a name of its own."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from sotepki import loopback
from sotepki.cli.serve import command
from sotepki.services.house import House
from sotepki.services.service import Application, Builder, Service
from sotepki.serving.hosts import host_name, is_loopback, only_hosts

MAPPED = "shvalidaattori.kela.test.example"


def _app() -> web.Application:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = web.Application()
    app.router.add_route("*", "/", hello)
    return app


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = _app()
    app.middlewares.append(only_hosts((MAPPED, "Docker.Internal")))
    with loopback.running(app) as url:
        yield int(url.rpartition(":")[2])


def _given(application: Application) -> Builder:
    return lambda _house: application


def _asked(port: int, host: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, "/", skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8881", "localhost", "LocalHost:1", "localhost.", "[::1]:80", "x.localhost", "127.9.9.9",
     MAPPED, f"{MAPPED.upper()}:80", f"{MAPPED}.", "docker.internal", ""],
)  # fmt: skip
def test_names_of_loopback_and_names_that_are_mapped_are_answered(port: int, host: str) -> None:
    assert _asked(port, host) == (200, "secret")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:1", "127.0.0.1.evil.example", "localhost.evil.example", f"x.{MAPPED}", "10.0.0.1",
     "0.0.0.0", "[::1", "[", ":80", "/", "evil.example?127.0.0.1", "127.0.0.1, evil.example", "::ffff:127.0.0.1 x"],
)  # fmt: skip
def test_a_foreign_name_is_told_so_and_reads_nothing(port: int, host: str, method: str) -> None:
    status, text = _asked(port, host, method)
    assert status in (400, 421) and "secret" not in text
    if status == 421:
        told = json.loads(text)
        assert told["message"] and "--host-name" in told["advice"] and told["hosts"] == ["docker.internal", MAPPED]


def test_a_client_of_http_1_0_that_names_nobody_is_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 200 OK" in connection.recv(4096)


@given(st.text(alphabet=st.sampled_from("a.:[]@/?#%\\ 1\x00\u0130\u2100"), max_size=20) | st.text(max_size=40))
@example("[v1.x]")
@example("a\u2100")
def test_whatever_stands_in_a_header_is_a_name_or_none(text: str) -> None:
    assert is_loopback(host_name(text)) in (True, False)


def test_a_house_lets_pages_answer_under_their_own_names_and_those_that_were_named(tmp_path: Path) -> None:
    """Mutual TLS and publication answer under any name: there the client is known, or everybody may read."""
    house = House(cast(Any, SimpleNamespace(directory=tmp_path)), host_names=("host.docker.internal",))
    for name, application in (("page", Application(_app())), ("open", Application(_app(), any_host=True))):
        house.start(Service(name, "", 0, _given(application)))
    with house.resources:
        page, everybody = (int(house.started[name].url.rpartition(":")[2]) for name in ("page", "open"))
        assert _asked(page, "host.docker.internal:8881")[0] == _asked(page, "127.0.0.1")[0] == 200
        assert _asked(page, "evil.example")[0] == 421
        assert _asked(everybody, "evil.example")[0] == 200


def test_a_host_name_with_more_than_a_name_is_refused_in_a_sentence() -> None:
    for nonsense in ("https://host.internal", "host.internal:8881", "host/x", "a@b", ""):
        done = CliRunner().invoke(command, ["--host-name", nonsense])
        assert done.exit_code == 2 and "is not a host name" in done.output, nonsense
