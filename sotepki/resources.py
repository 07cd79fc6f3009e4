"""Where the data files that come with the package are: beside it in a clone, inside it when installed."""

from __future__ import annotations

from pathlib import Path

from sotepki.errors import Fault

_PACKAGE = Path(__file__).resolve().parent


def fixtures() -> Path:
    """The directory ``fixtures/`` (test world, document templates).

    Raises:
        Fault: it is neither beside the package nor inside it.
    """
    for candidate in (_PACKAGE.parent / "fixtures", _PACKAGE / "_fixtures"):
        if candidate.is_dir():
            return candidate
    raise Fault(
        "The directory fixtures/ is missing beside the package.",
        advice="Run from a complete clone, or install the package again.",
    )


def package_file(*parts: str) -> Path:
    """A data file inside the package, for example ``package_file("x509", "profiles")``."""
    return _PACKAGE.joinpath(*parts)
