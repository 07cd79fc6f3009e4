"""Certificate revocation lists: one full list per CA (docs/field/pki.md 5.15)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from sotepki.errors import Refused
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
        entries: taken once, in order; a million of them are handed to pyca at once, never one by one.
        number: positive; the caller lets it only grow.
        next_update: without it, ``DEFAULT_PERIOD`` after ``this_update``.

    Raises:
        Refused: the issuer is no CA, the number is not positive, the times are reversed, or a full list would hold
            removeFromCRL.
    """
    until = this_update + DEFAULT_PERIOD if next_update is None else next_update
    if issuer.certificate is None or not issuer.is_ca:
        raise Refused("Only a CA with its certificate signs a revocation list.", rule="crl.issuer")
    if not 0 < number < 1 << 159:
        raise Refused(f"The revocation list number {number} is not a positive number.", rule="crl.number")
    if until <= this_update:
        raise Refused("The revocation list would be stale before it begins.", rule="crl.next-update")
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.certificate.subject,
        last_update=_naive(this_update),
        next_update=_naive(until),
        revoked_certificates=[_entry(entry) for entry in entries],
    )
    return (
        builder.add_extension(x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
        .sign(issuer.key, signing_hash(issuer.key))
    )


def crl_number(crl: x509.CertificateRevocationList) -> int | None:
    """The number of a list, or None if it has none or it cannot be read."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (x509.ExtensionNotFound, ValueError):
        return None


def _entry(entry: RevokedEntry) -> x509.RevokedCertificate:
    return x509.RevokedCertificateBuilder(
        entry.serial_number, _naive(entry.revoked_at), list(_reason(entry.reason))
    ).build()


@functools.cache
def _reason(reason: x509.ReasonFlags | None) -> tuple[x509.Extension[x509.ExtensionType], ...]:
    # RFC 5280 5.3.1: unspecified should be left out rather than written.
    if reason is None or reason is x509.ReasonFlags.unspecified:
        return ()
    if reason is x509.ReasonFlags.remove_from_crl:
        raise Refused("removeFromCRL stands only in delta lists, which DVV is not known to make.", rule="crl.reason")
    value = x509.CRLReason(reason)
    return (x509.Extension(value.oid, False, value),)


def _naive(moment: datetime) -> datetime:
    """pyca's builders keep naive UTC inside; handing the lists over at once means speaking their form."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
