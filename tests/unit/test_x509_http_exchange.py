"""One request over HTTP: only http, bounded in time and size, whatever stands at the other end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sotepki.errors import Misuse
from sotepki.x509.http_exchange import HttpStatus, TooLong, exchange

LIMIT = 1000


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers every request so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sending(content: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http:///x",
        "http://127.0.0.1:99999/x",
        "http://[::1/x",
        "127.0.0.1",
        "",
    ],
)
def test_an_address_that_is_not_http_is_wrong_usage(url: str) -> None:
    """The addresses stand in certificates that strangers made."""
    with pytest.raises(Misuse):
        exchange(url, timeout=1, limit=LIMIT)


@pytest.mark.parametrize(("path", "asked"), [("", "/"), ("/", "/"), ("/crl/x.crl", "/crl/x.crl"), ("?a=b", "/?a=b")])
@pytest.mark.parametrize("body", [None, b"request"])
def test_what_is_asked_arrives_as_it_was_meant(path: str, asked: str, body: bytes | None) -> None:
    """A POST without its body, or without the query, gets the answer to another question."""
    seen: list[tuple[str, str, bytes, str | None]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        kind = handler.headers.get("Content-Type")
        seen.append((handler.command, handler.path, handler.rfile.read(length), kind))
        sending(b"answer")(handler)

    with serving(answer) as address:
        found = exchange(address + path, body=body, headers={"Content-Type": "a/b"}, timeout=5, limit=LIMIT)
    assert found == b"answer"
    assert seen == [("GET" if body is None else "POST", asked, body or b"", "a/b")]


def test_another_status_than_200_is_no_answer() -> None:
    for status in (201, 301, 404, 500):
        with serving(sending(b"page", status)) as address, pytest.raises(HttpStatus, match=str(status)):
            exchange(address, timeout=5, limit=LIMIT)


def test_an_answer_is_as_long_as_allowed_and_no_longer() -> None:
    """A service that never stops sending must not fill the memory."""
    with serving(sending(b"a" * LIMIT)) as address:
        assert len(exchange(address, timeout=5, limit=LIMIT)) == LIMIT
    with serving(sending(b"a" * (LIMIT + 1))) as address, pytest.raises(TooLong):
        exchange(address, timeout=5, limit=LIMIT)


def test_an_answer_in_drops_ends_with_the_time() -> None:
    """Each drop comes in time; all of them together would hold a login for ever."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        sending(b"a")(handler)
        for _ in range(40):
            time.sleep(0.05)
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    with serving(drip) as address, pytest.raises(TimeoutError):
        exchange(address, timeout=0.3, limit=LIMIT)
