"""Cells of CSV that a spreadsheet takes for text: names and messages come from outside, and a spreadsheet calculates
what begins with ``=`` (CSV injection, CWE-1236).

Text is defused by an apostrophe where a cell may begin: at the start, and after a semicolon or a line break, because
a spreadsheet in Finnish or Swedish splits a file with commas there. Columns of numbers are no text: do not hand them
over. ``restored`` undoes ``defused`` exactly, whatever the text.
"""

from __future__ import annotations

import re

_FORMULA = r"'*[=+\-@\t\r]"
_CELL = r"(?<![^;\r\n])"
_DANGEROUS = re.compile(f"{_CELL}({_FORMULA})")
_DEFUSED = re.compile(f"{_CELL}'({_FORMULA})")


def defused(text: str) -> str:
    """``text`` as a cell that no spreadsheet calculates: ``=1+1`` becomes ``'=1+1``, and ``'=1+1`` ``''=1+1``."""
    return _DANGEROUS.sub(r"'\1", text)


def restored(cell: str) -> str:
    """The text of a cell that ``defused`` wrote. A cell that was never defused comes back as it is."""
    return _DEFUSED.sub(r"\1", cell)
