"""How the card client talks: command APDUs with their follow-ups, selecting and reading files.

The sequences are those of an organisational FINEID card (docs/field/card.md 3.2, 4.1, 4.2: secondhand), which do not
count on selection by path nor on shortened reads.
"""

from __future__ import annotations

from typing import Protocol

from sotepki.card.client.tlv import read_header
from sotepki.errors import Fault, Refused

APPLICATION = bytes.fromhex("A000000063504B43532D3135")
SIGNATURE_DIRECTORY = b"E.SIGN"
_CHUNK = 0x80
_LARGEST_FILE = 32 * 1024
_LONGEST_CHAIN = 64
_NOT_FOUND = frozenset({0x6A82, 0x6A83, 0x6A88, 0x6986, 0x6982, 0x6A81})


class Channel(Protocol):
    """A way to a card: a PC/SC connection or any reader object.

    It may also have ``begin`` and ``end``, between which no other program talks to the card, and ``reset``, which has
    the card forget its PINs.
    """

    def transmit(self, command: bytes) -> bytes: ...


class CardTalk:
    """Commands to one card over a channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.commands = 0

    def send(
        self, ins: int, p1: int, p2: int, data: bytes = b"", *, expected: int | None = None
    ) -> tuple[bytes, int]:
        """Send a command and collect the whole answer; ``expected`` is Le, 256 for all there is.

        Follows 61xx by GET RESPONSE and corrects one 6Cxx.

        Raises:
            Fault: rule ``card.client.answer``: the answer is no response APDU, or it does not end.
        """
        if len(data) > 255:
            raise Fault("The client sends at most 255 bytes in a command.", rule="card.client.answer")
        head = bytes((0x00, ins, p1, p2)) + (bytes((len(data),)) + data if data else b"")
        tail = b"" if expected is None or (data and self._block_protocol_off()) else bytes((expected & 0xFF,))
        answer, status = self._exchange(head + tail)
        if status >> 8 == 0x6C:
            answer, status = self._exchange(head + bytes((status & 0xFF,)))
        collected = answer
        for _ in range(_LONGEST_CHAIN):
            if status >> 8 != 0x61:
                return collected, status
            answer, status = self._exchange(bytes((0x00, 0xC0, 0x00, 0x00, status & 0xFF)))
            collected += answer
        raise Fault("The card has always more to say; its answer does not end.", rule="card.client.answer")

    def select_master(self) -> bool:
        """Make the MF current."""
        return self.send(0xA4, 0x00, 0x0C, b"\x3f\x00")[1] == 0x9000

    def select_name(self, name: bytes) -> bool:
        """Make the directory of an application or a name current."""
        return self.send(0xA4, 0x04, 0x0C, name)[1] == 0x9000

    def select_path(self, path: bytes) -> bool:
        """Select a file by its path from the MF, going down directory by directory.

        5015 is entered by the application's identifier and 5016 by its name, since organisational cards may answer
        9000 to their file identifiers without going there.
        """
        directories, file = path[:-2], path[-2:]
        if directories[:2] == b"\x3f\x00":
            directories = directories[2:]
        steps = [directories[at : at + 2] for at in range(0, len(directories), 2)]
        if not steps or steps[-1] not in (b"\x50\x15", b"\x50\x16"):
            self.select_master()
        for step in steps:
            if step == b"\x50\x15":
                entered = self.select_name(APPLICATION)
            elif step == b"\x50\x16":
                entered = self.select_name(SIGNATURE_DIRECTORY) or self._select(0x01, step)
            else:
                entered = self._select(0x01, step)
            if not entered:
                return False
        return self._select(0x02, file) or self._select(0x00, file)

    def read_object(self, path: bytes) -> bytes | None:
        """A file that holds one DER object, exactly; None if the file is not there or not readable."""
        if not self.select_path(path):
            return None
        head = self._read(0, 4)
        header = read_header(head) if head else None
        if not head or header is None:
            return None
        total = header[1] + header[2]
        if total > _LARGEST_FILE:
            raise Refused(
                f"The file {path.hex()} says it is {total} bytes long; no card file is.", rule="card.content"
            )
        return self._read_up_to(bytearray(head[:total]), total)

    def read_objects(self, path: bytes) -> bytes | None:
        """A file that holds data objects one after the other; None if it is not there."""
        if not self.select_path(path):
            return None
        content = bytearray()
        while len(content) < _LARGEST_FILE:
            head = self._read(len(content), 2)
            if not head or len(head) < 2 or head[0] in (0x00, 0xFF):
                break
            if head[1] > 0x80:
                head += self._read(len(content) + 2, head[1] & 0x7F) or b""
            header = read_header(head)
            if header is None:
                break
            end = len(content) + header[1] + header[2]
            if end > _LARGEST_FILE or self._read_up_to(content.__iadd__(head), end) is None:
                break
        return bytes(content)

    def _read_up_to(self, content: bytearray, total: int) -> bytes | None:
        while len(content) < total:
            part = self._read(len(content), min(_CHUNK, total - len(content)))
            if not part:
                return None
            content += part
        return bytes(content)

    def _read(self, offset: int, count: int) -> bytes | None:
        answer, status = self.send(0xB0, offset >> 8, offset & 0xFF, expected=count)
        if status in (0x9000, 0x6282):
            return answer
        if status in _NOT_FOUND or status >> 8 in (0x6B, 0x67):
            return None
        raise Fault(
            f"The card answers {status:04X} to READ BINARY at {offset}, which a FINEID card does not.",
            rule="card.client.answer",
        )

    def _select(self, mode: int, identifier: bytes) -> bool:
        return self.send(0xA4, mode, 0x0C, identifier)[1] == 0x9000

    def _exchange(self, command: bytes) -> tuple[bytes, int]:
        self.commands += 1
        answer = self._channel.transmit(command)
        if not answer:
            raise Fault("The card does not answer any more; it was removed.", rule="card.removed")
        if len(answer) < 2:
            raise Fault(
                f"The card answered {len(answer)} bytes; an answer has a status word.", rule="card.client.answer"
            )
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def _block_protocol_off(self) -> bool:
        # T=0 has no room for Le behind data; the card says 61xx instead.
        return getattr(self._channel, "protocol", "T=1") == "T=0"
