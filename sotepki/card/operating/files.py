"""The file tree of a card, and what SELECT tells of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MASTER_FILE = 0x3F00
APPLICATION = 0x5015
SIGNATURE_DIRECTORY = 0x5016

Path = tuple[int, ...]


@dataclass(frozen=True)
class ElementaryFile:
    """A transparent file. ``sfi`` is its short identifier; a file that is not ``readable`` can be selected only."""

    fid: int
    content: bytes
    sfi: int = 0
    readable: bool = True


@dataclass(frozen=True)
class DedicatedFile:
    """A directory, selected by identifier or by ``name`` (application identifier)."""

    fid: int
    name: bytes
    files: tuple[ElementaryFile, ...]
    directories: tuple[DedicatedFile, ...] = ()


Node = ElementaryFile | DedicatedFile


class FileTree:
    """Every file of a card by its path from the master file, which has the empty path."""

    def __init__(self, root: DedicatedFile) -> None:
        self._nodes: Mapping[Path, Node] = dict(_walk(root, ()))
        self._names = {
            node.name: path for path, node in self._nodes.items() if isinstance(node, DedicatedFile) and node.name
        }

    def get(self, path: Path) -> Node | None:
        """The file at a path."""
        return self._nodes.get(path)

    def named(self, name: bytes) -> Path | None:
        """The path of the directory with a name."""
        return self._names.get(name)

    def by_short_identifier(self, directory: Path, sfi: int) -> Path | None:
        """The file with a short identifier in a directory."""
        for path, node in self._nodes.items():
            if path[:-1] == directory and path and isinstance(node, ElementaryFile) and node.sfi == sfi:
                return path
        return None


def file_control(node: Node, *, outer: int) -> bytes:
    """File control information: tag ``outer`` (6F or 62) around size, kind, identifier, name, life cycle, access.

    Source: docs/field/card.md 4.1, Sufficient FCI content: confirmed (measured).
    """
    fid = b"\x83\x02" + node.fid.to_bytes(2, "big")
    if isinstance(node, ElementaryFile):
        body = b"\x80\x02" + len(node.content).to_bytes(2, "big") + b"\x82\x01\x01" + fid
        if node.sfi:
            body += bytes([0x88, 1, node.sfi << 3])
    else:
        body = b"\x82\x01\x38" + fid
        if node.name:
            body += bytes([0x84, len(node.name)]) + node.name
    body += b"\x8a\x01\x05\x8c\x02\x01\x00"
    return bytes([outer, len(body)]) + body


def citizen_file_control(node: ElementaryFile) -> bytes:
    """What a citizen card says of a file when asked for control parameters (docs/field/card.md 4.8 transcripts)."""
    return b"\x62\x04\x81\x02" + len(node.content).to_bytes(2, "big")


def _walk(directory: DedicatedFile, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, directory
    for file in directory.files:
        yield (*path, file.fid), file
    for child in directory.directories:
        yield from _walk(child, (*path, child.fid))
