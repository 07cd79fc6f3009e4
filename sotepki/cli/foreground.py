"""Commands that serve until somebody stops them: the event that ends them, and one log line for each request."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the earlier handlers come back afterwards."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait(stop: threading.Event) -> None:
    """Wait until the event is set, letting signals through."""
    while not stop.wait(1.0):
        pass


def log_requests() -> None:
    """Log to standard error, one line for each request."""
    import logging

    logging.basicConfig(format="time=%(asctime)s level=%(levelname)s from=%(name)s %(message)s")
    logging.getLogger("sotepki").setLevel(logging.INFO)
