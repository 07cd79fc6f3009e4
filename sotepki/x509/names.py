"""Distinguished names: the attributes the national profiles use, built and read with their exact string types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.name import _ASN1Type

from sotepki.x509 import der


class StringType(StrEnum):
    """String types of directory attributes, by their ASN.1 names."""

    UTF8 = "UTF8String"
    PRINTABLE = "PrintableString"
    IA5 = "IA5String"


@dataclass(frozen=True)
class Attribute:
    """An attribute of a distinguished name; ``bound`` is its upper bound in characters (RFC 5280 appendix A.1)."""

    name: str
    oid: x509.ObjectIdentifier
    short: str
    bound: int


def _attribute(name: str, dotted: str, short: str, bound: int) -> Attribute:
    return Attribute(name, x509.ObjectIdentifier(dotted), short, bound)


#: Attributes by the names that profiles and callers use (docs/field/pki.md 1: secondhand list of S2).
ATTRIBUTES: Mapping[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        _attribute("country", "2.5.4.6", "C", 2),
        _attribute("state", "2.5.4.8", "ST", 128),
        _attribute("locality", "2.5.4.7", "L", 128),
        _attribute("organisation", "2.5.4.10", "O", 64),
        _attribute("organisational_unit", "2.5.4.11", "OU", 64),
        _attribute("serial_number", "2.5.4.5", "serialNumber", 64),
        _attribute("title", "2.5.4.12", "title", 64),
        _attribute("pseudonym", "2.5.4.65", "pseudonym", 128),
        _attribute("given_name", "2.5.4.42", "GN", 64),
        _attribute("surname", "2.5.4.4", "SN", 64),
        _attribute("common_name", "2.5.4.3", "CN", 64),
        _attribute("email", "1.2.840.113549.1.9.1", "emailAddress", 255),
        _attribute("domain_component", "0.9.2342.19200300.100.1.25", "DC", 63),
        _attribute("organisation_identifier", "2.5.4.97", "organizationIdentifier", 128),
    )
}

BY_OID: Mapping[str, Attribute] = {attribute.oid.dotted_string: attribute for attribute in ATTRIBUTES.values()}

_PYCA_TYPE = {
    StringType.UTF8: _ASN1Type.UTF8String,
    StringType.PRINTABLE: _ASN1Type.PrintableString,
    StringType.IA5: _ASN1Type.IA5String,
}

_PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


def is_printable(text: str) -> bool:
    """Whether a text fits in PrintableString (ITU-T X.680 41.4)."""
    return set(text) <= _PRINTABLE


def name_attribute(name: str, value: str, kind: StringType) -> x509.NameAttribute[str]:
    """One attribute with its exact string type.

    pyca chooses string types by attribute and has no public way to ask for another; ``_type`` is the argument its
    own parser uses, and a test compares the bytes, so that a change there is noticed.
    """
    return x509.NameAttribute(ATTRIBUTES[name].oid, value, _PYCA_TYPE[kind])


@dataclass(frozen=True)
class NamePart:
    """One attribute as it stands in an encoded name."""

    rdn: int
    oid: str
    tag: int
    value: str

    @property
    def name(self) -> str:
        """The attribute's name as in ``ATTRIBUTES``, or its dotted identifier."""
        known = BY_OID.get(self.oid)
        return known.name if known else self.oid

    @property
    def short(self) -> str:
        known = BY_OID.get(self.oid)
        return known.short if known else self.oid


def read_name(encoded: bytes) -> tuple[NamePart, ...]:
    """The attributes of an encoded Name, first encoded first.

    Raises:
        DerError: the bytes are not a Name.
    """
    parts: list[NamePart] = []
    for number, rdn in enumerate(der.parse(encoded).expect(der.Tag.SEQUENCE).children()):
        for pair in rdn.expect(der.Tag.SET).children():
            fields = pair.expect(der.Tag.SEQUENCE).children()
            if len(fields) != 2:
                raise der.DerError("an attribute of a name is not a pair of type and value")
            parts.append(NamePart(number, der.read_oid(fields[0]), fields[1].tag, der.read_text(fields[1])))
    return tuple(parts)


def name_text(parts: Iterable[NamePart]) -> str:
    """A name for people, in encoding order: ``C=FI, O=..., CN=...``; RDNs of several attributes joined with +."""
    text = ""
    last = -1
    for part in parts:
        text += ("" if last < 0 else " + " if part.rdn == last else ", ") + f"{part.short}={part.value}"
        last = part.rdn
    return text


def readable(name: x509.Name) -> str:
    """``name_text`` of a pyca name; never raises."""
    try:
        return name_text(read_name(name.public_bytes()))
    except ValueError:
        return "(a name that cannot be read)"
