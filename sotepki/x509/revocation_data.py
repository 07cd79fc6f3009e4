"""The revocation lists and OCSP answers that a path is judged by, and what they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp

Kind = TypeVar("Kind", bound=x509.ExtensionType)


@dataclass(frozen=True, eq=False)
class RevocationData:
    """Revocation lists and OCSP answers; none of them is verified yet."""

    crls: tuple[x509.CertificateRevocationList, ...] = ()
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.crls or self.ocsp_responses)

    def covers(self, certificates: Sequence[x509.Certificate]) -> bool:
        """Whether there is something about every one of ``certificates``, and about one at least."""
        serials = {single.serial_number for single in self._answers()}
        listers = [crl.issuer for crl in self.crls]
        return bool(certificates) and all(
            one.issuer in listers or one.serial_number in serials for one in certificates
        )

    def calls_unknown(self, certificate: x509.Certificate) -> bool:
        """Whether a responder says that it does not know ``certificate``."""
        return any(
            single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
            for single in self._answers()
            if single.serial_number == certificate.serial_number
        )

    def answers(self, certificate: x509.Certificate) -> bool:
        """Whether an OCSP answer speaks of ``certificate``."""
        return any(single.serial_number == certificate.serial_number for single in self._answers())

    def _answers(self) -> Iterator[ocsp.OCSPSingleResponse]:
        for response in self.ocsp_responses:
            if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
                yield from response.responses


def named(crls: Iterable[x509.CertificateRevocationList]) -> tuple[x509.CertificateRevocationList, ...]:
    """The lists whose issuer can be read; of another list nobody can say that it is a certificate's issuer's."""
    return tuple(crl for crl in crls if _is_named(crl))


def revoking_entry(
    crl: x509.CertificateRevocationList, certificate: x509.Certificate
) -> x509.RevokedCertificate | None:
    """The entry by which a list revokes a certificate of its own issuer; None if it does not (RFC 5280 5.3).

    ``removeFromCRL`` takes a revocation back, an indirect list has entries of other CAs under the same serial
    numbers, and a list of attribute certificates speaks of no other certificates.
    """
    if of_attribute_certificates(crl):
        return None
    point = _extension(crl, x509.IssuingDistributionPoint)
    if point is not None and point.indirect_crl:
        entries = _entries_of(crl, certificate.issuer)
        entry = next((one for one in entries if one.serial_number == certificate.serial_number), None)
    else:
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        return None
    reason = _extension(entry, x509.CRLReason)
    return None if reason is not None and reason.reason is x509.ReasonFlags.remove_from_crl else entry


def is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether a list bears the name of ``issuer`` and was signed with its key; not if either cannot be read."""
    try:
        return crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def revoked_since(entry: x509.RevokedCertificate) -> datetime:
    """When an entry revokes; the first moment that there is, where its date is in no calendar (year 0)."""
    try:
        return entry.revocation_date_utc
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def of_attribute_certificates(crl: x509.CertificateRevocationList) -> bool:
    """Whether a list says that it has attribute certificates only (RFC 5280 5.2.5)."""
    point = _extension(crl, x509.IssuingDistributionPoint)
    return point is not None and point.only_contains_attribute_certs


def _is_named(crl: x509.CertificateRevocationList) -> bool:
    try:
        return bool(crl.issuer.rdns)
    except ValueError:  # a T61String, for one, which pyca does not read
        return False


def _entries_of(crl: x509.CertificateRevocationList, issuer: x509.Name) -> Iterator[x509.RevokedCertificate]:
    """The entries of an indirect list that are of ``issuer``: each says whose it is, or is as the one before."""
    ours = crl.issuer == issuer
    for entry in crl:
        named_issuer = _extension(entry, x509.CertificateIssuer)
        if named_issuer is not None:
            ours = issuer in named_issuer.get_values_for_type(x509.DirectoryName)
        if ours:
            yield entry


def _extension(where: x509.CertificateRevocationList | x509.RevokedCertificate, kind: type[Kind]) -> Kind | None:
    """An extension of a list or an entry; None if it is not there or cannot be read, so that a revocation stands."""
    try:
        return where.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return None
