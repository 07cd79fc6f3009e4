"""Taking a directory for a new workspace, for one init alone, and clearing away what an init did not finish.

A marker in the directory says that init is at work or was interrupted; a lock on it says which of the two. A line of
the marker says by which mark the books of this init are known, since books may stand where others keep theirs.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

from sotepki.errors import Fault, Misuse, SotepkiError
from sotepki.records import Database
from sotepki.records.addresses import parsed
from sotepki.records.founding import Founding, clear, found
from sotepki.records.heads import NOTE
from sotepki.records.homes import Home, unfinished_books
from sotepki.tokens.storage import is_locked, sync_directory, try_lock
from sotepki.workspace.directory import SETTINGS, Settings, read_settings

INCOMPLETE = "INCOMPLETE"

_SENTENCE = b"sotepki init is at work here, or was interrupted.\n"
_BOOKS = b"Its books bear the mark %d%s.\n"
_NEW_FILE = b", in a file of their own"
_NOTED = re.compile(b"Its books bear the mark ([0-9]+)(" + _NEW_FILE + rb")?\.\n")

_MADE_BY_INIT = (
    "hsm", "key-pool", "published", "outbox", "cards", "sotepki.db", "sotepki.db-*",
    SETTINGS, f".{SETTINGS}.*.part", NOTE, f".{NOTE}.*.part",
)  # fmt: skip
_TRIES = 5


@dataclass
class Claim:
    """A directory in which this init alone makes a workspace, until it finishes or abandons it.

    Attributes:
        home: where the books are to be.
        new: whether the directory itself was made.
        marker: the open marker, whose lock ends with it.
        founding: of the books, once they are begun.
    """

    directory: Path
    home: Home
    new: bool
    marker: IO[bytes]
    founding: Founding | None = None

    def found_books(self, books: Database) -> None:
        """Make the books, of which the marker says before how to know them: a kill may come at any moment.

        Raises:
            Misuse: something is where they are to be.
        """
        books.lacks_schema()  # a server that cannot be reached is asked first, so that nothing is to be cleared there
        self.founding = Founding.of(books)
        _append(self.marker, _BOOKS % (self.founding.mark, _NEW_FILE if self.founding.new_file else b""))
        found(books, self.founding)

    def finish(self) -> None:
        """The workspace stands."""
        (self.directory / INCOMPLETE).unlink()
        sync_directory(self.directory)  # after a loss of power the next init would start over
        self.marker.close()

    def abandon(self) -> None:
        """Remove what this init made, and nothing else; the marker goes last, so that a kill here is seen too.

        Books that cannot be removed now are remembered for the next init.
        """
        try:
            if not _is_at(self.marker, self.directory / INCOMPLETE):
                return
            keep = set() if self._clear_books() else {SETTINGS}
            _remove(self.directory, keep)
            if not keep:
                (self.directory / INCOMPLETE).unlink()
                if self.new:
                    self.directory.rmdir()
        finally:
            self.marker.close()

    def _clear_books(self) -> bool:
        if self.founding is None or not self.home.address:
            return True
        with suppress(Exception):  # the first error is the one to be told
            books = self.home.open(self.directory)
            try:
                clear(books, self.founding)
            finally:
                books.close()
            return True
        return False


def claim(directory: Path, home: Home) -> Claim:
    """Take a directory for a new workspace, and clear away what an interrupted init left there.

    Raises:
        Misuse: another init is at work there, it holds something already, or it cannot be made.
    """
    try:
        new, marker = _locked_marker(directory)
    except OSError as error:
        raise _impossible(directory, error) from error
    try:
        if _content(marker):
            _clear_unfinished(directory, marker, home)
            os.ftruncate(marker.fileno(), len(_SENTENCE))  # what it made is gone
        else:
            _append(marker, _SENTENCE)
    except BaseException as error:
        _leave(directory, marker, new)
        if isinstance(error, OSError):
            raise _impossible(directory, error) from error
        raise
    return Claim(directory, home, new, marker)


def require_finished(directory: Path) -> None:
    """Let a workspace pass that no init is at work on, and that none left unfinished.

    Raises:
        Misuse: one is, or did.
    """
    marker = directory / INCOMPLETE
    if not os.path.exists(marker):  # unlike Path.exists, no error where the directory is closed to us
        return
    if is_locked(marker):
        raise _busy(directory)
    if os.path.exists(marker):  # an init may have finished in between
        raise Misuse(
            f"The workspace {directory} was left incomplete by an interrupted init.",
            advice="Give 'sotepki init' again; it starts over.",
        )


def _locked_marker(directory: Path) -> tuple[bool, IO[bytes]]:
    """The marker, locked, and whether the directory was made; it is empty, or another init's that was interrupted."""
    path, new = directory / INCOMPLETE, False
    for _ in range(_TRIES):
        new = _make(directory) or new
        was_there = os.path.lexists(path)
        if was_there and not stat.S_ISREG(path.lstat().st_mode):
            raise _taken(directory)
        if not was_there and any(one.name != INCOMPLETE for one in directory.iterdir()):
            raise _taken(directory)
        try:
            marker = try_lock(path)
        except Fault as error:
            if isinstance(error.__cause__, FileNotFoundError):  # the other init was abandoned, directory and all
                continue
            raise error.__cause__ if isinstance(error.__cause__, OSError) else error from error
        if marker is None:
            raise _busy(directory)
        if not _is_at(marker, path):  # the other init has ended meanwhile
            marker.close()
            continue
        content = _content(marker)
        if content.startswith(_SENTENCE) or (not content and _is_alone(path)):
            return new, marker
        if not was_there and not content:
            path.unlink()
        marker.close()
        raise _taken(directory)
    raise _busy(directory)


