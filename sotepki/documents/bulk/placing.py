"""Where signed documents go: beside their input, or into a tree of the same shape."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from sotepki.documents.bulk.sources import DONE_SUFFIX, Item
from sotepki.errors import Misuse
from sotepki.signals import is_alive


@dataclass(frozen=True)
class Placing:
    """``tree``: the directory to write into; empty puts ``x.signed.xml`` beside ``x.xml``."""

    tree: str = ""

    def place(self, item: Item) -> Path:
        """The file for a signed document.

        Raises:
            Misuse: beside the input, but the input is in an archive; or the name points outside the tree, or to the
                input itself, which the next run would take for a document to be signed.
        """
        if self.tree:
            name = PurePath(item.name)
            if name.is_absolute() or ".." in name.parts:
                raise Misuse(f"The name {item.name[:120]!r} points outside the tree.", rule="doc.archive.name")
            target = Path(self.tree, name)
            if item.path and target.exists() and target.samefile(item.path):
                raise Misuse(
                    f"The signed document would take the place of {item.name[:120]}.",
                    advice="Name another tree with --into, or leave --into out to write beside the input.",
                )
            return target
        if not item.path:
            raise Misuse("Documents in an archive have no place beside them.", advice="Name a tree with --into.")
        path = Path(item.path)
        stem = path.name.removesuffix(".xml")
        return path.with_name(stem + DONE_SUFFIX)

    def write(self, item: Item, data: bytes) -> Path:
        """Write a signed document so that it is whole or absent; the journal's commit puts it on the disk.

        Raises:
            OSError: the place cannot be written.
        """
        target = self.place(item)
        part = _part(target)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(part, target)
        return target


_PART = re.compile(r"\.[0-9a-f]{16}\.([0-9a-f]{8})\.(\d{1,10})\.sotepki-part")
_FORGOTTEN = 24 * 3600.0
"""Seconds after which nobody is still at one document, on whatever machine."""


def _part(target: Path) -> Path:
    """The unfinished file of a target. No other program's is called so, and the longest name of a target fits."""
    return target.with_name(f".{_digest(target.name, 16)}.{_digest(platform.node(), 8)}.{os.getpid()}.sotepki-part")


@lru_cache(maxsize=16)
def _digest(name: str, digits: int) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:digits]


def clear_parts(top: Path) -> None:
    """Remove the unfinished files below ``top`` that killed processes of this machine have left, or any a day ago."""
    for directory, _, names in os.walk(top):
        for match in filter(None, map(_PART.fullmatch, names)):
            with suppress(OSError):  # what cannot be looked at or removed does not stop the work
                part = Path(directory, match[0])
                if _is_left(part, host=match[1], process=int(match[2])):
                    part.unlink()


def _is_left(part: Path, *, host: str, process: int) -> bool:
    if host == _digest(platform.node(), 8) and not is_alive(process):
        return True
    return time.time() - part.stat().st_mtime > _FORGOTTEN
