"""The models of every room: found in the package itself, so that a new room needs no entry anywhere."""

from __future__ import annotations

import importlib

from sotepki.resources import package_file


def load_models() -> None:
    """Import every module of the package that holds a table."""
    package = package_file()
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package.parent).with_suffix("")
        if "migrations" not in relative.parts and "__tablename__" in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(relative.parts))
