"""The log of the services: lines of JSON on standard error, and nobody waits for who does not read them."""

from __future__ import annotations

import json
import logging
import select
from typing import TextIO

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

PATIENCE_SECONDS = 1.0
"""How long the first line waits that does not fit into a full pipe; those after it do not wait at all."""


class LogFields(dict[str, object]):
    """What is logged with names: JSON where it is printed as it is, and fields for a formatter that knows it."""

    def __str__(self) -> str:
        return json.dumps(self)


class JsonLines(logging.Formatter):
    """Log records as lines of JSON; fields that have names get time and level added."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
        }
        if isinstance(record.args, LogFields):
            line |= record.args
        else:
            line |= {"from": record.name, "message": record.getMessage()}
        if record.exc_info and _of_a_client(record.exc_info[1]):
            line |= {"level": "info", "message": "A client sent what is no HTTP."}
        elif record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _of_a_client(error: BaseException | None) -> bool:
    """Whether what went wrong is what a client sent: a trace of that would show its octets."""
    return isinstance(error, HttpProcessingError | web.RequestPayloadError)


class LinesForReaders(logging.StreamHandler[TextIO]):
    """Writes a line where it can be written at once, and leaves it out where a pipe is full or a terminal is stopped.

    Event loops write the log: one that waited for a reader would answer nobody. When there is room again, the first
    line says how many were left out.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._left_out = 0
        self._room = select.poll()
        self._room.register(self.stream, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it. Called with the handler's lock."""
        if not self._room.poll(0 if self._left_out else PATIENCE_SECONDS * 1000):
            self._left_out += 1
            return
        if self._left_out:
            told = LogFields(event="lines of the log that nobody read were left out", lines=self._left_out)
            self._left_out = 0
            super().emit(logging.LogRecord(__name__, logging.WARNING, "", 0, "%s", (told,), None))
        super().emit(record)


def log_as_json() -> None:
    """Log to standard error, a line of JSON for each request and each thing worth telling."""
    handler = LinesForReaders()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.getLogger("sotepki").setLevel(logging.INFO)
    # The house writes one line for each request; that of an office would be a second.
    logging.getLogger("sotepki.serving").setLevel(logging.WARNING)
