"""A part of a system that a fixture needs, or the reason why cases about it are skipped."""

from __future__ import annotations

from typing import TypeVar

from conformance.sut.facets import Skipped

T = TypeVar("T")


def attached(facet: T | None, table: str) -> T:
    """The facet that ``table`` of the description attaches.

    Raises:
        Skipped: it is not attached.
    """
    if facet is None:
        raise Skipped(missing(table))
    return facet


def missing(*tables: str) -> str:
    """The sentence that a part is not attached, with the tables that would attach it."""
    either = " or ".join(f"[{table}]" for table in tables)
    return f"This part of the system is not attached: there is no {either} in its description."
