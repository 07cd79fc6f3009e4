"""What a mutant is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.sut.facets import Facet, SystemUnderTest
from conformance.sut.reference import Reference

Fault = Callable[[Reference], Mapping[str, Any]]
"""Makes the broken facets, by the names of ``SystemUnderTest``, out of the reference system."""


@dataclass(frozen=True)
class Mutant:
    """One broken system.

    Attributes:
        id: its name, ``<part>-<fault>``.
        title: what is wrong with it, one line.
        facet: the part of the system that is broken.
    """

    id: str
    title: str
    facet: Facet
    fault: Fault

    def build(self, reference: Reference) -> SystemUnderTest:
        """The reference system with this fault."""
        return reference.system(name=f"Mutant {self.id} TEST", kind="mutant", **self.fault(reference))
