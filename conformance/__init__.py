"""The conformance suite: a dress rehearsal for joint testing (yhteistestaus) of a system that meets Kanta.

It is not Kela's test. It judges by what is publicly known, says on what evidence, and never fails a system on a
guess. ``run(system, report_directory)`` runs the cases; ``sotepki conformance`` is the same on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.running import run, run_reference
    from conformance.session import Selection
    from conformance.verdicts import CaseVerdict, Summary

__all__ = ["CaseVerdict", "Selection", "Summary", "run", "run_reference"]

_PLACES = {
    "run": "conformance.running",
    "run_reference": "conformance.running",
    "Selection": "conformance.session",
    "CaseVerdict": "conformance.verdicts",
    "Summary": "conformance.verdicts",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: the command line must answer --help without pytest and cryptography.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
