"""Distinguished Encoding Rules in the small: write what pyca cannot encode exactly, read what it hides.

The writer makes the few structures a national profile prescribes to the byte (a VisibleString user notice, QC
statements, an algorithm identifier with explicit NULL). The reader takes any bytes, never recurses, and answers with
elements or with ``DerError``; it accepts definite, minimal lengths and one-byte tags only (ITU-T X.690 8.1, 10.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum


class DerError(ValueError):
    """The bytes are not DER, or not the structure that was asked for."""


class Tag(IntEnum):
    """Identifier octets used by certificates, CRLs and OCSP."""

    BOOLEAN = 0x01
    INTEGER = 0x02
    BIT_STRING = 0x03
    OCTET_STRING = 0x04
    NULL = 0x05
    OID = 0x06
    ENUMERATED = 0x0A
    UTF8_STRING = 0x0C
    NUMERIC_STRING = 0x12
    PRINTABLE_STRING = 0x13
    T61_STRING = 0x14
    IA5_STRING = 0x16
    UTC_TIME = 0x17
    GENERALIZED_TIME = 0x18
    VISIBLE_STRING = 0x1A
    UNIVERSAL_STRING = 0x1C
    BMP_STRING = 0x1E
    SEQUENCE = 0x30
    SET = 0x31


# ---------------------------------------------------------------------------------------------------- writing


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element: identifier octet, minimal definite length, the parts joined."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of already encoded parts."""
    return tlv(Tag.SEQUENCE, *parts)


def explicit(number: int, *parts: bytes) -> bytes:
    """``[number] EXPLICIT``, constructed and context-specific."""
    return tlv(0xA0 | number, *parts)


def integer(value: int) -> bytes:
    """An INTEGER of any size, negative ones too."""
    length = max(1, (value + (value < 0)).bit_length() // 8 + 1)
    return tlv(Tag.INTEGER, value.to_bytes(length, "big", signed=True))


def enumerated(value: int) -> bytes:
    """An ENUMERATED value below 128."""
    return tlv(Tag.ENUMERATED, bytes((value,)))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form.

    Raises:
        DerError: the text is not a dotted identifier with at least two arcs.
    """
    arcs = dotted.split(".")
    if len(arcs) < 2 or not all(arc.isascii() and arc.isdigit() for arc in arcs):
        raise DerError(f"{dotted!r} is not a dotted object identifier")
    numbers = [int(arc) for arc in arcs]
    if numbers[0] > 2 or (numbers[0] < 2 and numbers[1] > 39):
        raise DerError(f"{dotted!r} has impossible first arcs")
    return tlv(Tag.OID, b"".join(map(_base128, (numbers[0] * 40 + numbers[1], *numbers[2:]))))


def bit_string(value: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return tlv(Tag.BIT_STRING, b"\x00", value)


def octet_string(value: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(Tag.OCTET_STRING, value)


def generalized_time(moment: datetime) -> bytes:
    """A GeneralizedTime to the second, in UTC (RFC 5280 4.1.2.5.2)."""
    return tlv(Tag.GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii"))


NULL = tlv(Tag.NULL)


def _base128(number: int) -> bytes:
    octets = [number & 0x7F]
    number >>= 7
    while number:
        octets.append(0x80 | (number & 0x7F))
        number >>= 7
    return bytes(reversed(octets))


# ---------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier octet, its content, and all its bytes as they stood."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Element]:
        """The elements inside a constructed element.

        Raises:
            DerError: it is primitive, or its content does not divide into elements.
        """
        if not self.tag & 0x20:
            raise DerError(f"an element with tag {self.tag:#04x} has no parts")
        return list(elements(self.content))

    def expect(self, tag: int) -> Element:
        """This element, if it has ``tag``; else ``DerError``."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#04x} stands where {tag:#04x} is expected")
        return self


def elements(data: bytes) -> Iterator[Element]:
    """Divide ``data`` into elements, side by side."""
    position = 0
    while position < len(data):
        element, position = _read(data, position)
        yield element


def parse(data: bytes) -> Element:
    """Exactly one element.

    Raises:
        DerError: no element, a broken one, or bytes after it.
    """
    element, end = _read(data, 0)
    if end != len(data):
        raise DerError(f"{len(data) - end} bytes follow the end of the structure")
    return element


def _read(data: bytes, start: int) -> tuple[Element, int]:
    if len(data) - start < 2:
        raise DerError("the data ends inside an element")
    tag, first = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("tags of several octets do not occur here")
    position = start + 2
    if first < 0x80:
        size = first
    else:
        count = first & 0x7F
        if not 1 <= count <= 4 or len(data) - position < count:
            raise DerError("the length is indefinite, too long or cut short")
        size = int.from_bytes(data[position : position + count], "big")
        if size < 0x80 or size >> (8 * (count - 1)) == 0:
            raise DerError("the length is not in its shortest form")
        position += count
    end = position + size
    if end > len(data):
        raise DerError("the data ends inside an element")
    return Element(tag, data[position:end], data[start:end]), end


def read_oid(element: Element) -> str:
    """The dotted form of an OBJECT IDENTIFIER element."""
    content = element.expect(Tag.OID).content
    if not content or content[-1] & 0x80 or len(content) > 128:
        raise DerError("an object identifier is empty, cut short or overlong")
    numbers: list[int] = []
    value, begins = 0, True
    for octet in content:
        if begins and octet == 0x80:  # X.690 8.19.2: a subidentifier has the fewest octets that hold it
            raise DerError("an arc of an object identifier begins with an empty octet")
        begins = not octet & 0x80
        value = (value << 7) | (octet & 0x7F)
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))


def read_integer(element: Element) -> int:
    """The value of an INTEGER element; an empty or non-minimal one is a ``DerError``."""
    content = element.expect(Tag.INTEGER).content
    if not content:
        raise DerError("an integer is empty")
    if len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1)):
        raise DerError("an integer is not in its shortest form")
    return int.from_bytes(content, "big", signed=True)


_TEXT: Mapping[int, str] = {
    Tag.UTF8_STRING: "utf-8",
    Tag.NUMERIC_STRING: "ascii",
    Tag.PRINTABLE_STRING: "ascii",
    Tag.T61_STRING: "latin-1",
    Tag.IA5_STRING: "ascii",
    Tag.VISIBLE_STRING: "ascii",
    Tag.UNIVERSAL_STRING: "utf-32-be",
    Tag.BMP_STRING: "utf-16-be",
}


def read_text(element: Element) -> str:
    """The text of a string element; bytes that do not decode become replacement characters."""
    encoding = _TEXT.get(element.tag)
    if encoding is None:
        raise DerError(f"tag {element.tag:#04x} is not a string type")
    return element.content.decode(encoding, "replace")


def string_type(tag: int) -> str:
    """The ASN.1 name of a string type, for people: ``PrintableString``, ``UTF8String``."""
    return _STRING_NAMES.get(tag, f"tag {tag:#04x}")


_STRING_NAMES: Mapping[int, str] = {
    Tag.UTF8_STRING: "UTF8String",
    Tag.NUMERIC_STRING: "NumericString",
    Tag.PRINTABLE_STRING: "PrintableString",
    Tag.T61_STRING: "T61String",
    Tag.IA5_STRING: "IA5String",
    Tag.VISIBLE_STRING: "VisibleString",
    Tag.UNIVERSAL_STRING: "UniversalString",
    Tag.BMP_STRING: "BMPString",
}
