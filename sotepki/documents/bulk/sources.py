"""Where the documents of an archive come from: a directory, a zip, a tar, or a list of files. Read as a stream."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sotepki.errors import Misuse

LARGEST = 20 * 1024 * 1024
"""A document longer than this is not read; the parser would refuse it anyway (``xml.too-large``)."""
DONE_SUFFIX = ".signed.xml"
"""How signed documents beside their input are called; a directory is read without them."""
_UNPACKING = (zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Item:
    """One document.

    Attributes:
        name: its place in the source, with '/' between parts; unique.
        stamp: changes when the document does, as far as that can be seen without reading it.
        path: the file, if it is one; read where it is worked on.
        data: the bytes, if they had to be read from an archive; None if the document is too large.
    """

    name: str
    stamp: str
    path: str = ""
    data: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """The bytes, at most one more than ``LARGEST``.

        Raises:
            OSError: the file cannot be read.
        """
        if not self.path:
            return self.data if self.data is not None else b" " * (LARGEST + 1)
        with open(self.path, "rb") as stream:
            # Python makes a buffer of the length that is asked for, and one of the bound costs more than the reading.
            length = os.fstat(stream.fileno()).st_size
            return stream.read(min(length, LARGEST) + 1)


def open_source(place: str | Path, pattern: str = "*.xml") -> Iterator[Item]:
    """The documents of a source, in a fixed order where the source has one.

    Args:
        place: a directory (read with what is below it), a zip, a tar (compressed or not), or a text file with one
            path on each line, relative to the list.
        pattern: names that count in directories and archives.

    Raises:
        Misuse: there is no such source, or it is none of these; while reading, an archive is damaged.
    """
    path = Path(place)
    if path.is_dir():
        return _directory(path, pattern)
    if not path.is_file():
        raise Misuse(f"There is no directory, archive or list {path}.", subject=str(path))
    if zipfile.is_zipfile(path):
        return _zip(path, pattern)
    if tarfile.is_tarfile(path):
        return _tar(path, pattern)
    return _listed(path)


def is_archive(place: str | Path) -> bool:
    """Whether the source is a zip or a tar, into which nothing is written."""
    path = Path(place)
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def _directory(top: Path, pattern: str) -> Iterator[Item]:
    """Depth first, names sorted within a directory; only one directory's names are in memory."""
    stack = [top]
    while stack:
        directory = stack.pop()
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        below: list[Path] = []
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                below.append(Path(entry.path))
            elif entry.is_file() and _wanted(entry.name, pattern):
                status = entry.stat()
                name = Path(entry.path).relative_to(top).as_posix()
                yield Item(name, f"{status.st_size}-{status.st_mtime_ns}", entry.path)
        stack.extend(reversed(below))


def _zip(path: Path, pattern: str) -> Iterator[Item]:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or not _wanted(name := _inside(entry.filename, path), pattern):
                    continue
                data = None if entry.file_size > LARGEST else archive.read(entry)
                yield Item(name, f"{entry.file_size}-{entry.CRC:08x}", data=data)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, *_UNPACKING) as error:
        raise _damaged(path, error) from None


def _tar(path: Path, pattern: str) -> Iterator[Item]:
    try:
        with tarfile.open(path, "r|*") as archive:
            for entry in archive:
                archive.members = []  # type: ignore[attr-defined]  # a stream of members need not be remembered
                if not entry.isfile() or not _wanted(name := _inside(entry.name, path), pattern):
                    continue
                stream = archive.extractfile(entry)
                data = stream.read() if stream is not None and entry.size <= LARGEST else None
                yield Item(name, f"{entry.size}-{entry.mtime}", data=data)
    except (tarfile.TarError, EOFError, OSError, *_UNPACKING) as error:
        raise _damaged(path, error) from None


def _listed(path: Path) -> Iterator[Item]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                name = line.rstrip("\r\n")
                if not name.strip():
                    continue
                if "\x00" in name or len(name) > 4096:
                    raise Misuse(f"Line {number} of {path} is no path; the file is neither an archive nor a list.")
                file = path.parent / name
                try:
                    status = file.stat()
                    yield Item(name, f"{status.st_size}-{status.st_mtime_ns}", str(file))
                except OSError:
                    yield Item(name, "", str(file))
    except UnicodeDecodeError:
        raise Misuse(f"{path} is neither a directory, a zip, a tar nor a list of files.") from None


def _wanted(name: str, pattern: str) -> bool:
    pure = PurePosixPath(name)
    return pure.match(pattern) and not pure.name.endswith(DONE_SUFFIX) and not pure.name.startswith(".")


def _inside(name: str, archive: Path) -> str:
    """A member's name, which may become a path below the output tree and nowhere else."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or not pure.name:
        raise Misuse(
            f"The archive {archive} has a member called {name[:120]!r}, which points outside.",
            rule="doc.archive.name",
            advice="Pack the archive with plain relative names.",
        )
    return pure.as_posix()


def _damaged(path: Path, error: Exception) -> Misuse:
    return Misuse(f"The archive {path} cannot be read to its end: {str(error)[:160]}.", subject=str(path))
