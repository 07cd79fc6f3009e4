"""The ledger of the certificate authorities: serial numbers taken, certificates issued, certificates revoked.

Every function works in a session of the caller, who opens and commits the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from sotepki.dvv.authority.rules import refusal
from sotepki.dvv.authority.tables import AuthorityRow, CertificateRow, RevocationRow, SerialRow
from sotepki.errors import Refused
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState, CertificateStatus

GOOD = CertificateStatus(CertificateState.GOOD)
UNKNOWN = CertificateStatus(CertificateState.UNKNOWN)


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate in the ledger, with its state at the time of looking."""

    authority_id: str
    serial_number: int
    profile: str
    holder: str
    not_before: datetime
    not_after: datetime
    status: CertificateStatus
    der: bytes

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate, decoded."""
        return x509.load_der_x509_certificate(self.der)


def key_id_of(certificate: x509.Certificate) -> str:
    """The subject key identifier of a CA certificate in hexadecimal."""
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def issuer_key_id_of(certificate: x509.Certificate) -> str | None:
    """The authority key identifier of a certificate in hexadecimal, None if it names none."""
    value = readable_extension(certificate, x509.AuthorityKeyIdentifier)
    return value.key_identifier.hex() if value is not None and value.key_identifier else None


def locked_authority(session: Session, authority_id: str) -> AuthorityRow:
    """The row of an authority, held until the transaction ends, so that counters grow one at a time.

    Raises:
        Refused: there is no such authority (``authority.unknown``).
    """
    row = session.get(AuthorityRow, authority_id, with_for_update=True)
    if row is None:
        raise unknown_authority(authority_id)
    return row


def unknown_authority(authority_id: str) -> Refused:
    """The refusal of an authority that is not there."""
    return refusal("authority.unknown", f"There is no certificate authority {authority_id!r}.", subject=authority_id)


def count_serials(session: Session, authority_id: str, count: int) -> int:
    """Move the counter of serial numbers on by ``count`` and give where it stood.

    The row is held until the transaction ends, so that two processes cannot read one count.

    Raises:
        Refused: there is no such authority (``authority.unknown``), or it is closed (``authority.expired``).
    """
    counted = session.execute(
        update(AuthorityRow)
        .where(AuthorityRow.id == authority_id)
        .values(serials_reserved=AuthorityRow.serials_reserved + count)
        .returning(AuthorityRow.serials_reserved, AuthorityRow.closed_at)
        .execution_options(synchronize_session=False)
    ).first()
    if counted is None:
        raise unknown_authority(authority_id)
    if counted.closed_at is not None:
        raise refusal(
            "authority.expired",
            f"The certificate of {authority_id} is revoked, so it issues nothing any more.",
            subject=authority_id,
        )
    return int(counted.serials_reserved) - count


def take_serials(session: Session, authority_id: str, serials: Sequence[int], at: datetime) -> None:
    """Write serial numbers as taken. A number that was taken before breaks the unique key, and the transaction."""
    session.connection().execute(
        insert(SerialRow),
        [{"authority_id": authority_id, "serial": serial_text(serial), "reserved_at": at} for serial in serials],
    )


@dataclass(frozen=True)
class NewCertificate:
    """A certificate that was signed and is to be recorded, with what was put into it."""

    der: bytes
    serial_number: int
    not_before: datetime
    not_after: datetime
    holder: str
    profile: str


def record_certificates(
    session: Session, authority_id: str, issuer_key_id: str, certificates: Sequence[NewCertificate], at: datetime
) -> None:
    """Write certificates that were signed."""
    session.connection().execute(
        insert(CertificateRow),
        [
            {
                "authority_id": authority_id,
                "serial": serial_text(new.serial_number),
                "issuer_key_id": issuer_key_id,
                "profile": new.profile,
                "holder": new.holder,
                "not_before": new.not_before,
                "not_after": new.not_after,
                "issued_at": at,
                "der": new.der,
            }
            for new in certificates
        ],
    )


def find(
    session: Session,
    *,
    serial_number: int | None = None,
    authority_id: str | None = None,
    holder: str | None = None,
) -> list[IssuedCertificate]:
    """The certificates that fit everything given, in the order of issuing."""
    query = (
        select(CertificateRow, RevocationRow)
        .outerjoin(RevocationRow, RevocationRow.certificate_id == CertificateRow.id)
        .order_by(CertificateRow.id)
    )
    if serial_number is not None:
        query = query.where(CertificateRow.serial == serial_text(serial_number))
    if authority_id is not None:
        query = query.where(CertificateRow.authority_id == authority_id)
    if holder is not None:
        query = query.where(CertificateRow.holder == holder)
    return [_issued(row, revocation) for row, revocation in session.execute(query)]


def revocations(
    session: Session, authority_id: str, serial_number: int | None = None
) -> dict[int, CertificateStatus]:
    """The revoked certificates of an authority by serial number; ``serial_number`` asks about one only."""
    query = select(RevocationRow.serial, RevocationRow.revoked_at, RevocationRow.reason).where(
        RevocationRow.authority_id == authority_id
    )
    if serial_number is not None:
        query = query.where(RevocationRow.serial == serial_text(serial_number))
    return {int(serial, 16): _status(revoked_at, reason) for serial, revoked_at, reason in session.execute(query)}


def status_of(session: Session, issuer_key_id: str, serial_number: int) -> CertificateStatus:
    """Good, revoked, or unknown when the ledger holds no such certificate (RFC 6960 2.2)."""
    found = session.execute(
        select(CertificateRow.id, RevocationRow.revoked_at, RevocationRow.reason)
        .outerjoin(RevocationRow, RevocationRow.certificate_id == CertificateRow.id)
        .where(CertificateRow.issuer_key_id == issuer_key_id, CertificateRow.serial == serial_text(serial_number))
    ).first()
    if found is None:
        return UNKNOWN
    return _status(found.revoked_at, found.reason)


def responder_certificate(session: Session, authority_id: str, profile: str, at: datetime) -> bytes | None:
    """The DER of the responder certificate of an authority that lasts longest and is valid and not revoked."""
    revoked = exists().where(RevocationRow.certificate_id == CertificateRow.id)
    return session.scalars(
        select(CertificateRow.der)
        .where(
            CertificateRow.authority_id == authority_id,
            CertificateRow.profile == profile,
            CertificateRow.not_before <= at,
            CertificateRow.not_after >= at,
            ~revoked,
        )
        .order_by(CertificateRow.not_after.desc(), CertificateRow.id.desc())
        .limit(1)
    ).first()


def _issued(row: CertificateRow, revocation: RevocationRow | None) -> IssuedCertificate:
    return IssuedCertificate(
        authority_id=row.authority_id,
        serial_number=int(row.serial, 16),
        profile=row.profile,
        holder=row.holder,
        not_before=row.not_before,
        not_after=row.not_after,
        status=_status(revocation.revoked_at, revocation.reason) if revocation else GOOD,
        der=row.der,
    )


def _status(revoked_at: datetime | None, reason: str | None) -> CertificateStatus:
    if revoked_at is None:
        return GOOD
    return CertificateStatus(CertificateState.REVOKED, revoked_at, x509.ReasonFlags(reason))
