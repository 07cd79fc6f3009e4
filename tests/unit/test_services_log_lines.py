"""The log of the services: whoever does not read it holds nobody up."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sotepki.services import log_lines, worker
from sotepki.services.log_lines import JsonLines, LinesForReaders

Log = tuple[logging.Logger, int]
_LINE = "x" * 1000


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """A logger that writes into a pipe, and the pipe's other end."""
    monkeypatch.setattr(log_lines, "PATIENCE_SECONDS", 0.05)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        handler = LinesForReaders(stream)
        handler.setFormatter(JsonLines())
        logger = logging.Logger("sotepki.test")
        logger.addHandler(handler)
        yield logger, reading
        drained(reading)
    os.close(reading)


def drained(reading: int) -> list[dict[str, object]]:
    """The lines that are in the pipe."""
    octets = b""
    while True:
        try:
            octets += os.read(reading, 65536)
        except BlockingIOError:
            return [json.loads(line) for line in octets.splitlines()]


def test_a_log_that_nobody_reads_is_left_out_and_the_lines_are_counted(log: Log) -> None:
    """``sotepki serve 2>&1 | less`` answered nobody any more, and Kanta's processes were ended."""
    logger, reading = log
    for _ in range(300):
        logger.warning(_LINE)
    kept = drained(reading)
    assert 10 < len(kept) < 300 and {line["message"] for line in kept} == {_LINE}
    logger.warning("again")
    told, last = drained(reading)
    assert (told["event"], told["lines"]) == ("lines of the log that nobody read were left out", 300 - len(kept))
    assert last["message"] == "again"
    logger.warning("and again")
    assert [line["message"] for line in drained(reading)] == ["and again"]


def test_a_reader_that_pauses_for_a_moment_misses_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """``tee`` and ``jq`` are slower than a busy Kanta now and then."""
    monkeypatch.setattr(log_lines, "PATIENCE_SECONDS", 20.0)
    logger, reading = log
    with ThreadPoolExecutor(1) as reader:

        def read_later() -> int:
            found = 0
            for _ in range(60):
                time.sleep(0.02)
                found += len(drained(reading))
            return found

        found = reader.submit(read_later)
        for _ in range(300):
            logger.warning(_LINE)
        assert found.result(30) == 300


def test_a_log_that_is_read_is_whole(log: Log) -> None:
    """A line that is missing without a word would be looked for."""
    logger, reading = log
    found = []
    for number in range(300):
        logger.warning("%d %s", number, _LINE)
        found += drained(reading)
    assert [str(line["message"]).split()[0] for line in found] == [str(number) for number in range(300)]


def test_a_service_whose_output_is_closed_serves_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """``sotepki serve 2>&-`` was a fault of ours: Python has no stream there."""
    before, interval = list(logging.getLogger().handlers), sys.getswitchinterval()
    levels = {name: logging.getLogger(name).level for name in ("sotepki", "sotepki.serving")}
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    try:
        worker.prepare_process()
        logging.getLogger("sotepki").info("told to nobody")
        print("said to nobody", flush=True)
        sys.stdout.flush()
        sys.stderr.close()
        sys.stdout.close()
    finally:
        logging.getLogger().handlers[:] = before
        sys.setswitchinterval(interval)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
