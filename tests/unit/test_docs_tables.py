"""The pages of the handbook are read as they stand in the repository, too: their tables are whole."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_has_its_head(page: Path) -> None:
    """A sentence that is put between rows ends the table; what follows is shown as text with strokes in it."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for is_row, lines in groupby(text.splitlines(), key=lambda line: line.startswith("|")):
        rows = list(lines)
        if is_row:
            assert re.fullmatch(r"\|[\s:|-]+\|", rows[min(1, len(rows) - 1)]), rows[0]
