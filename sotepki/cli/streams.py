"""The standard streams of a command: one that was closed is an empty one, and a reader may go before the end."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Let the standard streams hold whatever becomes of those at their other ends.

    A closed one would be None, and its number would go to the next file that is opened. Of one whose reader has gone
    (``| head``) the rest is lost, but the command does its work and ends with its own exit code.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free number: the one that was closed
            os.set_inheritable(descriptor, True)
            mode = "w" if number else "r"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good
    sys.stdout, sys.stderr = _unread_too(sys.stdout), _unread_too(sys.stderr)


def _unread_too(stream: TextIO) -> TextIO:
    """The same stream, on which writing for nobody is no error."""
    return io.TextIOWrapper(
        io.BufferedWriter(_ForNobodyToo(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=bool(stream.line_buffering),
    )


class _ForNobodyToo(io.FileIO):
    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            return memoryview(data).nbytes  # type: ignore[arg-type]
