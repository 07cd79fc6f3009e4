"""The first message of a TLS client: which versions and cipher suites it offers, and which host it asks for."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

VERSION_NAMES = {0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
_SERVER_NAME, _VERSIONS = 0, 43

#: Suites without encryption, without a certificate, of export strength, or with RC4, DES or triple DES
#: (RFC 9325 4.1 and 4.2; numbers by the IANA registry).
_BROKEN = frozenset(
    {*range(0x0000, 0x001C), 0x0034, 0x003A, 0x003B, 0x006C, 0x006D, 0x00A6, 0x00A7}
    | {0xC001, 0xC002, 0xC003, 0xC006, 0xC007, 0xC008, 0xC00B, 0xC00C, 0xC00D, 0xC010, 0xC011, 0xC012}
    | {*range(0xC015, 0xC01A)}
)
#: Suites whose key exchange outlives a stolen server key: TLS 1.3, (EC)DHE.
_FORWARD = frozenset(
    {0x1301, 0x1302, 0x1303, 0x1304, 0x009E, 0x009F, 0x0033, 0x0039, 0x0067, 0x006B, 0xCCA8, 0xCCA9, 0xCCAA}
    | {0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028, 0xC02B, 0xC02C, 0xC02F, 0xC030}
)


@dataclass(frozen=True)
class Hello:
    """What a ClientHello says; empty where it says nothing or cannot be read.

    Attributes:
        versions: oldest first; in the form before TLS 1.3 only the newest one is known.
        server_name: the host asked for.
        suites: numbers of the cipher suites, in the client's order.
    """

    versions: tuple[str, ...] = ()
    server_name: str = ""
    suites: tuple[int, ...] = ()

    @property
    def broken_suites(self) -> tuple[str, ...]:
        """Those that give no protection, in hexadecimal."""
        return tuple(f"{suite:04X}" for suite in self.suites if suite in _BROKEN)

    @property
    def forward_secret(self) -> bool:
        """Whether any suite keeps the traffic secret when the server's key is stolen later."""
        return any(suite in _FORWARD for suite in self.suites)


def read_hello(data: bytes) -> Hello:
    """Read a ClientHello record (RFC 8446 4.1.2 and 4.2.1, RFC 6066 3); any bytes get an answer."""
    try:
        if data[0] != 22 or data[5] != 1:
            return Hello()
        legacy, position = struct.unpack_from(">H", data, 9)[0], 9 + 2 + 32
        position += 1 + data[position]
        size = struct.unpack_from(">H", data, position)[0] // 2
        suites = struct.unpack_from(f">{size}H", data, position + 2)
        position += 2 + 2 * size
        position += 1 + data[position]
        versions: tuple[str, ...] = (VERSION_NAMES[legacy],) if legacy in VERSION_NAMES else ()
        name = ""
        for kind, value in _extensions(data, position):
            if kind == _VERSIONS:
                found = sorted(struct.unpack_from(f">{value[0] // 2}H", value, 1))
                versions = tuple(VERSION_NAMES[v] for v in found if v in VERSION_NAMES)
            elif kind == _SERVER_NAME:
                name = value[5:].decode("ascii", "replace")
        return Hello(versions, name, suites)
    except (IndexError, struct.error):
        return Hello()


def _extensions(data: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    if position >= len(data):
        return
    end = position + 2 + struct.unpack_from(">H", data, position)[0]
    position += 2
    while position + 4 <= min(end, len(data)):
        kind, length = struct.unpack_from(">HH", data, position)
        position += 4
        yield kind, data[position : position + length]
        position += length
