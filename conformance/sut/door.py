"""A door to things of the suite, open while a program of the vendor works on a question.

A card that the suite lends cannot be put into a message. So the question names an address on loopback; the program
uses the card by a POST of one JSON object for each step, in whatever order its own logic wants.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from conformance.sut.facets import SystemFailed
from sotepki.errors import Fault, SotepkiError
from sotepki.loopback import LOOPBACK

Step = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Does one step with the fields of a question. A ``SotepkiError`` is told to the program under ``error``."""

_LARGEST = 32 * 1024 * 1024
_SECONDS = 5.0


class Door:
    """The open door; ``failed`` is what the system did that no right system does."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self._secret = secrets.token_urlsafe(12)
        self.failed: SystemFailed | Fault | None = None
        # One request at a time: a card is not made to be used twice at once.
        self._server = HTTPServer((LOOPBACK, 0), _handler(self, f"/{self._secret}"))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, which nobody else can guess."""
        return f"http://{LOOPBACK}:{self._server.server_port}/{self._secret}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, body: bytes) -> tuple[int, Mapping[str, Any]]:
        """HTTP status and answer to one step."""
        try:
            question = json.loads(body)
            step = self._steps[question["operation"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            known = ", ".join(self._steps)
            return 400, {"error": "door.question", "message": f"A JSON object with one of the operations {known}."}
        try:
            return 200, step(question)
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": "door.question", "message": f"A field is missing or of the wrong kind: {error}."}
        except (SystemFailed, Fault) as error:
            self.failed = error
            return 409, {"error": "door.closed", "message": error.sentence}
        except SotepkiError as error:
            return 200, {"error": error.rule, "message": error.sentence}


@contextmanager
def open_door(steps: Mapping[str, Step]) -> Iterator[Door]:
    """A door until the block ends.

    Raises:
        SystemFailed: the system did something at the door that ends its case, whatever it answered afterwards.
    """
    door = Door(steps)
    try:
        yield door
    finally:
        door.close()
        if door.failed is not None:
            raise door.failed


def _handler(door: Door, path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS  # a program that opens a connection and says nothing must not shut the door

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length") or ""
            if self.path != path or not length.isdigit() or int(length) > _LARGEST:
                self._send(404, {"error": "door.address", "message": "There is nothing here."})
                return
            self._send(*door.answer(self.rfile.read(int(length))))

        def _send(self, status: int, answer: Mapping[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written to the terminal."""

    return Handler
