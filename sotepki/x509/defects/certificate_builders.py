"""Builders of defects inside one certificate: each changes a draft, which is then signed by its own CA's key.

A builder is a function ``(draft, world, **arguments) -> draft``; the catalogue names it and gives the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sotepki.x509 import der
from sotepki.x509.defects.draft import Draft, time_bytes
from sotepki.x509.defects.world import DefectWorld
from sotepki.x509.extensions import encode_qc_statements, extended_key_usage_of, key_usage_of
from sotepki.x509.names import ATTRIBUTES

CertificateBuilder = Callable[..., Draft]

_STRING_TAGS = {"UTF8String": 0x0C, "PrintableString": 0x13, "T61String": 0x14, "IA5String": 0x16, "BMPString": 0x1E}


def version(draft: Draft, _world: DefectWorld, *, number: int) -> Draft:
    """Another version; 1 is written by leaving it out."""
    return replace(draft, version=b"" if number == 1 else der.explicit(0, der.integer(number - 1)))


def serial(draft: Draft, _world: DefectWorld, *, octets: str) -> Draft:
    """A serial number of these octets (hexadecimal), minimal or not."""
    return replace(draft, serial=der.tlv(der.Tag.INTEGER, bytes.fromhex(octets)))


def algorithm(draft: Draft, _world: DefectWorld, *, inner: str = "sha512-rsa", outer: str = "") -> Draft:
    """Another signature algorithm; ``outer`` lets the two identifiers differ."""
    return replace(draft, algorithm=inner, outer=outer)


def spoiled_signature(draft: Draft, _world: DefectWorld) -> Draft:
    """One bit of the signature changed."""
    return replace(draft, spoil=True)


def validity(
    draft: Draft,
    world: DefectWorld,
    *,
    begin_days: float | None = None,
    end_days: float | None = None,
    finnish: bool = True,
    end_generalized: bool | None = None,
) -> Draft:
    """Other times, in days from the moment of judgement; the end falls on that of a Finnish day if ``finnish``."""
    start, end = draft.not_before, draft.not_after
    if begin_days is not None:
        start = time_bytes(world.at + timedelta(days=begin_days))
    if end_days is not None:
        moment = world.end(int(end_days)) if finnish else world.at + timedelta(days=end_days)
        end = time_bytes(moment, generalized=end_generalized)
    return replace(draft, not_before=start, not_after=end)


def time_text(draft: Draft, _world: DefectWorld, *, end: str) -> Draft:
    """notAfter written as this UTCTime text."""
    return replace(draft, not_after=der.tlv(der.Tag.UTC_TIME, end.encode("ascii")))


def attribute(
    draft: Draft,
    _world: DefectWorld,
    *,
    name: str,
    value: str | None = None,
    string: str = "",
    side: str = "subject",
) -> Draft:
    """An attribute of the subject (or issuer) with another value or string type, added at the end if it is new."""
    oid = ATTRIBUTES[name].oid.dotted_string
    rdns = list(der.parse(getattr(draft, side)).children())
    encoded = [rdn.raw for rdn in rdns]
    for number, rdn in enumerate(rdns):
        pair = rdn.children()[0].children()
        if der.read_oid(pair[0]) == oid:
            text = der.read_text(pair[1]) if value is None else value
            encoded[number] = _rdn(oid, text, _STRING_TAGS[string] if string else pair[1].tag)
            break
    else:
        encoded.append(_rdn(oid, value or "", _STRING_TAGS[string or "UTF8String"]))
    name_bytes = der.sequence(*encoded)
    return replace(draft, issuer=name_bytes) if side == "issuer" else replace(draft, subject=name_bytes)


def no_attribute(draft: Draft, _world: DefectWorld, *, name: str) -> Draft:
    """The subject without an attribute."""
    oid = ATTRIBUTES[name].oid.dotted_string
    kept = [
        rdn.raw for rdn in der.parse(draft.subject).children() if der.read_oid(rdn.children()[0].children()[0]) != oid
    ]
    return replace(draft, subject=der.sequence(*kept))


def subject_order(draft: Draft, _world: DefectWorld) -> Draft:
    """The subject's RDNs in reverse order."""
    return replace(draft, subject=der.sequence(*(rdn.raw for rdn in reversed(der.parse(draft.subject).children()))))


def one_rdn(draft: Draft, _world: DefectWorld) -> Draft:
    """The whole subject in one RDN of several attributes."""
    pairs = sorted(rdn.children()[0].raw for rdn in der.parse(draft.subject).children())
    return replace(draft, subject=der.sequence(der.tlv(der.Tag.SET, *pairs)))


