"""Just enough BER to find one's way in card files: tag, length, value, and nothing else.

The client reads what a foreign card holds, so this is lenient about content and strict about lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_PADDING = frozenset({0x00, 0xFF})
LONGEST_HEADER = 6


@dataclass(frozen=True)
class Tlv:
    """One data object; ``tag`` is its tag bytes as one number."""

    tag: int
    value: bytes

    @property
    def children(self) -> tuple[Tlv, ...]:
        """The data objects inside, as far as they are well formed."""
        return tuple(objects(self.value))

    def child(self, *tags: int) -> Tlv | None:
        """The object reached by the first child of each tag in turn."""
        found: Tlv | None = self
        for tag in tags:
            found = next((one for one in found.children if one.tag == tag), None) if found else None
        return found

    def first(self, *tags: int) -> Tlv | None:
        """The first object of any of the tags, at any depth, in the order of the bytes."""
        for one in self.children:
            if one.tag in tags:
                return one
            if one.tag & 0x20 or one.tag in (0x30, 0x31):
                found = one.first(*tags)
                if found:
                    return found
        return None


def objects(data: bytes) -> Iterator[Tlv]:
    """The data objects of a file, until padding, the end, or something that is not one."""
    position = 0
    while position < len(data) and data[position] not in _PADDING:
        header = read_header(data[position : position + LONGEST_HEADER])
        if header is None:
            return
        tag, start, length = header
        if position + start + length > len(data):
            return
        yield Tlv(tag, data[position + start : position + start + length])
        position += start + length


def read_header(data: bytes) -> tuple[int, int, int] | None:
    """Tag, length of the header and length of the value; None if the bytes are too few or no header."""
    if not data:
        return None
    size = 1
    if data[0] & 0x1F == 0x1F:
        while size < len(data) and data[size] & 0x80:
            size += 1
        size += 1
    if size >= len(data) or size > 3:
        return None
    tag, first = int.from_bytes(data[:size], "big"), data[size]
    if first < 0x80:
        return tag, size + 1, first
    more = first & 0x7F
    if not 1 <= more <= 3 or size + 1 + more > len(data):
        return None
    return tag, size + 1 + more, int.from_bytes(data[size + 1 : size + 1 + more], "big")
