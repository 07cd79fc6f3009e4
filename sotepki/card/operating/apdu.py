"""Commands taken apart (ISO 7816-3 12.1), and the status words of answers."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

SHORT_MAXIMUM = 256
EXTENDED_MAXIMUM = 65536
LONGEST_BODY = 4096  # of one command, chained or extended; more than any cryptogram needs


class Status(IntEnum):
    """Status words (docs/field/card.md 4.10)."""

    OK = 0x9000
    MORE_DATA = 0x6100
    END_OF_FILE = 0x6282
    TRIES_LEFT = 0x63C0
    WRONG_LENGTH = 0x6700
    NOT_ALLOWED = 0x6982
    BLOCKED = 0x6983
    NOT_SATISFIED = 0x6985
    NO_CURRENT_FILE = 0x6986
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    WRONG_PARAMETERS = 0x6A86
    NO_REFERENCE = 0x6A88
    WRONG_OFFSET = 0x6B00
    EXACT_LENGTH = 0x6C00
    UNKNOWN_INSTRUCTION = 0x6D00
    UNKNOWN_CLASS = 0x6E00
    FAILED = 0x6F00


class Abort(Exception):
    """A command ends with this status word and nothing else; what it began is undone or was never done."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


class Command(NamedTuple):
    """One command. ``le`` is the largest answer wanted, in bytes; None is no Le field, the habit of T=0."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int | None


class Answer(NamedTuple):
    """Response data and status word."""

    data: bytes
    status: int

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return self.data + self.status.to_bytes(2, "big")


def parse_command(raw: bytes) -> Command:
    """Take a command apart: the cases 1, 2, 3, 4 and the extended 2, 3, 4.

    Raises:
        Abort: 6700: the lengths do not fit, or the body is longer than this card takes.
    """
    size = len(raw)
    if size < 4:
        raise Abort(Status.WRONG_LENGTH)
    cla, ins, p1, p2 = raw[0], raw[1], raw[2], raw[3]
    if size == 4:
        return Command(cla, ins, p1, p2, b"", None)
    if size == 5:
        return Command(cla, ins, p1, p2, b"", raw[4] or SHORT_MAXIMUM)
    if raw[4]:
        return _with_body(raw, 5, raw[4], 1, SHORT_MAXIMUM)
    if size < 7:
        raise Abort(Status.WRONG_LENGTH)
    length = raw[5] << 8 | raw[6]
    if size == 7:
        return Command(cla, ins, p1, p2, b"", length or EXTENDED_MAXIMUM)
    return _with_body(raw, 7, length, 2, EXTENDED_MAXIMUM)


def _with_body(raw: bytes, start: int, length: int, le_size: int, maximum: int) -> Command:
    end = start + length
    rest = len(raw) - end
    if not length or length > LONGEST_BODY or rest not in (0, le_size):
        raise Abort(Status.WRONG_LENGTH)
    le = (int.from_bytes(raw[end:], "big") or maximum) if rest else None
    return Command(raw[0], raw[1], raw[2], raw[3], raw[start:end], le)
