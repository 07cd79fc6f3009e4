"""Exclusive claims: work that takes several transactions is done by one run at a time, and a killed run frees it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sotepki.errors import Fault


@contextmanager
def exclusive(directory: Path, name: str) -> Iterator[bool]:
    """Claim ``name`` while the block runs; yields whether the claim was free.

    The claim is a lock on an open file, which the operating system gives up when the process ends, however it ends.
    It holds between threads and between processes of one machine.

    Raises:
        Fault: the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Fault(f"The claim {name} cannot be written in {directory}: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
