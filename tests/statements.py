"""What goes to the database while something is done: the honest measure of a lookup's or a batch's cost in a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Traffic:
    """The statements that were sent, in order, and the number of transactions that were committed."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0


@contextmanager
def traffic() -> Iterator[Traffic]:
    """Counts on every database of this process until the end of the block."""
    seen = Traffic()

    def executed(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.statements.append(statement)

    def committed(_conn: Any) -> None:
        seen.commits += 1

    event.listen(Engine, "before_cursor_execute", executed)
    event.listen(Engine, "commit", committed)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
        event.remove(Engine, "commit", committed)
