"""The journal of a bulk run: one SQLite file with a row for each document, committed chunk by chunk.

What is in it is done and on the disk. After a kill or a power cut the same command goes on where the journal ends.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sotepki.errors import Fault, Misuse
from sotepki.tokens.storage import sync_files, try_lock

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Row:
    """What became of one document.

    Attributes:
        name, stamp: as in ``Item``.
        outcome: ``done`` or ``failed``; a failed one is tried again by the next run.
        verdict: of a verification; empty for signing.
        rules: ids of the rules that were broken, separated by spaces.
        message: the first sentence about it.
        document_id: from the document, if it could be read.
        signers: who signed, separated by spaces.
        output: the file that was written; empty for verification.
        digest: SHA-256 of the signed document, hexadecimal; empty for verification.
        at: when, ISO 8601.
    """

    name: str
    stamp: str
    outcome: str
    verdict: str = ""
    rules: str = ""
    message: str = ""
    document_id: str = ""
    signers: str = ""
    output: str = ""
    digest: str = ""
    at: str = ""


COLUMNS = tuple(field.name for field in fields(Row))


class BulkJournal:
    """An open journal. One run at a time has it."""

    def __init__(self, path: Path, job: Mapping[str, str]) -> None:
        """Open or begin the journal at ``path`` for the job that ``job`` describes.

        Raises:
            Misuse: it is another job's, or another run has it.
            Fault: it cannot be read or written.
        """
        self.path = path
        self._lock = _locked(path)
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            columns = ", ".join(f"{name} TEXT NOT NULL" for name in COLUMNS[1:])
            self._database.execute("CREATE TABLE IF NOT EXISTS job (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
            self._database.execute(f"CREATE TABLE IF NOT EXISTS result (name TEXT PRIMARY KEY, {columns})")
            self._claim(job)
        except sqlite3.Error as error:
            self.close()
            raise _broken(path, error) from None
        except Misuse:
            self.close()
            raise

    def pending(self, names: Mapping[str, str]) -> set[str]:
        """Those of ``names`` (name to stamp) that are not done yet, or changed since, or whose output is gone."""
        marks = ",".join("?" * len(names))
        rows = self._execute(
            f"SELECT name, stamp, output FROM result WHERE outcome = '{DONE}' AND name IN ({marks})", list(names)
        )
        done = {name for name, stamp, output in rows if stamp == names[name] and (not output or _there(output))}
        return set(names) - done

    def record(self, rows: Sequence[Row]) -> None:
        """Put the outputs of a chunk on the disk, then its rows."""
        try:
            sync_files([Path(row.output) for row in rows if row.output])
        except OSError as error:
            raise Fault(f"What was written cannot be put on the disk: {error.strerror}.") from error
        marks = ",".join("?" * len(COLUMNS))
        self._execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(f"INSERT OR REPLACE INTO result VALUES ({marks})", map(_as_text, rows))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _broken(self.path, error) from None

    def rows(self) -> Iterator[Row]:
        """All rows by name, as a stream."""
        for values in self._execute(f"SELECT {', '.join(COLUMNS)} FROM result ORDER BY name"):
            yield Row(*values)

    def counts(self) -> dict[str, int]:
        """How many rows there are by outcome, or by verdict where there is one."""
        question = "SELECT CASE WHEN verdict = '' THEN outcome ELSE verdict END, count(*) FROM result GROUP BY 1"
        return dict(self._execute(question).fetchall())

    def close(self) -> None:
        """Close the journal. Closing twice does no harm."""
        database = getattr(self, "_database", None)
        if database is not None:
            database.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _execute(self, order: str, values: Sequence[str] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(order, values)
        except sqlite3.Error as error:
            raise _broken(self.path, error) from None

    def _claim(self, job: Mapping[str, str]) -> None:
        known = dict(self._database.execute("SELECT key, value FROM job").fetchall())
        if not known:
            self._database.executemany("INSERT INTO job VALUES (?, ?)", list(job.items()))
            return
        for key in dict.fromkeys((*known, *job)):
            was, now = known.get(key, "") or "nothing", job.get(key, "") or "nothing"
            if was != now:
                raise Misuse(
                    f"The journal {self.path} is of another job: {key} was {was}, now {now}.",
                    rule="doc.archive.journal",
                    advice="Name another journal with --journal, or remove this one to start over.",
                )


def _as_text(row: Row) -> tuple[str, ...]:
    """The values of a row; bytes of a path that are not UTF-8 are written out, as in the names of items."""
    if not row.output.isascii():
        row = replace(row, output=os.fsencode(row.output).decode("utf-8", "backslashreplace"))
    return astuple(row)


def _there(output: str) -> bool:
    """Whether an output exists, of which the journal has the name as text."""
    if os.path.exists(output):
        return True
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda match: bytes.fromhex(match[1].decode()), os.fsencode(output))
    return os.path.exists(raw)


def _locked(path: Path) -> IO[bytes]:
    if not path.parent.is_dir():
        raise Misuse(f"There is no directory {path.parent} for the journal.")
    lock = try_lock(path.with_name(f"{path.name}.lock"))
    if lock is None:
        raise Misuse(f"Another run has the journal {path}.", advice="Wait until it has ended.")
    return lock


def _broken(path: Path, error: sqlite3.Error) -> Fault:
    return Fault(
        f"The journal {path} cannot be used: {error}.",
        advice="Check the disk, or name another journal with --journal.",
    )
