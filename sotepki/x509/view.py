"""A certificate as its bytes stand, for comparing it with a profile: order, criticality, string types, encodings.

pyca shows values; a profile also prescribes how they are encoded. Nothing here raises for a broken certificate
except ``DerError`` from ``view_certificate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sotepki.x509 import der
from sotepki.x509.keys import key_kind
from sotepki.x509.names import NamePart, read_name
from sotepki.x509.profile_values import EXTENSIONS

EXTENSION_NAMES = {dotted: name for name, dotted in EXTENSIONS.items()}

SIGNATURES = {
    "1.2.840.113549.1.1.4": ("md5", "rsa"),
    "1.2.840.113549.1.1.5": ("sha1", "rsa"),
    "1.2.840.113549.1.1.11": ("sha256", "rsa"),
    "1.2.840.113549.1.1.12": ("sha384", "rsa"),
    "1.2.840.113549.1.1.13": ("sha512", "rsa"),
    "1.2.840.10045.4.1": ("sha1", "ec"),
    "1.2.840.10045.4.3.2": ("sha256", "ec"),
    "1.2.840.10045.4.3.3": ("sha384", "ec"),
    "1.2.840.10045.4.3.4": ("sha512", "ec"),
}


@dataclass(frozen=True)
class ViewedExtension:
    """An extension as it stands; ``name`` is the short name, or the dotted identifier of an unknown one."""

    oid: str
    name: str
    critical: bool
    value: bytes


@dataclass(frozen=True)
class ViewedSignature:
    """An algorithm identifier: hash and family (empty if unknown), and whether parameters are an explicit NULL."""

    oid: str
    hash: str
    family: str
    null: bool
    raw: bytes

    def __str__(self) -> str:
        name = f"{self.hash} with {self.family.upper()}" if self.hash else self.oid
        return name + (", NULL parameters" if self.null and self.family == "ec" else "")


@dataclass(frozen=True)
class ViewedTime:
    """A time of the validity: its moment (None if it cannot be read) and its ASN.1 type's tag."""

    moment: datetime | None
    tag: int


@dataclass(frozen=True)
class View:
    """A certificate, taken apart. ``key`` is a kind as in the key pool (``rsa-3072``)."""

    raw: bytes
    version: int
    serial_octets: bytes
    inner_signature: ViewedSignature
    outer_signature: ViewedSignature
    issuer_raw: bytes
    issuer: tuple[NamePart, ...]
    subject_raw: bytes
    subject: tuple[NamePart, ...]
    not_before: ViewedTime
    not_after: ViewedTime
    key: str
    key_family: str
    extensions: tuple[ViewedExtension, ...]

    @property
    def serial(self) -> int:
        return int.from_bytes(self.serial_octets, "big", signed=True)

    def extension(self, name: str) -> ViewedExtension | None:
        """The first extension of a short name."""
        return next((extension for extension in self.extensions if extension.name == name), None)

    def subject_value(self, name: str) -> str:
        """The first value of a subject attribute, or the empty string."""
        return next((part.value for part in self.subject if part.name == name), "")


def view_certificate(data: bytes) -> View:
    """Take a certificate apart.

    Raises:
        DerError: the bytes are not a certificate in DER.
    """
    certificate = der.parse(data).expect(der.Tag.SEQUENCE).children()
    if len(certificate) != 3:
        raise der.DerError("a certificate has three parts")
    parts = certificate[0].expect(der.Tag.SEQUENCE).children()
    version = 1
    if parts and parts[0].tag == 0xA0:
        version = der.read_integer(der.parse(parts[0].content)) + 1
        parts = parts[1:]
    if len(parts) < 6:
        raise der.DerError("the signed part of a certificate has at least six fields")
    times = parts[3].expect(der.Tag.SEQUENCE).children()
    if len(times) != 2:
        raise der.DerError("a validity has two times")
    key, family = _key(parts[5].raw)
    return View(
        raw=data,
        version=version,
        serial_octets=parts[0].expect(der.Tag.INTEGER).content,
        inner_signature=_signature(parts[1]),
        outer_signature=_signature(certificate[1]),
        issuer_raw=parts[2].raw,
        issuer=read_name(parts[2].raw),
        subject_raw=parts[4].raw,
        subject=read_name(parts[4].raw),
        not_before=_time(times[0]),
        not_after=_time(times[1]),
        key=key,
        key_family=family,
        extensions=tuple(extension for part in parts[6:] if part.tag == 0xA3 for extension in _extensions(part)),
    )


def _signature(element: der.Element) -> ViewedSignature:
    parts = element.expect(der.Tag.SEQUENCE).children()
    if not parts:
        raise der.DerError("an algorithm identifier is empty")
    name = der.read_oid(parts[0])
    hash_name, family = SIGNATURES.get(name, ("", ""))
    return ViewedSignature(name, hash_name, family, len(parts) > 1 and parts[1].tag == der.Tag.NULL, element.raw)


def _time(element: der.Element) -> ViewedTime:
    text = element.content.decode("ascii", "replace")
    length = 13 if element.tag == der.Tag.UTC_TIME else 15
    try:
        if len(text) != length or not (text[:-1].isascii() and text[:-1].isdigit()):
            raise ValueError("not the form of RFC 5280")
        if element.tag == der.Tag.UTC_TIME:
            # RFC 5280 4.1.2.5.1: years 50 to 99 are of the last century.
            century = "19" if text[:2] >= "50" else "20"
            moment = datetime.strptime(century + text, "%Y%m%d%H%M%SZ")
        else:
            moment = datetime.strptime(text, "%Y%m%d%H%M%SZ")
    except ValueError:
        return ViewedTime(None, element.tag)
    return ViewedTime(moment.replace(tzinfo=UTC), element.tag)


def _key(encoded: bytes) -> tuple[str, str]:
    try:
        kind = key_kind(load_der_public_key(encoded))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "unreadable", ""
    return kind, "rsa" if kind.startswith("rsa-") else "ec"


def _extensions(wrapped: der.Element) -> list[ViewedExtension]:
    found = []
    for element in der.parse(wrapped.content).expect(der.Tag.SEQUENCE).children():
        parts = element.expect(der.Tag.SEQUENCE).children()
        if not 2 <= len(parts) <= 3:
            raise der.DerError("an extension has two or three parts")
        name = der.read_oid(parts[0])
        critical = len(parts) == 3 and parts[1].expect(der.Tag.BOOLEAN).content != b"\x00"
        value = parts[-1].expect(der.Tag.OCTET_STRING).content
        found.append(ViewedExtension(name, EXTENSION_NAMES.get(name, name), critical, value))
    return found
