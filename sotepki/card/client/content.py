"""What the card client reads of a card: its description (EF.TokenInfo) and the certificates its directories name.

Where a directory cannot be read, the places that the numbering promises are tried instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sotepki.card.client.channel import CardTalk
from sotepki.card.client.numbering import Numbering, Role
from sotepki.card.client.tlv import Tlv, objects
from sotepki.errors import Refused
from sotepki.x509.lenient import DerCertificate, der_certificate

_APPLICATION_PATH = bytes.fromhex("3F005015")
_CERTIFICATES, _TRUSTED = 0xA4, 0xA5
_INTEGER, _OCTETS, _UTF8, _SEQUENCE, _CHOICE_1 = 0x02, 0x04, 0x0C, 0x30, 0xA1
_PRINTED_DIGITS = 9


@dataclass(frozen=True)
class CardCertificate:
    """A certificate on the card, or the place where one should be.

    Attributes:
        path: identifiers of the files from the MF down.
        label, id: as the card's directory says; empty where a promised place was tried.
        trusted: it is a CA certificate.
        certificate: None if it cannot be read or is none; ``problem`` says why.
    """

    path: bytes
    label: str
    id: bytes
    trusted: bool
    certificate: DerCertificate | None
    problem: str = ""


@dataclass(frozen=True)
class CardObjects:
    """The readable content of a card; ``printed_number`` is the serial number as it is printed on cards."""

    label: str
    manufacturer: str
    serial_number: str
    certificates: tuple[CardCertificate, ...]
    roles: Mapping[Role, bytes]

    @property
    def printed_number(self) -> str:
        """The last nine characters of the serial number (docs/field/card.md 5: confirmed)."""
        return self.serial_number[-_PRINTED_DIGITS:]

    def certificate(self, role: Role) -> DerCertificate | None:
        """The certificate of the key that a PIN guards."""
        path = self.roles.get(role)
        return next((one.certificate for one in self.certificates if one.path == path and one.certificate), None)


def read_objects_of_card(talk: CardTalk, numbering: Numbering) -> CardObjects:
    """Read TokenInfo, the object directory, the certificate directories and every certificate they name."""
    description = talk.read_object(_APPLICATION_PATH + b"\x50\x32") or b""
    label, manufacturer, serial = _described(description)
    places = list(_places(talk))
    found = [_certificate(talk, path, name, key_id, trusted) for path, name, key_id, trusted in places]
    known = {one.path for one in found}
    ders = {one.certificate.der for one in found if one.certificate}
    for path in numbering.certificates.values():
        if path not in known:
            promised = _certificate(talk, path, "", b"", False)
            # In some layouts a promised path leads to a file that the card names by another one.
            if promised.certificate is not None and promised.certificate.der not in ders:
                found.append(promised)
    return CardObjects(label, manufacturer, serial, tuple(found), _roles(found, numbering))


def _roles(found: list[CardCertificate], numbering: Numbering) -> dict[Role, bytes]:
    """Which certificate is which: by the promised path, else by its place under the signature directory."""
    own = [one for one in found if not one.trusted]
    roles: dict[Role, bytes] = {}
    for role, path in numbering.certificates.items():
        exact = next((one for one in own if one.path == path), None)
        in_signature_directory = role is Role.PIN2
        near = next((one for one in own if (b"\x50\x16" in one.path) is in_signature_directory), None)
        chosen = exact or near
        if chosen:
            roles[role] = chosen.path
    return roles


def _described(data: bytes) -> tuple[str, str, str]:
    """Label, manufacturer and serial number of EF.TokenInfo; empty where it does not have them."""
    label = manufacturer = serial = ""
    for field in (field for outer in objects(data) if outer.tag == _SEQUENCE for field in outer.children):
        if field.tag == _OCTETS and not serial:
            printable = field.value.isascii() and field.value.decode("ascii").isalnum()
            serial = field.value.decode("ascii") if printable else field.value.hex()
        elif field.tag == _UTF8:
            manufacturer = _text(field.value)
        elif field.tag == 0x80:
            label = _text(field.value)
    return label, manufacturer, serial


def _places(talk: CardTalk) -> Iterator[tuple[bytes, str, bytes, bool]]:
    directory = talk.read_objects(_APPLICATION_PATH + b"\x50\x31") or b""
    for entry in objects(directory):
        if entry.tag not in (_CERTIFICATES, _TRUSTED):
            continue
        path = _path(entry)
        for described in objects(talk.read_objects(path) or b"" if path else b""):
            place = _path(described.child(_CHOICE_1)) if described.tag == _SEQUENCE else None
            if place:
                yield place, _label(described), _identifier(described), entry.tag == _TRUSTED


def _certificate(talk: CardTalk, path: bytes, label: str, key_id: bytes, trusted: bool) -> CardCertificate:
    der = talk.read_object(path)
    if der is None:
        return CardCertificate(path, label, key_id, trusted, None, "not readable")
    try:
        return CardCertificate(path, label, key_id, trusted, der_certificate(der))
    except Refused:
        return CardCertificate(path, label, key_id, trusted, None, "not a certificate")


def _path(entry: Tlv | None) -> bytes | None:
    """The path of a PKCS#15 Path: a SEQUENCE that begins with an OCTET STRING of whole file identifiers."""
    found = entry.first(_OCTETS) if entry else None
    if found is None or not found.value or len(found.value) % 2:
        return None
    return found.value if found.value[:2] == b"\x3f\x00" else _APPLICATION_PATH + found.value


def _label(described: Tlv) -> str:
    common = described.child(_SEQUENCE)
    label = common.child(_UTF8) if common else None
    return _text(label.value) if label else ""


def _identifier(described: Tlv) -> bytes:
    fields = [one for one in described.children if one.tag == _SEQUENCE]
    found = fields[1].child(_OCTETS) if len(fields) > 1 else None
    return found.value if found else b""


def _text(value: bytes) -> str:
    return "".join(
        character if character.isprintable() else "?" for character in value.decode("utf-8", "replace").strip()
    )
