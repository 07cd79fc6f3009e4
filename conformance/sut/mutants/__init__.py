"""Broken systems: the reference system with one small named fault each.

They prove the suite: every case catches at least one of them, and each is caught by exactly the cases that name it.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module

from conformance.sut.mutants.model import Mutant
from sotepki.errors import Fault, Misuse

__all__ = ["Mutant", "mutant_named", "mutants"]

MODULES = (
    "requests",
    "certificates",
    "certificates_profiles",
    "renewal",
    "signers",
    "careless_signers",
    "verifiers",
    "careless_verifiers",
    "status_askers",
    "card_users",
    "clients",
    "clients_tls",
    "tls_servers",
    "framers",
    "careless_framers",
    "desks",
    "token",
    "scs",
    "scs_pages",
    "rights",
    "papers",
)
"""Where the broken systems are, in the order of the suite's areas."""


@cache
def mutants() -> tuple[Mutant, ...]:
    """All broken systems, in the order of the suite's areas."""
    found: dict[str, Mutant] = {}
    for name in MODULES:
        module = import_module(f"{__name__}.{name}")
        for mutant in module.MUTANTS:
            if mutant.id in found:
                raise Fault(f"Two mutants bear the name {mutant.id}.")
            found[mutant.id] = mutant
    return tuple(found.values())


def mutant_named(name: str) -> Mutant:
    """The mutant with this name.

    Raises:
        Misuse: there is none.
    """
    known = {mutant.id: mutant for mutant in mutants()}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        advice = f"Did you mean {near[0]!r}?" if near else "docs/conformance-matrix.md lists them."
        raise Misuse(f"There is no mutant {name!r}.", advice=advice)
    return known[name]