def _make(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        if not directory.is_dir():
            raise Misuse(f"{directory} is a file, a workspace is a directory.") from None
        return False
    return True


def _clear_unfinished(directory: Path, marker: IO[bytes], home: Home) -> None:
    """Remove what an interrupted init made, by what its marker and its settings say."""
    noted = _NOTED.search(_content(marker))
    try:
        settings = read_settings(directory)
    except SotepkiError:
        settings = None
    others = [
        path.name
        for path in sorted(directory.iterdir())
        if not _is_ours(path.name) and path.name != INCOMPLETE and not _is_of_books(path, settings)
    ]
    if others:
        raise Misuse(
            f"{directory} holds other files beside what an interrupted init left ({', '.join(others[:3])}); nothing "
            "was changed.",
            advice="Move them elsewhere and give 'sotepki init' again, or name another directory with --workspace.",
        )
    if settings and settings.database and noted:
        _clear_unfinished_books(directory, settings, Founding(int(noted[1]), bool(noted[2])), home)
    _remove(directory, set())


def _clear_unfinished_books(directory: Path, settings: Settings, founding: Founding, home: Home) -> None:
    try:
        books = unfinished_books(home, settings.database, settings.schema)
        try:
            clear(books, founding)
        finally:
            books.close()
    except SotepkiError as error:
        left = f"the schema {settings.schema}" if settings.schema else f"the file {settings.database}"
        raise Misuse(
            f"An interrupted init left {left}, which cannot be removed: {error.sentence}",
            advice="Give --database with the address of then and its password; or remove it by hand, and then the "
            f"directory {directory}.",
        ) from error


def _remove(directory: Path, keep: set[str]) -> None:
    for entry in sorted(directory.iterdir()):
        if not _is_ours(entry.name) or entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _leave(directory: Path, marker: IO[bytes], new: bool) -> None:
    """Give up a directory in which nothing was made yet."""
    with suppress(OSError):
        if _is_alone(directory / INCOMPLETE):
            (directory / INCOMPLETE).unlink()
            if new:
                directory.rmdir()
    marker.close()


def _is_ours(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _MADE_BY_INIT)


def _is_of_books(path: Path, settings: Settings | None) -> bool:
    """Whether this is the file that a workspace was told to keep its books in, or one of SQLite's beside it."""
    if settings is None or not settings.database or settings.schema:
        return False
    return str(path).startswith(str(parsed(settings.database).database))


def _is_alone(marker: Path) -> bool:
    return [path.name for path in marker.parent.iterdir()] == [marker.name]


def _is_at(stream: IO[bytes], path: Path) -> bool:
    """Whether an open file is the one that has this path now."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _content(stream: IO[bytes]) -> bytes:
    return os.pread(stream.fileno(), 4096, 0)


def _append(stream: IO[bytes], line: bytes) -> None:
    """Write behind the end, in place: another file would be without the lock."""
    os.pwrite(stream.fileno(), line, os.fstat(stream.fileno()).st_size)
    os.fsync(stream.fileno())


def _busy(directory: Path) -> Misuse:
    return Misuse(
        f"Another init is at work here, in {directory}; nothing was changed.",
        advice="Wait until it has ended, or name another directory with --workspace.",
    )


def _taken(directory: Path) -> Misuse:
    there = "a workspace" if (directory / SETTINGS).exists() else "other files"
    return Misuse(
        f"{directory} holds {there} already; nothing was changed.",
        advice="Name another directory with --workspace.",
    )


def _impossible(directory: Path, error: OSError) -> Misuse:
    return Misuse(f"No workspace can be made in {directory}: {error.strerror}.")
