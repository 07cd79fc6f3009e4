"""Commands that serve until somebody stops them: the event that ends them, and one log line for each request."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sotepki.cli.printing import one_line
from sotepki.signals import handled


@contextmanager
def stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the earlier handlers come back afterwards."""
    stop = threading.Event()
    with handled(lambda *_: stop.set(), signal.SIGINT, signal.SIGTERM):
        yield stop


def wait(stop: threading.Event) -> None:
    """Wait until the event is set, letting signals through."""
    while not stop.wait(1.0):
        pass


def log_requests() -> None:
    """Log to standard error, one line for each request."""
    handler = logging.StreamHandler()
    handler.setFormatter(RequestLines("time=%(asctime)s level=%(levelname)s from=%(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("sotepki").setLevel(logging.INFO)


class RequestLines(logging.Formatter):
    """A message is one line, whatever a client sent; octets that are no HTTP are neither shown nor traced."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "aiohttp.server" and record.exc_info and _no_http(record.exc_info[1]):
            told = {"msg": "A client sent what is no HTTP.", "args": (), "levelname": "INFO"}
            record = logging.makeLogRecord({**record.__dict__, **told, "exc_info": None, "exc_text": None})
        return super().format(record)


def _no_http(error: BaseException | None) -> bool:
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.web import RequestPayloadError

    return isinstance(error, HttpProcessingError | RequestPayloadError)
