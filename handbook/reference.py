"""The pages of the command reference and of the API reference; Sphinx fills them from the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sotepki.cli import COMMANDS
from sotepki.resources import package_file

GROUPS: Mapping[str, Sequence[str]] = {
    "One open workspace": (
        "sotepki.workspace",
        "sotepki.journey",
        "sotepki.services",
        "sotepki.reference_system",
        "sotepki.training",
    ),
    "Offices": (
        "sotepki.valvira",
        "sotepki.thl",
        "sotepki.dvv",
        "sotepki.provider",
        "sotepki.kela",
        "sotepki.scs",
        "sotepki.ministry",
    ),
    "Cards and documents": ("sotepki.card", "sotepki.documents", "sotepki.xmldsig", "sotepki.x509"),
    "Foundations": (
        "sotepki.registers",
        "sotepki.tokens",
        "sotepki.records",
        "sotepki.serving",
        "sotepki.states",
        "sotepki.evidence",
        "sotepki.identifiers",
        "sotepki.clock",
        "sotepki.signals",
        "sotepki.errors",
        "sotepki.rulebook",
    ),
    "The suite": ("conformance", "conformance.declaring", "conformance.check", "conformance.requirements"),
}
"""What the API reference shows: a package by the names that it gives out, a package without such names by modules."""


def command_pages() -> Iterator[tuple[str, str]]:
    """File names below ``commands/`` with their text."""
    for name, (module, _) in COMMANDS.items():
        yield f"{name}.rst", f".. click:: {module}:command\n   :prog: sotepki {name}\n   :nested: full\n"
    rows = [f"| [`sotepki {name}`]({name}.rst) | {line} |" for name, (_, line) in COMMANDS.items()]
    yield "index.md", "\n".join(["# Command reference\n", _EVERY, *rows, *_toctree(list(COMMANDS))])


_EVERY = """Every command has `--help`, `--workspace DIR` and `--format text|json`. Exit codes: 0 done or valid, 1
refused or not valid, 2 wrong usage or configuration, 3 a fault of ours, 130 interrupted.

| Command | Does |
|---|---|"""


def api_pages() -> Iterator[tuple[str, str]]:
    """File names below ``api/`` with their text."""
    for modules in GROUPS.values():
        for module in modules:
            yield f"{module}.rst", "\n".join(_api_page(module))
    lines = ["# API reference\n", "The names that notebooks, tests and your own programs may use.\n"]
    for title, modules in GROUPS.items():
        lines += [f"## {title}\n", *(f"- [`{module}`]({module}.rst)" for module in modules), ""]
    yield "index.md", "\n".join([*lines, *_toctree([module for group in GROUPS.values() for module in group])])


def _api_page(module: str) -> Iterator[str]:
    yield f"{module}\n{'=' * len(module)}\n"
    names = list(_modules_of(module)) or [module]
    for name in names:
        if name != module:
            yield f"{name}\n{'-' * len(name)}\n"
        yield f".. automodule:: {name}\n   :members:\n"


def _modules_of(package: str) -> Iterator[str]:
    """The modules of a package that gives out no names of its own."""
    directory = package_file().parent.joinpath(*package.split("."))
    if not (directory / "__init__.py").exists() or "__all__" in (directory / "__init__.py").read_text(
        encoding="utf-8"
    ):
        return
    for path in sorted(directory.glob("*.py"), key=lambda path: path.stem):
        if re.search(r"^(def|class) [A-Za-z]", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"{package}.{path.stem}"


def _toctree(entries: list[str]) -> Iterator[str]:
    yield "\n```{toctree}\n:hidden:\n"
    yield from entries
    yield "```\n"
