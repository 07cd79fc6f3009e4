"""The tables of docs/field as rows of cells, for tests that hold data of the package against the facts."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from sotepki.resources import package_file


@functools.cache
def sections(page: str) -> Mapping[str, str]:
    """The text of every numbered section of a page, by its number."""
    text = package_file().parent.joinpath("docs", "field", page).read_text(encoding="utf-8")
    return dict(re.findall(r"^##+ (\d+(?:\.\d+)?)[. ](.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))


@functools.cache
def rows(page: str, section: str) -> Sequence[Sequence[str]]:
    """The rows of every table of a section (``kanta.md``, ``3.3``), heads and rules left out; at least one."""
    lines = sections(page)[section].splitlines()
    heads = {number - 1 for number, line in enumerate(lines) if re.fullmatch(r"\|[\s:|-]+\|", line)}
    tables = [line for number, line in enumerate(lines) if line.startswith("|") and number not in heads]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in tables if "---" not in line]


def row(page: str, section: str, name: str) -> Sequence[str]:
    """The one row whose first cell is ``name``, or begins with it."""
    every = rows(page, section)
    found = [one for one in every if one[0] == name] or [one for one in every if one[0].strip("*`").startswith(name)]
    assert len(found) == 1, f"{page} {section} has {len(found)} rows {name!r}"
    return found[0]
