"""Lists that come in and go out as CSV (UTF-8, comma, first line the column names), whole or not at all.

A line that breaks a rule is named with its number and the rule. What is exported comes back the same, also text with
commas, quotation marks and line breaks, and text that a spreadsheet would calculate (``records.csv_cells``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from sotepki.errors import Refused
from sotepki.records.csv_cells import defused, restored
from sotepki.thl.rules import thl_rules

LARGEST_FILE = 64 * 1024 * 1024


def read_lines(data: bytes, columns: Sequence[str], name: str) -> list[tuple[int, dict[str, str]]]:
    """The lines of a file with their numbers in it (of a line with breaks in it: its last).

    Raises:
        Refused: it is not CSV in UTF-8 with these columns (``thl.import.form``).
    """
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise _bad_form(f"{name} is not text in UTF-8.", "Save it as 'CSV UTF-8'.") from error
    except csv.Error as error:
        raise _bad_form(f"{name} is not CSV: {error}.") from error
    if rows and rows[0][1] == [";".join(columns)]:
        raise _bad_form(f"{name} has semicolons between its columns.", "Write commas between them.")
    if not rows or rows[0][1] != list(columns):
        raise _bad_form(f"{name} must begin with the columns {','.join(columns)}.")
    for number, row in rows[1:]:
        if len(row) != len(columns):
            raise _bad_form(f"Line {number} of {name} has {len(row)} fields instead of {len(columns)}.")
    return [(number, dict(zip(columns, map(restored, row), strict=True))) for number, row in rows[1:]]


def write_lines(rows: Iterable[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """A file that ``read_lines`` reads back."""
    text = io.StringIO(newline="")
    lines = [{column: defused(text) for column, text in row.items()} for row in rows]
    # Up to Python 3.12 the writer leaves a lone carriage return unquoted, and the reader takes it for a line's end.
    returns = any("\r" in value for row in lines for value in row.values())
    quoting: Literal[0, 1] = csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
    writer = csv.DictWriter(text, columns, lineterminator="\n", quoting=quoting)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode("utf-8")


@contextmanager
def line(number: int, name: str) -> Iterator[None]:
    """What is refused inside is refused for a line of a file, under the same rule."""
    try:
        yield
    except Refused as error:
        raise Refused(
            f"Line {number} of {name}: {error.sentence}", rule=error.rule, advice=error.advice, subject=error.subject
        ) from error
    except ValueError as error:
        raise _bad_form(f"Line {number} of {name}: {error}.") from error


def _bad_form(sentence: str, advice: str = "") -> Refused:
    return thl_rules().refusal("thl.import.form", sentence, advice=advice)
