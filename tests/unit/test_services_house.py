"""The house of services: choosing, limits of connections, request lines, fault knobs, host names."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import Request, urlopen

import pytest
from aiohttp import ClientSession, web
from aiohttp.http_exceptions import BadStatusLine

from sotepki import loopback
from sotepki.errors import Fault, Misuse
from sotepki.loopback import Limits
from sotepki.services import catalogue, chosen, environments_of
from sotepki.services.applications import approved_applications
from sotepki.services.failing import failing
from sotepki.services.front import front_application
from sotepki.services.house import House, Started
from sotepki.services.log_lines import JsonLines
from sotepki.services.observing import RequestCounts, Sample, added, exposition, observer, requests_of
from sotepki.services.service import Application, Service
from sotepki.services.status import status_application
from sotepki.serving import bodies
from sotepki.serving.faults import SLOWEST_SECONDS, Down, ServiceFaultBoard, ServiceFaults


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.raw_path} {len(await request.read())}")


def _app() -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/people/{name}", _hello)
    return app


def _get(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except OSError as error:
        return getattr(error, "code", 0), ""


def test_services_are_chosen_by_name_in_the_order_of_the_catalogue() -> None:
    names = [service.name for service in chosen(catalogue(), ("kanta", "publication"))]
    assert names == ["publication", "kanta"], "who asks another is started after it"
    everything = [service.name for service in chosen(catalogue(), ())]
    assert "scs" not in everything and "front" in everything
    assert "scs" in [service.name for service in chosen(catalogue(), (), ("scs", "workstation"))]
    with pytest.raises(Misuse, match="no service"):
        chosen(catalogue(), ("kantta",))
    ports = [service.port for service in catalogue().values()]
    assert len(ports) == len(set(ports))


# ----------------------------------------------------------------------------------------------------------- limits


def _open(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    with loopback.running(_app(), limits=Limits(header=0.3)) as url, _open(url) as slow:
        slow.sendall(b"GET /people/x HTT")
        began = time.monotonic()
        assert slow.recv(100) == b"" and time.monotonic() - began < 5
        assert _get(url + "/people/a")[0] == 200


def test_a_silent_connection_ends_and_a_talking_one_goes_on() -> None:
    with loopback.running(_app(), limits=Limits(header=0.2, silence=0.5)) as url, _open(url) as connection:
        for _ in range(4):
            connection.sendall(b"GET /people/x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in connection.recv(4096)
            time.sleep(0.2)
        connection.settimeout(5)
        assert connection.recv(100) == b""


def _slow_app() -> web.Application:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(1.0)
        return web.Response(text=f"{len(await request.read())} octets")

    app = web.Application(client_max_size=4_000_000)
    app.router.add_post("/slow", slow)
    return app


@pytest.mark.parametrize("size", [0, 3_000_000], ids=["small", "more than is read ahead"])
def test_a_client_that_waits_for_its_answer_is_not_silent(size: int) -> None:
    """``sotepki fault set kela --slow 130`` closed the connection after 120 s; its client never got the answer."""
    with loopback.running(_slow_app(), limits=Limits(header=0.2, silence=0.3)) as url, _open(url) as connection:
        connection.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        assert f"{size} octets".encode() in connection.recv(4096)
        assert connection.recv(100) == b"", "now it is silent"


def test_an_answer_that_never_comes_ends_the_connection_in_the_end() -> None:
    limits = Limits(header=0.2, silence=0.2, answer=0.5)
    with loopback.running(_slow_app(), limits=limits) as url, _open(url) as connection:
        connection.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert _end(connection) == b""


def test_a_client_that_stalls_in_a_body_is_silent_though_its_request_is_being_handled() -> None:
    app = web.Application()
    app.router.add_post("/people", _hello)
    with loopback.running(app, limits=Limits(header=0.2, silence=0.3)) as url, _open(url) as connection:
        connection.sendall(b"POST /people HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        assert _end(connection) == b""


def test_a_client_that_does_not_read_its_answer_is_silent() -> None:
    """Whether the answer is written by the handler or after it."""
    ended = threading.Semaphore(0)

    async def written(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            for _ in range(100):
                await answer.write(b"x" * 1_000_000)
        finally:
            ended.release()
        return answer

    async def given(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_000_000)

    app = web.Application()
    app.add_routes([web.get("/written", written), web.get("/given", given)])
    with loopback.running(app, limits=Limits(header=0.2, silence=0.3)) as url:
        with _open(url) as connection:
            connection.sendall(b"GET /written HTTP/1.1\r\nHost: x\r\n\r\n")
            assert ended.acquire(timeout=5)
        with _open(url) as connection:
            connection.sendall(b"GET /given HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(1.0)
            assert len(_end(connection)) < 100_000_000


def _end(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection, which it does before a client gives up."""
    connection.settimeout(5)
    found = []
    try:
        while octets := connection.recv(65536):
            found.append(octets)
    except ConnectionResetError:
        pass
    return b"".join(found)


