"""Files that hold keys or counters: readable by their owner only, whole or absent, and on the disk when promised.

The card's chip is a process of its own that must start quickly, so this does not lean on the database room.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sotepki.errors import Fault

try:  # POSIX only, as SoftHSM's packages are
    import fcntl
    import resource
except ImportError:  # pragma: no cover
    fcntl = resource = None  # type: ignore[assignment]


def private_directory(path: Path) -> Path:
    """Make a directory of mode 0700 with its parents; one that is there already is left as it is.

    Raises:
        Fault: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def no_core_file() -> None:
    """Let this process leave no core file, in which the keys and PINs of its memory would lie."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def write_private(target: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file in one step (mode 0600); with ``durable`` it is on the disk when this returns.

    Raises:
        Fault: the disk is full or the directory cannot be written; the old content is untouched.
    """
    part = target.with_name(f".{target.name}.{threading.get_native_id()}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(part, target)
        if durable:
            sync_directory(target.parent)
    except OSError as error:
        _discard(part)
        raise _unwritable(target, error) from error


def replace_one_byte(target: Path, content: bytes, *, durable: bool = True) -> bool:
    """Replace a file in place if it differs in one byte at most; with ``durable`` it is on the disk then.

    One byte is written whole or not at all, whatever happens in between, and costs a fraction of a new file.
    False: it differs in more, or is not there, and nothing was done.

    Raises:
        Fault: it cannot be written.
    """
    try:
        descriptor = os.open(target, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        before = os.pread(descriptor, len(content) + 1, 0)
        if len(before) != len(content):
            return False
        places = [at for at, (old, new) in enumerate(zip(before, content, strict=True)) if old != new]
        if len(places) > 1:
            return False
        for at in places:
            os.pwrite(descriptor, content[at : at + 1], at)
        if durable:
            os.fdatasync(descriptor)
        return True
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Put a directory's entries on the disk, so that a rename outlives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Put every file below ``path`` on the disk; with one call for the whole file system where the system has it."""
    if _sync_file_system(path):
        return
    for directory, _, names in os.walk(path):
        for name in names:
            descriptor = os.open(os.path.join(directory, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_directory(Path(directory))


def sync_files(paths: Sequence[Path]) -> None:
    """Put files and their names on the disk; with one call for each file system where the system has it."""
    directories = {path.parent for path in paths}
    if directories and all(_sync_file_system(directory) for directory in _one_for_each_device(directories)):
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for directory in directories:
        sync_directory(directory)


def _one_for_each_device(directories: set[Path]) -> list[Path]:
    return list({os.stat(directory).st_dev: directory for directory in directories}.values())


def _sync_file_system(path: Path) -> bool:
    """Linux's syncfs(2): one commit instead of one for each file, which costs milliseconds each."""
    order = getattr(ctypes.CDLL(None), "syncfs", None) if sys.platform == "linux" else None
    if order is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return bool(order(descriptor) == 0)
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> IO[bytes] | None:
    """Take the lock that a file stands for, or answer None if another process has it.

    The lock lasts until the returned file is closed or the process ends, however it ends.

    Raises:
        Fault: the lock file cannot be made.
    """
    return _lock(path, wait=False)


def is_locked(path: Path) -> bool:
    """Whether somebody has the lock that a file stands for; a file that is not there is not made, and is free."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a file stands for; waits until it is free."""
    stream = _lock(path, wait=True)
    try:
        yield
    finally:
        if stream is not None:
            stream.close()


def _lock(path: Path, *, wait: bool) -> IO[bytes] | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    stream = os.fdopen(descriptor, "rb+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        stream.close()
        return None
    except OSError as error:
        stream.close()
        raise _unwritable(path, error) from error
    return stream


def _discard(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return


def _unwritable(path: Path, error: OSError) -> Fault:
    return Fault(
        f"{path} cannot be written: {error.strerror or error}.",
        advice="Check the owner, the permissions and the free space of the directory.",
    )
