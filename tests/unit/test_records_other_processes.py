"""What one process writes into SQLite while another one opens and closes the same books is there for both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from sotepki.records import Database


def _seen_by_another_process(books: Path) -> int:
    query = "SELECT count(*) FROM t"
    program = f"import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute({query!r}).fetchone()[0])"
    return int(subprocess.run([sys.executable, "-c", program, str(books)], capture_output=True, check=True).stdout)


def test_another_process_that_closes_the_books_takes_nothing_away(tmp_path: Path) -> None:
    """A program that opens and closes SQLite's file beside SQLite loses its locks: what follows would be lost."""
    books = tmp_path / "books.sqlite"
    first, second = Database(f"sqlite:///{books}"), Database(f"sqlite:///{books}")
    with first.writing() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
    for count in range(1, 4):
        with first.writing() as session:
            session.execute(text("INSERT INTO t VALUES (1)"))
            with second.reading() as other:
                other.execute(text("SELECT 1"))
            second.close()
        assert _seen_by_another_process(books) == count
    first.close()
