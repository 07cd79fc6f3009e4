"""What a certificate is used for, and whether it is made for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sotepki.evidence import Finding
from sotepki.x509.explaining import key_usage_bits
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.rulebook import rulebook


class Purpose(StrEnum):
    """Uses of end-entity certificates in this PKI."""

    CARD_AUTHENTICATION = "card-authentication"
    CARD_SIGNATURE = "card-signature"
    SYSTEM_SIGNATURE = "system-signature"
    TLS_SERVER = "tls-server"
    TLS_CLIENT = "tls-client"


@dataclass(frozen=True)
class _Need:
    """What a purpose needs: key usage bits, whether they stand alone, and one of these extended usages if any."""

    bits: frozenset[str]
    alone: bool = False
    purposes: frozenset[x509.ObjectIdentifier] = frozenset()


_SMARTCARD_LOGON = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.2")
_ANY = x509.ObjectIdentifier("2.5.29.37.0")

_NEEDS: Mapping[Purpose, _Need] = {
    Purpose.CARD_AUTHENTICATION: _Need(
        frozenset({"digitalSignature"}), purposes=frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, _SMARTCARD_LOGON})
    ),
    Purpose.CARD_SIGNATURE: _Need(frozenset({"nonRepudiation"}), alone=True),
    Purpose.SYSTEM_SIGNATURE: _Need(frozenset({"digitalSignature", "nonRepudiation"})),
    Purpose.TLS_SERVER: _Need(frozenset({"digitalSignature"}), purposes=frozenset({ExtendedKeyUsageOID.SERVER_AUTH})),
    Purpose.TLS_CLIENT: _Need(frozenset({"digitalSignature"}), purposes=frozenset({ExtendedKeyUsageOID.CLIENT_AUTH})),
}


def purpose_findings(certificate: x509.Certificate, purpose: Purpose) -> Iterator[Finding]:
    """Why a certificate is not made for a purpose; empty if it is.

    Raises:
        ValueError: its extensions cannot be read.
    """
    rules = rulebook()
    need = _NEEDS[purpose]
    basic = extension_of(certificate, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield rules.finding("path.purpose.ca", "The certificate is a CA's own.", found="CA:TRUE")
    bits = key_usages(certificate)
    if bits is not None:
        expected, found = ", ".join(sorted(need.bits)), ", ".join(bits) or "no bit"
        if not need.bits <= set(bits):
            message = f"The key usage does not allow {purpose}."
            yield rules.finding("path.purpose.key-usage", message, expected=expected, found=found)
        elif need.alone and set(bits) != need.bits:
            message = f"The key usage allows more than {purpose}, which a card's signature key never does."
            yield rules.finding("path.purpose.signature-alone", message, expected=f"{expected} alone", found=found)
    elif need.alone:
        message = "The certificate has no key usage, so it is no card's signature certificate."
        yield rules.finding("path.purpose.signature-alone", message, expected=", ".join(need.bits), found="absent")
    usages = extension_of(certificate, x509.ExtendedKeyUsage)
    if usages is not None and need.purposes and not (set(usages) & (need.purposes | {_ANY})):
        message = f"The extended key usage does not allow {purpose}."
        found = ", ".join(usage.dotted_string for usage in usages)
        expected = ", ".join(sorted(usage.dotted_string for usage in need.purposes))
        yield rules.finding("path.purpose.extended-key-usage", message, expected=expected, found=found)


def key_usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    """The key usage bits by RFC 5280 name, or None if the extension is absent."""
    usage = extension_of(certificate, x509.KeyUsage)
    return None if usage is None else key_usage_bits(usage.public_bytes())


def likely_purpose(certificate: x509.Certificate) -> Purpose | None:
    """The purpose a certificate seems to be made for, by its usages; None if they do not tell.

    Raises:
        ValueError: its extensions cannot be read.
    """
    usages = extension_of(certificate, x509.ExtendedKeyUsage)
    if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH in usages:
        return Purpose.TLS_SERVER
    if usages is not None and ExtendedKeyUsageOID.CLIENT_AUTH in usages:
        return Purpose.TLS_CLIENT
    bits = set(key_usages(certificate) or ())
    if bits == {"nonRepudiation"}:
        return Purpose.CARD_SIGNATURE
    if bits == {"digitalSignature", "nonRepudiation"}:
        return Purpose.SYSTEM_SIGNATURE
    return Purpose.CARD_AUTHENTICATION if "digitalSignature" in bits else None