def test_one_connection_too_many_is_told_so_and_room_is_given_back() -> None:
    with loopback.running(_app(), limits=Limits(connections=2)) as url:
        with _open(url) as one, _open(url) as two:
            for connection in (one, two):
                connection.sendall(b"GET /people/x HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"200 OK" in connection.recv(4096)
            with _open(url) as three:
                assert three.recv(4096).startswith(b"HTTP/1.1 503")
        time.sleep(0.1)
        assert _get(url + "/people/a")[0] == 200


# ------------------------------------------------------------------------------------------------ what is seen of it


def test_a_request_is_one_line_without_what_it_named(caplog: pytest.LogCaptureFixture) -> None:
    counts = RequestCounts()
    with (
        caplog.at_level(logging.INFO, "sotepki.requests"),
        loopback.running(_app(), observer=observer("register", counts)) as url,
    ):
        _get(url + "/people/010181-900C?x=secret")
        with _open(url) as broken:
            broken.sendall(b"\x00 garbage\r\n\r\n")
            assert b"400" in broken.recv(4096)
        time.sleep(0.1)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "sotepki.requests"]
    assert [(line["path"], line["status"]) for line in lines] == [("/people/{name}", 200), ("unknown", 400)]
    assert lines[1]["rule"] == "kanta.service.http"
    assert "900C" not in caplog.text and "secret" not in caplog.text
    assert requests_of("register", counts.samples()) == 2


def test_samples_of_one_metric_stand_together() -> None:
    samples = [Sample("b", {}, 1), Sample("a", {"x": "1"}, 2), Sample("b", {"y": "z"}, 3)]
    assert exposition(samples) == '# TYPE a counter\na{x="1"} 2\n# TYPE b counter\nb 1\nb{y="z"} 3\n'


def test_counters_of_several_processes_are_added_by_metric_and_labels() -> None:
    one = [Sample("a", {"x": "1"}, 2), Sample("b", {}, 0.1)]
    other = [Sample("b", {}, 0.2), Sample("a", {"x": "1"}, 3), Sample("a", {"x": "2"}, 1)]
    assert added([*one, *other]) == [Sample("a", {"x": "1"}, 5), Sample("b", {}, 0.3), Sample("a", {"x": "2"}, 1)]


@pytest.mark.parametrize(("down", "status"), [(Down.UNAVAILABLE, 503), (Down.DROPPED, 0)])
def test_a_service_fails_as_the_board_says_and_recovers(down: Down, status: int) -> None:
    board, app = ServiceFaultBoard(), _app()
    app.middlewares.append(failing("register", board))
    with loopback.running(app) as url:
        assert _get(url + "/people/a")[0] == 200
        board.set("register", ServiceFaults(down))
        time.sleep(0.15)
        assert _get(url + "/people/a")[0] == status
        board.set("register", ServiceFaults(slow_seconds=0.3))
        began = time.monotonic()
        assert _get(url + "/people/a")[0] == 200 and time.monotonic() - began >= 0.3
        board.clear()
        assert _get(url + "/people/a")[0] == 200


# ------------------------------------------------------------------------------------------------------- host names


@contextmanager
def _front(tmp_path: Path) -> Iterator[str]:
    house = House(cast(Any, SimpleNamespace(directory=tmp_path)))
    with loopback.running(_app()) as behind:
        service = Service("register", "", 0, lambda _house: Application(_app()), hosts=("proxy.fineid.fi",))
        house.started["register"] = Started(service, Application(_app()), behind)
        with loopback.running(front_application(house).app) as url:
            yield url


def test_the_front_door_passes_a_request_on_as_it_came(tmp_path: Path) -> None:
    with _front(tmp_path) as url:
        status, text = _get(url + "/people/a%2Fb+c==?q=%20", Host="Proxy.Fineid.FI:80")
        assert (status, text) == (200, "hello /people/a%2Fb+c==?q=%20 0")
        assert _get(url + "/people/a", Host="other.example")[0] == 421


def test_a_body_that_drips_is_not_waited_for_at_the_front_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    with _front(tmp_path) as url, _open(url) as connection:
        connection.sendall(b"POST /people/a HTTP/1.1\r\nHost: proxy.fineid.fi\r\nContent-Length: 9\r\n\r\nx")
        assert b" 408 " in connection.recv(4096)


