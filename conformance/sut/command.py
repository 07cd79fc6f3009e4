"""A system under test attached by a command: one JSON object on standard input, one on standard output.

The command is started anew for each question, in an empty directory of its own. It has a time limit and an output
limit; what it writes to standard error is kept for the report. Exit code 0 means that it answered, also when the
answer is "no"; a filter of its output may pass the answer on a little later. docs/conformance.md describes the
messages for any language.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.sut.asking import PROTOCOL, read_answer
from conformance.sut.facets import SystemFailed
from sotepki.errors import Misuse

_CHUNK = 65536
_LOG_LIMIT = 16 * 1024
_TAIL = 64
_SLICE = 0.05
"""Seconds after which the suite looks whether the command has ended, while nothing is written."""
_PATIENCE = 5.0
"""Seconds after its end for a filter of its output, as tee, that is still to pass the answer on."""
_LOG_PATIENCE = 0.25
"""Seconds after the end of a command that failed for what is still to come of its log."""


@dataclass(frozen=True)
class Command:
    """A program of the vendor and what it may use up.

    Attributes:
        arguments: program and arguments; no shell is involved. The names of files count from ``base``.
        base: directory of the TOML file.
        timeout: seconds from start to exit.
        output_limit: bytes of standard output.
    """

    arguments: tuple[str, ...]
    base: Path
    timeout: float = 30.0
    output_limit: int = 32 * 1024 * 1024

    @property
    def name(self) -> str:
        """How sentences speak of it."""
        return f"The command {self.arguments[0]}"

    def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put one question.

        Raises:
            Misuse: the program cannot be started.
            SystemFailed: it hung, crashed, wrote too much, or did not answer with a JSON object.
        """
        stdin = json.dumps({"protocol": PROTOCOL, **question}).encode()
        code, stdout, log = self._run(stdin)
        if code != 0:
            how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
            raise SystemFailed(f"{self.name} ended {how} instead of answering.", log=log)
        return read_answer(stdout, self.name, log)

    def _run(self, stdin: bytes) -> tuple[int, bytes, str]:
        with tempfile.TemporaryDirectory(prefix="sotepki-sut-") as directory, tempfile.TemporaryFile() as question:
            question.write(stdin)
            question.seek(0)
            try:
                process = subprocess.Popen(
                    self._resolved(),
                    stdin=question,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=directory,
                    start_new_session=True,
                )
            except OSError as error:
                sentence = f"{self.name} cannot be started: {error.strerror}."
                raise Misuse(sentence, advice=self._advice(error)) from None
            with process:
                try:
                    return self._collect(process)
                finally:
                    _end(process)

    def _advice(self, error: OSError) -> str:
        there = os.path.isfile(self._resolved()[0])
        if there and error.errno == errno.ENOENT:  # the system means the program that the script names
            return "Its first line names a program that is not here; line ends of Windows make it look like that too."
        if there and error.errno == errno.ENOEXEC:
            return "Its first line must say what runs it, as #!/bin/sh."
        return "Check the path and its permission to be executed in the system's TOML file."

    def _resolved(self) -> list[str]:
        program, *rest = self.arguments
        return [self._placed(program) if "/" in program else program, *(self._placed(argument) for argument in rest)]

    def _placed(self, argument: str) -> str:
        """An argument that names a file beside the TOML file, as an absolute path; another one unchanged.

        So does the name of a directory that is written with a slash, as of Java's classes; without one it may be a
        mere word. A link stays one: the Python of a virtual environment knows its packages by the link's place.
        A program given as text (``python3 -c``) is too long for a name, of which pathlib makes an error.
        """
        beside = self.base / argument
        there = os.path.isfile(beside) or ("/" in argument and os.path.isdir(beside))
        return str(beside.absolute()) if argument and there else argument

    def _collect(self, process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
        deadline = time.monotonic() + self.timeout
        output, log = bytearray(), bytearray()

        def take(chunk: bytes) -> None:
            output.extend(chunk)
            if len(output) > self.output_limit:
                raise SystemFailed(f"{self.name} wrote more than {self.output_limit} bytes.", log=_text(log))

        def keep(chunk: bytes) -> None:
            log.extend(chunk[: _LOG_LIMIT - len(log)])

        with selectors.DefaultSelector() as selector:
            for stream, sink in ((process.stdout, take), (process.stderr, keep)):
                assert stream is not None
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, sink)
            until = deadline
            while selector.get_map():
                # Asked before reading: what is read when it has ended includes all that it wrote itself.
                code = process.poll()
                if code is not None:
                    until = min(until, time.monotonic() + (_LOG_PATIENCE if code else _PATIENCE))
                left = until - time.monotonic()
                if left <= 0:
                    if code is None:
                        raise self._late(log)
                    break
                quiet = True
                for key, _ in selector.select(min(left, _SLICE)):
                    if chunk := os.read(key.fd, _CHUNK):
                        key.data(chunk)
                        quiet = quiet and key.fileobj is not process.stdout
                    else:
                        selector.unregister(key.fileobj)
                # A helper that it leaves behind may hold the pipes open, and write its log, long after the answer.
                if code == 0 and quiet and (process.stdout not in selector.get_map() or _is_whole(output)):
                    break
        try:
            code = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise self._late(log) from None
        return code, bytes(output), _text(log)

    def _late(self, log: bytearray) -> SystemFailed:
        return SystemFailed(f"{self.name} did not answer within {self.timeout:g} seconds.", log=_text(log))


def _is_whole(output: bytearray) -> bool:
    """Whether these bytes are a JSON object; a part of one never is."""
    if not output[-_TAIL:].rstrip().endswith(b"}"):  # seen at once, where reading a long answer costs time
        return False
    try:
        json.loads(output)
    except (ValueError, RecursionError):
        return False
    return True


def _text(log: bytearray) -> str:
    return bytes(log).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started in its session; a command that answered has ended by itself."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