def subject_key(draft: Draft, world: DefectWorld, *, kind: str) -> Draft:
    """Another kind of subject key; the key identifier stays that of the old one."""
    key = world.key(f"leaf-{kind}", kind).public_key()
    return replace(draft, public_key=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def no_extension(draft: Draft, _world: DefectWorld, *, name: str) -> Draft:
    """Without an extension."""
    return draft.without(name)


def no_extensions(draft: Draft, _world: DefectWorld) -> Draft:
    """Without any extension."""
    return draft.with_extensions(())


def twice(draft: Draft, _world: DefectWorld, *, name: str) -> Draft:
    """An extension standing twice."""
    return draft.with_extensions((*draft.extensions, draft.extension(name)))


def criticality(draft: Draft, _world: DefectWorld, *, name: str, critical: bool) -> Draft:
    """An extension with the other criticality."""
    return draft.changed(name, critical=critical)


def false_written_out(draft: Draft, _world: DefectWorld, *, name: str) -> Draft:
    """``critical`` written out as FALSE, its default."""
    old = draft.extension(name)
    spoilt = replace(old, critical=False, critical_octets=der.tlv(der.Tag.BOOLEAN, b"\0"))
    return draft.with_extensions([spoilt if one is old else one for one in draft.extensions])


def extension_order(draft: Draft, _world: DefectWorld) -> Draft:
    """The extensions in reverse order."""
    return draft.with_extensions(tuple(reversed(draft.extensions)))


def extra_extension(
    draft: Draft, _world: DefectWorld, *, oid: str, value: str = "0500", critical: bool = False
) -> Draft:
    """One more extension, its value in hexadecimal."""
    return draft.added(oid, bytes.fromhex(value), critical=critical)


def extension_value(draft: Draft, _world: DefectWorld, *, name: str, value: str) -> Draft:
    """An extension with this value in hexadecimal."""
    return draft.changed(name, value=bytes.fromhex(value))


def key_usage(draft: Draft, _world: DefectWorld, *, bits: Sequence[str]) -> Draft:
    """Another key usage, by bit names of RFC 5280."""
    return draft.changed("key-usage", value=key_usage_of(bits).public_bytes())


def extended_key_usage(draft: Draft, _world: DefectWorld, *, usages: Sequence[str]) -> Draft:
    """Another extended key usage (added if there was none), by short names."""
    value = extended_key_usage_of(tuple(usages)).public_bytes()
    if any(extension.oid == "2.5.29.37" for extension in draft.extensions):
        return draft.changed("extended-key-usage", value=value)
    return draft.added("extended-key-usage", value)


def policies(draft: Draft, _world: DefectWorld, *, oids: Sequence[str]) -> Draft:
    """Other policies, without qualifiers."""
    value = der.sequence(*(der.sequence(der.oid(oid)) for oid in oids))
    return draft.changed("certificate-policies", value=value)


def ca_flag(draft: Draft, _world: DefectWorld) -> Draft:
    """basicConstraints that say CA:TRUE."""
    return draft.changed("basic-constraints", value=der.sequence(der.tlv(der.Tag.BOOLEAN, b"\xff")))


def urls(draft: Draft, _world: DefectWorld, *, name: str, old: str, new: str) -> Draft:
    """An address inside an extension replaced by another of the same length."""
    value = draft.extension(name).value
    if len(old) != len(new) or old.encode() not in value:
        raise ValueError("the address to be replaced is not there, or of another length")
    return draft.changed(name, value=value.replace(old.encode(), new.encode()))


def qc_statements(
    draft: Draft, _world: DefectWorld, *, statements: Sequence[str], types: Sequence[str] = ()
) -> Draft:
    """Other QC statements (added if there were none)."""
    value = encode_qc_statements(statements, types)
    if any(extension.oid == "1.3.6.1.5.5.7.1.3" for extension in draft.extensions):
        return draft.changed("qc-statements", value=value)
    return draft.added("qc-statements", value)


def dns_names(draft: Draft, _world: DefectWorld, *, names: Sequence[str]) -> Draft:
    """Other domain names in the subject alternative name."""
    value = der.sequence(*(der.tlv(0x82, name.encode("ascii")) for name in names))
    return draft.changed("subject-alternative-name", value=value)


def ip_only(draft: Draft, _world: DefectWorld, *, address: str) -> Draft:
    """A subject alternative name with an address (hexadecimal octets) and no domain name."""
    return draft.changed("subject-alternative-name", value=der.sequence(der.tlv(0x87, bytes.fromhex(address))))


def email_name(draft: Draft, _world: DefectWorld, *, address: str) -> Draft:
    """An e-mail address beside the alternative names (added if there were none)."""
    entry = der.tlv(0x81, address.encode("ascii"))
    for extension in draft.extensions:
        if extension.oid == "2.5.29.17":
            names = (*(name.raw for name in der.parse(extension.value).children()), entry)
            return draft.changed("subject-alternative-name", value=der.sequence(*names))
    return draft.added("subject-alternative-name", der.sequence(entry))


def trailing(draft: Draft, _world: DefectWorld, *, octets: str) -> Draft:
    """Bytes (hexadecimal) after the end of the certificate."""
    return replace(draft, after=bytes.fromhex(octets))


def unique_identifier(draft: Draft, _world: DefectWorld) -> Draft:
    """An issuerUniqueID, which RFC 5280 tells CAs not to write."""
    return replace(draft, unique_ids=der.tlv(0x81, b"\0\x01"))


def _rdn(oid: str, text: str, tag: int) -> bytes:
    encodings = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x14: "latin-1"}
    value = der.tlv(tag, text.encode(encodings.get(tag, "ascii"), "replace"))
    return der.tlv(der.Tag.SET, der.sequence(der.oid(oid), value))


CERTIFICATE_BUILDERS: Mapping[str, CertificateBuilder] = {
    function.__name__.replace("_", "-"): function
    for function in (
        version, serial, algorithm, spoiled_signature, validity, time_text, attribute, no_attribute, subject_order,
        one_rdn, subject_key, no_extension, no_extensions, twice, criticality, false_written_out, extension_order,
        extra_extension, extension_value, key_usage, extended_key_usage, policies, ca_flag, urls, qc_statements,
        dns_names, ip_only, email_name, trailing, unique_identifier,
    )
}  # fmt: skip
"""The builders by the names of the catalogue."""


def build(name: str, draft: Draft, world: DefectWorld, arguments: Mapping[str, Any]) -> Draft:
    """Apply a builder."""
    return CERTIFICATE_BUILDERS[name](draft, world, **arguments)
