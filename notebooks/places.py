"""Directories of the notebooks' own in the temporary directory, and what is left of kernels that were killed."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_LOCK = "notebook.lock"
"""Held by the kernel whose directory it is; the system lets it go however the kernel ends."""


def own_directory(name: str) -> Path:
    """A new directory that is removed when the kernel ends.

    A kernel that is killed removes nothing (the lab's and nbval's are, if they do not stop in time), so whoever comes
    next removes what such kernels left.
    """
    _sweep(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=f"sotepki-{name}-"))
    # The lock gets its name when it is held; a sweep at this moment finds nothing to remove.
    lock = os.open(directory / f"{_LOCK}.new", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (directory / f"{_LOCK}.new").rename(directory / _LOCK)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _sweep(place: Path) -> None:
    """Remove directories that ``own_directory`` made for this user and whose kernel is gone; nobody else's."""
    for directory in place.glob("sotepki-*"):
        with suppress(OSError):
            made = directory.lstat()
            if not stat.S_ISDIR(made.st_mode) or made.st_uid != os.getuid():
                continue
            lock = os.open(directory / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)
