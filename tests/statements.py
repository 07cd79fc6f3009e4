"""What goes to the database while something is done: the honest measure of a lookup's or a batch's cost in a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Traffic:
    """The statements that were sent with their parameters, in order, and how many transactions were committed."""

    statements: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    commits: int = 0

    def queries(self, *verbs: str) -> list[tuple[str, Sequence[Any]]]:
        """The statements that begin with one of the verbs; without any, those that read."""
        return [(text, given) for text, given in self.statements if text.startswith(verbs or ("SELECT",))]


@contextmanager
def traffic() -> Iterator[Traffic]:
    """Counts on every database of this process until the end of the block."""
    seen = Traffic()

    def executed(_conn: Any, _cursor: Any, text: str, given: Sequence[Any], *_more: Any) -> None:
        seen.statements.append((text, given))

    def committed(_conn: Any) -> None:
        seen.commits += 1

    event.listen(Engine, "before_cursor_execute", executed)
    event.listen(Engine, "commit", committed)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
        event.remove(Engine, "commit", committed)


def read_from_end_to_end(engine: Engine, queries: Sequence[tuple[str, Sequence[Any]]]) -> list[str]:
    """Those of the queries for which SQLite, by its plan, would read a whole table; a last number may be asked for.

    Empty on PostgreSQL, whose plans depend on how much there is.
    """
    if engine.dialect.name != "sqlite":
        return []
    with engine.connect() as connection:
        return [
            text
            for text, given in queries
            if "LIMIT" not in text
            and any(
                row.detail.startswith("SCAN")
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(given))
            )
        ]
