"""CSV that is opened in a spreadsheet: nothing in it is calculated, and what we read back is what was written."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sotepki.records.csv_cells import defused, restored

TEXT = st.text(st.sampled_from("'=+-@\t\r\n;,\" aä1")) | st.text()


@given(text=TEXT)
@example(text="'=1+1")
@example(text="a\r\n=1;'+2")
def test_any_text_comes_back_as_it_was(text: str) -> None:
    """A name with an apostrophe before a sign would come back as another name."""
    assert restored(defused(text)) == text


@given(text=TEXT)
def test_no_cell_begins_as_a_formula_also_where_semicolons_divide_cells(text: str) -> None:
    """A Finnish spreadsheet divides a line at its semicolons: the formula in 'x;=HYPERLINK(...)' would run."""
    assert not defused(text).startswith("\r")
    assert not [cell for cell in re.split("[;\r\n]", defused(text)) if cell.startswith(tuple("=+-@\t"))]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+358 40 123", "'+358 40 123"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("Oy x;=1", "Oy x;'=1"),
        ("'=1", "''=1"),
        ("Väre-Testilä, a=b; c -1 'x'", "Väre-Testilä, a=b; c -1 'x'"),
        ("", ""),
    ],
)
def test_an_apostrophe_stands_before_what_would_be_calculated_and_nowhere_else(text: str, cell: str) -> None:
    assert defused(text) == cell


def test_a_file_that_was_never_defused_is_read_as_it_stands() -> None:
    """A list from another program has no apostrophes; its names must not change."""
    for text in ("=1", "'t Hooft", "'", "''", "-1"):
        assert restored(text) == text
