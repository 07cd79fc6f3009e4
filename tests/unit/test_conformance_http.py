"""Systems attached by an HTTP endpoint: whatever it answers, the suite gets on and says whose fault it was."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conformance.sut.asking import AskedSigner, AskedVerifier
from conformance.sut.facets import SignatureKind, SystemFailed, Trust
from conformance.sut.http import HttpEndpoint
from sotepki.errors import Misuse

Answering = Callable[[BaseHTTPRequestHandler, dict[str, str]], None]


@contextmanager
def endpoint(answering: Answering) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answering(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/sut?x=1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sending(body: bytes, status: int = 200) -> Answering:
    def answering(handler: BaseHTTPRequestHandler, question: dict[str, str]) -> None:
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(body)

    return answering


def test_a_document_goes_there_and_comes_back() -> None:
    def echo(handler: BaseHTTPRequestHandler, question: dict[str, str]) -> None:
        assert (question["protocol"], handler.path) == ("sotepki-sut/1", "/sut?x=1")
        sending(json.dumps({"document": question["document"]}).encode())(handler, question)

    with endpoint(echo) as url:
        assert AskedSigner(HttpEndpoint(url), {}).sign(b"<a/>" * 99, SignatureKind.SYSTEM) == b"<a/>" * 99


@pytest.mark.parametrize(
    ("answering", "sentence"),
    [
        (sending(b"{}", 500), "HTTP status 500"),
        (sending(b"<html>"), "did not answer with JSON"),
        (sending(b""), "did not answer with JSON"),
        (sending(b"[" * 100_000), "did not answer with JSON"),
        (sending(b"[1]"), "not an object"),
        (sending(b'{"accepted": "yes"}'), "accepted = true or false"),
        (sending(b"x" * 300_000), "more than 200000 bytes"),
        (lambda handler, question: handler.connection.close(), "broke off"),
        (lambda handler, question: handler.wfile.write(b"\xff\x00nonsense\r\n\r\n") and None, "broke off"),
    ],
)
def test_a_bad_answer_is_a_finding_about_the_system(answering: Answering, sentence: str) -> None:
    with endpoint(answering) as url, pytest.raises(SystemFailed, match=sentence):
        AskedVerifier(HttpEndpoint(url, output_limit=200_000)).verify(b"<a/>", Trust(()))


@pytest.mark.parametrize("drip", [False, True])
def test_an_endpoint_that_hangs_or_drips_is_left_in_time(drip: bool) -> None:
    """One byte now and then would keep a limit that only looks at silence waiting for ever."""
    stop = threading.Event()

    def answering(handler: BaseHTTPRequestHandler, question: dict[str, str]) -> None:
        if drip:
            handler.send_response(200)
            handler.end_headers()
        while not stop.wait(0.05):
            if drip:
                handler.wfile.write(b" ")

    begun = time.monotonic()
    with endpoint(answering) as url, pytest.raises(SystemFailed, match=r"within 0\.5 seconds"):
        try:
            HttpEndpoint(url, timeout=0.5).ask({"document": base64.b64encode(b"x").decode()})
        finally:
            stop.set()
    assert time.monotonic() - begun < 10


def test_an_endpoint_that_is_not_there_is_a_matter_of_configuration() -> None:
    with pytest.raises(Misuse, match="cannot be reached"):
        HttpEndpoint("http://127.0.0.1:9/").ask({})