def test_the_front_door_as_a_proxy_passes_path_and_query_on(tmp_path: Path) -> None:
    """``curl -x`` asks for a whole URL, and got the index page for a revocation list, with 200."""
    with _front(tmp_path) as url, _open(url) as connection:
        connection.sendall(
            b"GET http://proxy.fineid.fi/people/a%2Fb+c==?q=%20 HTTP/1.1\r\nHost: proxy.fineid.fi\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = _end(connection)
    assert answer.endswith(b"hello /people/a%2Fb+c==?q=%20 0"), answer


def test_a_body_that_is_not_encoded_as_it_says_is_refused_at_the_front_door(tmp_path: Path) -> None:
    with _front(tmp_path) as url, _open(url) as connection:
        connection.sendall(
            b"POST /people/a HTTP/1.1\r\nHost: proxy.fineid.fi\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 8\r\n\r\nnot gzip"
        )
        answer = _end(connection)
    assert answer.startswith(b"HTTP/1.1 400") and b"not encoded as its Content-Encoding says" in answer


def test_the_front_door_waits_for_the_slowest_service(tmp_path: Path) -> None:
    """A service that is slow on purpose was told to its client as one that does not answer."""
    app = front_application(House(cast(Any, SimpleNamespace(directory=tmp_path)))).app

    async def patience() -> float:
        runner = web.AppRunner(app)
        await runner.setup()
        (session,) = (value for value in app.values() if isinstance(value, ClientSession))
        seconds = session.timeout.total
        await runner.cleanup()
        return seconds or math.inf

    assert SLOWEST_SECONDS < asyncio.run(patience()) < Limits().answer


def test_the_front_door_leads_nowhere_else(tmp_path: Path) -> None:
    with _front(tmp_path) as url, _open(url) as connection:
        connection.sendall(b"GET http://10.0.0.1/x HTTP/1.1\r\nHost: proxy.fineid.fi\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 421"))
        assert b"10.0.0.1" not in answer


def test_a_service_that_cannot_start_is_named(tmp_path: Path) -> None:
    """Of thirteen services, the person with the full disk was not told which one did not start."""

    async def full(_app: web.Application) -> None:
        raise Fault("The file cannot be written: No space left on device.")

    def build(_house: House) -> Application:
        app = _app()
        app.on_startup.append(full)
        return Application(app)

    with ExitStack() as resources, pytest.raises(Fault, match=r"^register does not start\. .* on device\.$"):
        house = House(cast(Any, SimpleNamespace(directory=tmp_path)), {"register": 0}, resources=resources)
        house.start(Service("register", "", 0, build))


def test_a_damaged_board_of_faults_is_said_on_the_status_page(tmp_path: Path) -> None:
    """Who looks there why a service fails found nothing but a 500."""
    clock = SimpleNamespace(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    house = House(cast(Any, SimpleNamespace(directory=tmp_path, clock=clock)))
    house.__dict__["trust_file"] = tmp_path / "root.pem"
    house.started["register"] = Started(
        Service("register", "", 0, status_application), Application(_app()), "http://x"
    )
    with loopback.running(status_application(house).app) as url:
        assert json.loads(_get(url + "/?format=json")[1])["damage"] == ""
        (tmp_path / "services").mkdir()
        (tmp_path / "services" / "service-faults.json").write_bytes(b"{")
        status, text = _get(url + "/", Accept="text/html")
        assert status == 200 and "is not a board of service faults" in text and "sotepki fault clear" in text
        assert json.loads(_get(url + "/?format=json")[1])["damage"].startswith("service-faults.json is not a board")


def test_approved_applications_of_another_shape_are_refused_in_a_sentence(tmp_path: Path) -> None:
    assert approved_applications(tmp_path / "none.yaml") == []
    for text in ("[]", "a: b", "a: {certificate: missing.pem, roles: []}", "a: {roles: []}"):
        path = tmp_path / "approved.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Misuse):
            approved_applications(path)


def test_what_a_client_sends_instead_of_http_is_not_in_the_log() -> None:
    """A trace of it would keep what the client wrote, an identity code in the address for example."""
    try:
        raise BadStatusLine("GET /131052-308T HTTP/9")
    except BadStatusLine:
        record = logging.LogRecord(
            "aiohttp.server", logging.ERROR, "", 0, "Error handling request", (), sys.exc_info()
        )
    line = JsonLines().format(record)
    assert "131052" not in line
    assert json.loads(line)["message"] == "A client sent what is no HTTP."


def test_a_port_that_is_taken_names_the_service_and_the_option() -> None:
    """'Address already in use' alone leaves open which of a dozen services is meant, and how to move it."""
    with socket.create_server(("127.0.0.1", 0)) as taken, ExitStack() as resources:
        port = taken.getsockname()[1]
        house = House(cast(Any, None), {"page": port}, resources=resources)
        service = Service("page", "a page", 0, lambda _house: Application(web.Application(), fails=True))
        with pytest.raises(Misuse) as refused:
            house.start(service)
    assert refused.value.sentence.startswith(
        f"page does not start. The service cannot listen on 127.0.0.1 port {port}"
    )
    assert "--page-port" in refused.value.advice


def test_a_mistake_in_the_workspaces_own_files_is_the_users(tmp_path: Path) -> None:
    """It would be called a fault of ours, in a file whose place nobody tells."""
    for name, read in (
        ("kanta-environments.yaml", lambda: environments_of(cast(Any, SimpleNamespace(directory=tmp_path)))),
        ("approved-applications.yaml", lambda: approved_applications(tmp_path / "approved-applications.yaml")),
    ):
        for content in (b"\xff\xfe", b"a: [", b"own: 3"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(Misuse) as refused:
                read()
            assert name in refused.value.sentence
