"""The reader's side of the chip's process: starts it, talks to it, and never waits for it for ever."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

import sotepki
from sotepki.card.wire import LENGTH_BYTES, Message, body_length, decode, encode, raise_error
from sotepki.errors import Fault, Misuse
from sotepki.tokens.softhsm import CONFIGURATION_VARIABLE

PATIENCE = 30.0
_FAREWELL = 5.0


class ChipLink:
    """One chip process. Calls from several threads follow one another."""

    def __init__(self, name: str, arguments: list[str], *, configuration: Path | None, patience: float) -> None:
        """Start the process and wait until it says that it is ready.

        Args:
            name: what to call it in messages, for example ``The card 12345``.
            arguments: of ``sotepki.card.chip``.
            configuration: the SoftHSM configuration for its environment.
            patience: seconds to wait for any one answer.

        Raises:
            Refused, Misuse: what the chip said instead of being ready.
            Fault: it did not start.
        """
        self._name = name
        self._patience = patience
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  read only if the chip dies
        environment = dict(os.environ)
        if configuration is not None:
            environment[CONFIGURATION_VARIABLE] = str(configuration)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sotepki.card.chip", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=environment,
                cwd=Path(sotepki.__file__).resolve().parent.parent,
                process_group=0,  # Ctrl-C in the terminal is for the reader
            )
        except OSError as error:
            raise Fault(f"{name} cannot be started: {error.strerror}.", rule="card.chip.silent") from error
        self._finalizer = weakref.finalize(self, _end, self._process, self._complaints)
        try:
            self._checked(self._receive)
        except BaseException:
            self._kill()
            raise

    @property
    def process_id(self) -> int | None:
        """The chip's process, while it is there."""
        return self._process.pid if self._process else None

    def ask(self, request: Message) -> Message:
        """Send a request and wait for its answer.

        Raises:
            Refused, Misuse, Fault: what the chip answered.
            Fault: rule ``card.chip.silent``: the chip is gone or does not answer in time; it is gone now.
        """
        with self._lock:
            return self._checked(lambda: self._exchange(request))

    def close(self) -> None:
        """End the chip's process and wait for its end. Closing twice is no error."""
        with self._lock:
            self._process = None
            self._finalizer()

    def _checked(self, exchange: Callable[[], Message]) -> Message:
        try:
            message = exchange()
        except Misuse:
            raise  # the request was too long and was not sent
        except (OSError, EOFError, ValueError) as error:
            raise self._gone(error) from error
        except BaseException:
            # Interrupted in the middle: the next answer would belong to this request, so there is no next one.
            self._kill()
            raise
        raise_error(message)
        return message

    def _exchange(self, request: Message) -> Message:
        if self._process is None or self._process.stdin is None:
            raise EOFError
        self._process.stdin.write(encode(request))
        self._process.stdin.flush()
        return self._receive()

    def _receive(self) -> Message:
        deadline = time.monotonic() + self._patience
        length = body_length(self._read(LENGTH_BYTES, deadline))
        return decode(self._read(length, deadline))

    def _read(self, count: int, deadline: float) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise EOFError
        descriptor = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        content = b""
        while len(content) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                raise TimeoutError
            part = os.read(descriptor, count - len(content))
            if not part:
                raise EOFError
            content += part
        return content

    def _gone(self, error: BaseException) -> Fault:
        was_there = self._process is not None
        complaint = self._last_complaint() if was_there else ""
        self._kill()
        if not was_there:
            return Fault(f"{self._name} is not in the reader.", rule="card.removed", advice="Insert it first.")
        late = f" within {self._patience:g} seconds" if isinstance(error, TimeoutError) else ""
        return Fault(
            f"{self._name} stopped answering{late}.{complaint}",
            rule="card.chip.silent",
            advice="Insert it again. A PIN try that was under way counts as spent.",
        )

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._finalizer()

    def _last_complaint(self) -> str:
        try:
            self._complaints.seek(0)
            lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        except (OSError, ValueError):
            return ""
        return f" Its last words: {lines[-1][:200]}" if lines else ""


def _end(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # unsent bytes to a chip that is gone
                continue
    try:
        process.wait(_FAREWELL)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    complaints.close()
