"""Where the documents of an archive come from: a directory, a zip, a tar, or a list of files. Read as a stream."""

from __future__ import annotations

import hashlib
import lzma
import os
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sotepki.errors import Fault, Misuse, Refused

LARGEST = 20 * 1024 * 1024
"""A document longer than this is not read; the parser would refuse it anyway (``xml.too-large``)."""
DONE_SUFFIX = ".signed.xml"
"""How signed documents beside their input are called; a directory is read without them."""
_UNPACKING = (zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Item:
    """One document.

    Attributes:
        name: its place in the source, with '/' between parts; unique, and always text that can be printed.
        stamp: changes when the document does, as far as that can be seen without reading it.
        path: the file, if it is one; read where it is worked on.
        data: the bytes, if they had to be read from an archive; None if the document is too large.
        fault: why it cannot be worked on as it stands in the source; empty otherwise.
    """

    name: str
    stamp: str
    path: str = ""
    data: bytes | None = field(default=None, repr=False)
    fault: str = ""

    def read(self) -> bytes:
        """The bytes, at most one more than ``LARGEST``.

        Raises:
            OSError: the file cannot be read.
            Refused: the source does not hold it as a document of its own (``doc.archive.member``).
        """
        if self.fault:
            raise Refused(self.fault, rule="doc.archive.member")
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
        Misuse: there is no such source, it is none of these, or the pattern is empty; while reading, an archive is
            damaged, or at its end, there was no document in it.
    """
    path = Path(place)
    if not PurePosixPath(pattern).parts:
        raise Misuse("The pattern of names is empty.", advice="Give one such as --pattern '*.xml'.")
    if path.is_dir():
        return _some(_directory(path, pattern), path, pattern)
    if not path.is_file():
        raise Misuse(f"There is no directory, archive or list {path}.", subject=str(path))
    # First, since a tar that ends in a zip looks like that zip: a zip is known by its end.
    if tarfile.is_tarfile(path):
        return _some(_tar(path, pattern), path, pattern)
    if zipfile.is_zipfile(path):
        return _some(_zip(path, pattern), path, pattern)
    return _some(_listed(path), path, "")


def is_archive(place: str | Path) -> bool:
    """Whether the source is a zip or a tar, into which nothing is written."""
    path = Path(place)
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def _some(items: Iterator[Item], path: Path, pattern: str) -> Iterator[Item]:
    """The same; a source that holds nothing is a mistake and not work that is done."""
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        told = f"There is no document called {pattern} in {path}." if pattern else f"The list {path} names no file."
        advice = f"Name others with --pattern; names that end in {DONE_SUFFIX} or begin with a dot never count."
        line = "Write one path on each line, relative to the list."
        raise Misuse(told, advice=advice if pattern else line, subject=str(path))


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
                name = _printable(Path(entry.path).relative_to(top).as_posix())
                yield Item(name, f"{status.st_size}-{status.st_mtime_ns}", entry.path)
        stack.extend(reversed(below))


def _zip(path: Path, pattern: str) -> Iterator[Item]:
    try:
        with zipfile.ZipFile(path) as archive, closing(_Names()) as names:
            for entry in archive.infolist():
                if entry.is_dir() or not _wanted(name := _inside(entry.filename, path), pattern):
                    continue
                key = names.own(name)
                if key != name:
                    yield Item(key, "", fault=_twice(name))
                    continue
                data = None if entry.file_size > LARGEST else archive.read(entry)
                yield Item(name, f"{entry.file_size}-{entry.CRC:08x}", data=data)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, *_UNPACKING) as error:
        raise _damaged(path, error) from None


def _tar(path: Path, pattern: str) -> Iterator[Item]:
    try:
        with tarfile.open(path, "r|*") as archive, closing(_Names()) as names:
            for entry in archive:
                archive.members = []  # type: ignore[attr-defined]  # a stream of members need not be remembered
                if entry.isdir() or not _wanted(name := _printable(_inside(entry.name, path)), pattern):
                    continue
                key = names.own(name)
                if key != name or not entry.isfile():
                    yield Item(key, "", fault=_twice(name) if key != name else _no_file(name, entry))
                    continue
                stream = archive.extractfile(entry)
                data = stream.read() if stream is not None and entry.size <= LARGEST else None
                # Whoever packs reproducibly gives all members one time, so only the bytes tell what changed.
                stamp = f"{entry.size}-{entry.mtime}" if data is None else hashlib.sha256(data).hexdigest()
                yield Item(name, stamp, data=data)
    except (tarfile.TarError, EOFError, OSError, *_UNPACKING) as error:
        raise _damaged(path, error) from None


def _listed(path: Path) -> Iterator[Item]:
    try:
        # An editor of Windows begins the file with a byte order mark, which is no part of the first name.
        with path.open(encoding="utf-8-sig") as lines, closing(_Names()) as names:
            for number, line in enumerate(lines, start=1):
                name = line.rstrip("\r\n")
                if not name.strip():
                    continue
                if "\x00" in name or len(name) > 4096:
                    raise Misuse(f"Line {number} of {path} is no path; the file is neither an archive nor a list.")
                file = path.parent / name
                key = names.own(name, str(file))
                if key != name:
                    yield Item(key, "", fault=_twice(name))
                    continue
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


class _Names:
    """The names that a source has given so far. On the disk, since memory may not grow with an archive."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file that goes with the connection
        for order in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            "CREATE TABLE given (place TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",
        ):
            self._database.execute(order)

    def own(self, name: str, place: str = "") -> str:
        """``name`` where its place (by default the name itself) is new; else one with the number of the occurrence.

        Raises:
            Fault: the temporary file cannot be written.
        """
        place = place or name
        order = "INSERT INTO given VALUES (?, 1) ON CONFLICT (place) DO UPDATE SET times = times + 1 RETURNING times"
        try:
            times = self._database.execute(order, (place,)).fetchone()[0]
        except sqlite3.Error as error:
            raise Fault(f"The names of the documents cannot be kept in a temporary file: {error}.") from None
        return name if times == 1 else self.own(f"{name}#{times}", f"{place}#{times}")

    def close(self) -> None:
        self._database.close()


def _twice(name: str) -> str:
    return f"The source has another document called {name[:120]} before this one; give each document its own name."


def _no_file(name: str, entry: tarfile.TarInfo) -> str:
    if not (entry.issym() or entry.islnk()):
        return f"The member {name[:120]} is no file."
    target = _printable(entry.linkname)[:120]
    return (
        f"The member {name[:120]} is a link to {target}; pack the file itself (tar --dereference --hard-dereference)."
    )


def _printable(name: str) -> str:
    """A file's name as text; bytes that are not UTF-8 are written out, as backslash, x and two digits."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


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
