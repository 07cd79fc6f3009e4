"""SELECT and READ BINARY (docs/field/card.md 4.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from sotepki.card.operating.apdu import EXTENDED_MAXIMUM, SHORT_MAXIMUM, Abort, Answer, Command, Status
from sotepki.card.operating.files import (
    MASTER_FILE,
    DedicatedFile,
    ElementaryFile,
    FileTree,
    Path,
    citizen_file_control,
    file_control,
)
from sotepki.card.operating.profiles import CardProfile
from sotepki.card.operating.session import CardSession

_NOTHING, _FCI, _FCP = 0x0C, 0x00, 0x04


def select(command: Command, session: CardSession, tree: FileTree, profile: CardProfile, quirks: bool) -> Answer:
    """SELECT in all modes. A SELECT that fails leaves the current file as it was, except for the quirk.

    Raises:
        Abort: 6A82 (or what the profile says of missing files), 6A86, 6700.
    """
    if command.p2 not in (_NOTHING, _FCI, _FCP):
        raise Abort(Status.WRONG_PARAMETERS)
    finder = _FINDERS.get(command.p1)
    if finder is None:
        raise Abort(Status.WRONG_PARAMETERS)
    path = finder(command.data, session, tree)
    if path is None and command.p1 == 0x08 and profile.citizen and session.directory:
        path = _along(command.data, session.directory, tree)  # citizen cards take a path inside the application
    if path is None:
        if quirks and command.p1 == 0x00 and command.p2 == _NOTHING:
            session.file = None  # real cards say yes, and then have no current file
            return Answer(b"", Status.OK)
        raise Abort(profile.missing_file)
    node = tree.get(path)
    if isinstance(node, DedicatedFile):
        session.directory, session.file = path, None
    else:
        session.directory, session.file = path[:-1], path
    if command.p2 == _NOTHING or node is None:
        return Answer(b"", Status.OK)
    if command.p2 == _FCP and profile.citizen and isinstance(node, ElementaryFile):
        return Answer(citizen_file_control(node), Status.OK)
    return Answer(file_control(node, outer=0x6F if command.p2 == _FCI else 0x62), Status.OK)


def read_binary(command: Command, session: CardSession, tree: FileTree, quirks: bool) -> Answer:
    """READ BINARY of the current file, or of one by its short identifier, which then is the current file.

    Raises:
        Abort: 6986 no current file, 6982 not readable, 6A82 no such short identifier, 6B00 offset outside the file,
            6Cxx (with ``quirks``) more was asked than is there.
    """
    if command.data:
        raise Abort(Status.WRONG_LENGTH)
    if command.p1 & 0x80:
        path = _by_short_identifier(command.p1, session, tree)
        session.file = path  # and the current directory stays as it is
        offset = command.p2
    else:
        offset = command.p1 << 8 | command.p2
    node = tree.get(session.file) if session.file is not None else None
    if not isinstance(node, ElementaryFile):
        raise Abort(Status.NO_CURRENT_FILE)
    if not node.readable:
        raise Abort(Status.NOT_ALLOWED)
    content = node.content
    if offset >= len(content):
        raise Abort(Status.WRONG_OFFSET)
    wanted = command.le or SHORT_MAXIMUM
    part = content[offset : offset + wanted]
    if len(part) == wanted or wanted == EXTENDED_MAXIMUM:  # an extended Le of 0000 asks for all there is
        return Answer(part, Status.OK)
    if quirks:
        raise Abort(Status.EXACT_LENGTH | min(len(part), SHORT_MAXIMUM) & 0xFF)  # 6C00: 256 bytes or more
    return Answer(part, Status.END_OF_FILE)


def _by_short_identifier(p1: int, session: CardSession, tree: FileTree) -> Path:
    sfi = p1 & 0x1F
    if p1 & 0x60:
        raise Abort(Status.WRONG_PARAMETERS)
    for directory in (session.directory, ()):
        path = tree.by_short_identifier(directory, sfi) if sfi else None
        if path is not None:
            return path
    raise Abort(Status.NOT_FOUND)


def _identifier(data: bytes) -> int:
    if len(data) != 2:
        raise Abort(Status.WRONG_LENGTH)
    return int.from_bytes(data, "big")


def _any(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    """The master file, a child of the current directory, or that directory itself; nothing further away."""
    if not data:
        return ()
    fid = _identifier(data)
    if fid == MASTER_FILE:
        return ()
    child = (*session.directory, fid)
    if tree.get(child) is not None:
        return child
    return session.directory if session.directory and session.directory[-1] == fid else None


def _child_directory(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    path = (*session.directory, _identifier(data))
    return path if isinstance(tree.get(path), DedicatedFile) else None


def _child_file(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    path = (*session.directory, _identifier(data))
    return path if isinstance(tree.get(path), ElementaryFile) else None


def _parent(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    if data:
        raise Abort(Status.WRONG_LENGTH)
    return session.directory[:-1] if session.directory else None


def _name(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    if data == MASTER_FILE.to_bytes(2, "big"):
        return ()
    return tree.named(data)


def _from_master_file(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    return _along(data.removeprefix(MASTER_FILE.to_bytes(2, "big")), (), tree)


def _from_here(data: bytes, session: CardSession, tree: FileTree) -> Path | None:
    return _along(data, session.directory, tree)


def _along(data: bytes, start: Path, tree: FileTree) -> Path | None:
    if len(data) % 2:
        raise Abort(Status.WRONG_LENGTH)
    path = start + tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return path if tree.get(path) is not None else None


_Finder = Callable[[bytes, CardSession, FileTree], Path | None]

_FINDERS: dict[int, _Finder] = {
    0x00: _any,
    0x01: _child_directory,
    0x02: _child_file,
    0x03: _parent,
    0x04: _name,
    0x08: _from_master_file,
    0x09: _from_here,
}
