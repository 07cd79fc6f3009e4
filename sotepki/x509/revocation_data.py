"""The revocation lists and OCSP answers that a path is judged by, and what they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, CRLEntryExtensionOID, ExtensionOID

from sotepki.errors import Refused
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.list_memory import ListMemory
from sotepki.x509.ocsp_client import kept_status
from sotepki.x509.status import CertificateState, CertificateStatus

Kind = TypeVar("Kind", bound=x509.ExtensionType)


@dataclass(frozen=True, eq=False)
class RevocationData:
    """Revocation lists and OCSP answers as they came; each question says what it verifies of them.

    Attributes:
        set_aside: lists that may not be used (``is_understood``).
    """

    crls: tuple[x509.CertificateRevocationList, ...] = ()
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = ()
    set_aside: tuple[x509.CertificateRevocationList, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.crls or self.ocsp_responses)

    def covers(self, links: Sequence[tuple[x509.Certificate, x509.Certificate]]) -> bool:
        """Whether there is something about every certificate of ``links``, and about one at least.

        Each comes with its issuer, and only what the issuer answers for counts: a stranger's list in its name is no
        reason to ask the judge for more than it has. Whether it is current, the judge says.
        """
        return bool(links) and all(
            any(is_signed_by(crl, issuer) for crl in self.crls) or bool(self._proved(one, issuer, None))
            for one, issuer in links
        )

    def revoked_only_later(self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
        """Whether an OCSP answer proves that a certificate was revoked after ``at``, and none that it was before.

        Then it was good at ``at``, as with a list that says so; the library behind ``judge`` does not draw the
        conclusion from an answer.
        """
        revoked = [
            status.revoked_at
            for status in self._proved(certificate, issuer, at)
            if status.state is CertificateState.REVOKED and status.revoked_at is not None
        ]
        return bool(revoked) and min(revoked) > at

    def _proved(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime | None
    ) -> list[CertificateStatus]:
        if not self.ocsp_responses or not names_responder(certificate):
            return []
        found = (proved_status(response, certificate, issuer, at=at) for response in self.ocsp_responses)
        return [status for status in found if status is not None]

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


def is_understood(crl: x509.CertificateRevocationList) -> bool:
    """Whether a list has no critical extension that is not known here, not in any entry either.

    Otherwise it may say something that we do not see, so it says nothing of any certificate (RFC 5280 5.2, 5.3).
    """
    return _understood.of(crl, None, lambda: not _has_unknown_extension(crl))


def revocation_data(
    crls: Iterable[x509.CertificateRevocationList], ocsp_responses: Iterable[ocsp.OCSPResponse]
) -> RevocationData:
    """What there is to judge a path by."""
    understood: dict[bool, list[x509.CertificateRevocationList]] = {True: [], False: []}
    for crl in named(crls):
        understood[is_understood(crl)].append(crl)
    return RevocationData(tuple(understood[True]), tuple(ocsp_responses), tuple(understood[False]))


def names_responder(certificate: x509.Certificate) -> bool:
    """Whether authorityInfoAccess names an OCSP responder; of other certificates the judge reads no answers."""
    access = readable_extension(certificate, x509.AuthorityInformationAccess) or ()
    return any(one.access_method == AuthorityInformationAccessOID.OCSP for one in access)


def proved_status(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate, *, at: datetime | None
) -> CertificateStatus | None:
    """What a kept OCSP answer proves of a certificate (``kept_status``); None if it is about another one or is not to
    be believed.
    """
    try:
        return kept_status(response, certificate, issuer, at=at)
    except Refused:
        return None


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
        return crl.issuer == issuer.subject and _signed.of(crl, issuer, lambda: _verifies(crl, issuer))
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


def speaks_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Whether a certificate of a list's own issuer would stand on the list if it were revoked (RFC 5280 6.3.3).

    It need not stand on a delta, on a list of some reasons only, nor on one of other certificates or of another
    distribution point; a list whose scope cannot be read promises nothing.
    """
    try:
        said = [extension.value for extension in crl.extensions]
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return False
    if any(isinstance(value, x509.DeltaCRLIndicator) for value in said):
        return False
    point = next((value for value in said if isinstance(value, x509.IssuingDistributionPoint)), None)
    return point is None or _is_within(point, certificate)


_signed: ListMemory[bool] = ListMemory()
_understood: ListMemory[bool] = ListMemory()

_KNOWN_OF_LISTS = frozenset(
    {
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.DELTA_CRL_INDICATOR,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    }
)
_KNOWN_OF_ENTRIES = frozenset(
    {
        CRLEntryExtensionOID.CERTIFICATE_ISSUER,
        CRLEntryExtensionOID.CRL_REASON,
        CRLEntryExtensionOID.INVALIDITY_DATE,
        x509.ObjectIdentifier("2.5.29.23"),  # holdInstructionCode, which pyca has no name for
    }
)
_CRITICAL = b"\x01\x01\xff\x04"
"""The end of a critical extension's head in DER: TRUE, and the octet string that follows."""


def _has_unknown_extension(crl: x509.CertificateRevocationList) -> bool:
    critical = _critical(crl)
    if not critical <= _KNOWN_OF_LISTS:
        return True
    # Reading a million entries takes seconds, searching their octets for one critical extension does not.
    if crl.public_bytes(Encoding.DER).count(_CRITICAL) <= len(critical):
        return False
    return any(not _critical(entry) <= _KNOWN_OF_ENTRIES for entry in crl)


def _critical(where: x509.CertificateRevocationList | x509.RevokedCertificate) -> set[x509.ObjectIdentifier]:
    """The critical extensions of a list or an entry; none where they cannot be read, so that a revocation stands."""
    try:
        return {extension.oid for extension in where.extensions if extension.critical}
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return set()


def _verifies(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]


def _is_within(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    constraints = readable_extension(certificate, x509.BasicConstraints)
    of_authority = constraints is not None and constraints.ca
    if point.only_contains_attribute_certs or point.only_some_reasons:
        return False
    if point.only_contains_user_certs if of_authority else point.only_contains_ca_certs:
        return False
    places = {*(point.full_name or ()), *([point.relative_name] if point.relative_name else ())}
    own = readable_extension(certificate, x509.CRLDistributionPoints) or ()
    named_places = {name for one in own for name in (*(one.full_name or ()), one.relative_name)}
    return not places or bool(places & named_places)


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
