"""What no output of a notebook may show: a place on somebody's machine, a secret, the raw bytes of a signature.

A notebook is committed with its outputs, printed, and shown on a screen to a class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

# A path of the machine, not one inside a document or an address: it begins at a directory that systems have.
_FORBIDDEN = {
    "a path of the machine": re.compile(
        r"(?<![\w.:/<])/(?:home|root|Users|tmp|var|private|opt|mnt|work|workspaces?)/[\w./-]+|\b[A-Z]:\\\\?Users\\"
    ),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a token or password": re.compile(r"(?i)\b(?:token|password|passphrase|secret)=\w{8,}"),
    "raw bytes in base64": re.compile(r"(?:[A-Za-z0-9+/]{40,}\n?){3,}[A-Za-z0-9+/]*={0,2}|[A-Za-z0-9+/]{120,}={0,2}"),
    "raw bytes in hexadecimal": re.compile(r"(?:[0-9a-fA-F]{2}[ :\n]?){96,}"),
    "raw bytes of Python": re.compile(r"(?:\\x[0-9a-f]{2}[^\\\n]{0,3}){32,}"),
}
_TEXTS = ("text/plain", "text/markdown", "text/html", "text/latex", "application/json")


def indiscretions(notebook: Path) -> list[str]:
    """A sentence for each output that shows what it must not; without repeating it."""
    found = []
    for number, cell in enumerate(nbformat.read(notebook, as_version=4).cells):  # type: ignore[no-untyped-call]
        for text in _texts(cell):
            found += [
                f"{notebook.name}: cell {number} shows {what}."
                for what, pattern in _FORBIDDEN.items()
                if pattern.search(text)
            ]
    return found


def _texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    """What people read in the outputs of a cell; pictures inside a page are no text."""
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", []))
        for kind in _TEXTS:
            text = output.get("data", {}).get(kind, "")
            yield re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]+", "", text if isinstance(text, str) else str(text))
