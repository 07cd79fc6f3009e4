"""The results of a bulk run as a table for pandas: CSV, or Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sotepki.documents.bulk.journal import COLUMNS, BulkJournal, Row
from sotepki.errors import Fault, Misuse

_BATCH = 10_000


def write_table(journal: BulkJournal, path: Path) -> int:
    """Write all rows of the journal to ``path``, ``.csv`` or ``.parquet``; the number of rows. Written as a stream.

    File names and messages come from outside, so cells of CSV are defused; Parquet has the text as it is.

    Raises:
        Misuse: another ending, or Parquet without pyarrow.
        Fault: the place cannot be written.
    """
    write = table_writer(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        count = write(journal.rows(), part)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):  # the first error is the one to be told
            part.unlink(missing_ok=True)
        raise Fault(f"The table {path} cannot be written: {error.strerror or error}.") from error
    return count


def table_writer(path: Path) -> Callable[[Iterator[Row], Path], int]:
    """What writes rows in the form that the ending of ``path`` names; asked before the work, a slip costs nothing.

    Raises:
        Misuse: another ending, or Parquet without pyarrow.
    """
    if path.suffix == ".csv":
        return _csv
    if path.suffix != ".parquet":
        raise Misuse(f"A table ends in .csv or .parquet, not as {path.name}.", subject=str(path))
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Misuse(
            "Parquet needs the package 'pyarrow', which is not installed.",
            advice="Install it with: pip install pyarrow; or write the table as .csv.",
        ) from None
    return partial(_parquet, pyarrow, parquet)


def _csv(rows: Iterator[Row], path: Path) -> int:
    from sotepki.records.csv_cells import defused  # not above: it brings the database, which no worker needs

    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the number of the last one is the answer
            writer.writerow(defused(getattr(row, name)) for name in COLUMNS)
    return count


def _parquet(pyarrow: Any, parquet: Any, rows: Iterator[Row], path: Path) -> int:
    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            columns = {name: [getattr(row, name) for row in batch] for name in COLUMNS}
            writer.write_table(pyarrow.table(columns, schema=schema))
            count += len(batch)
    return count
