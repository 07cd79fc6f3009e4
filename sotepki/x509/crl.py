"""Certificate revocation lists: one full list per CA (docs/field/pki.md 5.15)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sotepki.errors import Refused
from sotepki.x509 import der
from sotepki.x509.issuer import Issuer
from sotepki.x509.keys import signing_hash

#: Distance of thisUpdate and nextUpdate unless the caller sets another; DVV's is not known
#: (docs/field/pki.md 5.15, row thisUpdate/nextUpdate distance: inferred, a choice).
DEFAULT_PERIOD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One revoked certificate; ``revoked_at`` aware; no reason, or unspecified, writes no reason extension."""

    serial_number: int
    revoked_at: datetime
    reason: x509.ReasonFlags | None = None


def build_crl(
    issuer: Issuer,
    entries: Iterable[RevokedEntry],
    *,
    number: int,
    this_update: datetime,
    next_update: datetime | None = None,
) -> x509.CertificateRevocationList:
    """A signed list with cRLNumber and authority key identifier (RFC 5280 5.2.1, 5.2.3).

    Args:
        entries: taken once, in order, and encoded as they come; a generator of a million of them is welcome.
        number: positive; the caller lets it only grow.
        next_update: without it, ``DEFAULT_PERIOD`` after ``this_update``.

    Raises:
        Refused: the issuer is no CA, a number is not positive, the times are reversed, or a full list would hold
            removeFromCRL.
    """
    until = this_update + DEFAULT_PERIOD if next_update is None else next_update
    if issuer.certificate is None or not issuer.is_ca:
        raise Refused("Only a CA with its certificate signs a revocation list.", rule="crl.issuer")
    if not 0 < number < 1 << 159:
        raise Refused(f"The revocation list number {number} is not a positive number.", rule="crl.number")
    if until <= this_update:
        raise Refused("The revocation list would be stale before it begins.", rule="crl.next-update")
    algorithm, sign = _signature(issuer)
    revoked = b"".join(map(_entry, entries))
    extensions = (
        (x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), "2.5.29.35"),
        (x509.CRLNumber(number), "2.5.29.20"),
    )
    to_sign = der.sequence(
        der.integer(1),
        algorithm,
        issuer.certificate.subject.public_bytes(),
        _time(this_update),
        _time(until),
        *([der.sequence(revoked)] if revoked else []),
        der.explicit(
            0,
            der.sequence(
                *(der.sequence(der.oid(oid), der.octet_string(value.public_bytes())) for value, oid in extensions)
            ),
        ),
    )
    return x509.load_der_x509_crl(der.sequence(to_sign, algorithm, der.bit_string(sign(to_sign))))


def crl_number(crl: x509.CertificateRevocationList) -> int | None:
    """The number of a list, or None if it has none or it cannot be read."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _signature(issuer: Issuer) -> tuple[bytes, Callable[[bytes], bytes]]:
    """The algorithm identifier of a CA's signatures, and the signing itself."""
    key = issuer.key
    if isinstance(key, rsa.RSAPrivateKey):
        return _SHA512_RSA, lambda data: key.sign(data, padding.PKCS1v15(), signing_hash(key))
    return _SHA384_ECDSA, lambda data: key.sign(data, ec.ECDSA(signing_hash(key)))


_SHA512_RSA = der.sequence(der.oid("1.2.840.113549.1.1.13"), der.NULL)
_SHA384_ECDSA = der.sequence(der.oid("1.2.840.10045.4.3.3"))


def _entry(entry: RevokedEntry) -> bytes:
    """One entry, encoded here: pyca's own objects for a million of them take a gigabyte and half of the time."""
    serial = entry.serial_number
    if not 0 < serial < 1 << 159:
        raise Refused(f"The revocation list cannot hold the serial number {serial}.", rule="cert.serial.positive")
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    tail = _time(entry.revoked_at) + _reason(entry.reason)
    size = 2 + len(octets) + len(tail)
    # Serial numbers have at most 20 octets, so every length fits in one.
    return bytes((0x30, size, 0x02, len(octets))) + octets + tail


def _time(moment: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime after (RFC 5280 5.1.2.4)."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    if not 1950 <= moment.year < 2050:
        return der.generalized_time(moment)
    # Two digits each; strftime takes three times as long, and this runs once for every entry.
    text = (
        f"{moment.year % 100:02}{moment.month:02}{moment.day:02}{moment.hour:02}{moment.minute:02}{moment.second:02}Z"
    )
    return b"\x17\x0d" + text.encode("ascii")


@functools.cache
def _reason(reason: x509.ReasonFlags | None) -> bytes:
    # RFC 5280 5.3.1: unspecified should be left out rather than written.
    if reason is None or reason is x509.ReasonFlags.unspecified:
        return b""
    if reason is x509.ReasonFlags.remove_from_crl:
        raise Refused("removeFromCRL stands only in delta lists, which DVV is not known to make.", rule="crl.reason")
    value = x509.CRLReason(reason)
    return der.sequence(der.sequence(der.oid("2.5.29.21"), der.octet_string(value.public_bytes())))
