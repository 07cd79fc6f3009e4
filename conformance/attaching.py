"""A part of a system that a fixture needs, or the reason why cases about it are skipped."""

from __future__ import annotations

from typing import TypeVar

from conformance.sut.facets import Facet, Skipped

T = TypeVar("T")


def attached(facet: T | None, name: Facet) -> T:
    """The facet.

    Raises:
        Skipped: it is not attached.
    """
    if facet is None:
        raise Skipped(missing(name))
    return facet


def missing(*names: Facet) -> str:
    """The sentence that a part is not attached, with the tables that would attach it."""
    tables = " or ".join(f"[{name}]" for name in names)
    return f"This part of the system is not attached: there is no {tables} in its description."
