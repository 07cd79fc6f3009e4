"""Revoking: once, for good, for a reason that is in use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from sotepki.dvv.authority import ledger
from sotepki.dvv.authority.certification import OFFICE
from sotepki.dvv.authority.plan import HierarchyPlan, HolderKind
from sotepki.dvv.authority.reasons import RevocationReason
from sotepki.dvv.authority.rules import refusal
from sotepki.dvv.authority.tables import AuthorityRow, CertificateRow, RevocationRow
from sotepki.records import Records, Transaction
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState, CertificateStatus

CertificateReference = x509.Certificate | tuple[str, int]
"""A certificate, or the id of its authority and its serial number."""

_NEVER = frozenset({x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl})


def revoke(
    records: Records,
    plan: HierarchyPlan,
    reasons: Mapping[str, RevocationReason],
    reference: CertificateReference,
    *,
    reason: x509.ReasonFlags,
    actor: str,
) -> CertificateStatus:
    """Revoke a certificate and give its new state.

    Raises:
        Refused: ``revocation.unknown-certificate``, ``revocation.final`` (it is revoked already),
            ``revocation.no-hold``, ``revocation.reason``, ``revocation.expired``.
    """
    if reason in _NEVER:
        raise refusal("revocation.no-hold", f"The reason {reason.value} is not offered.")
    with records.change(OFFICE, actor) as tx:
        row = _row(tx, reference)
        kind = holder_kind(plan, row.authority_id, row.profile)
        if not any(known.reason is reason and kind in known.kinds for known in reasons.values()):
            raise refusal(
                "revocation.reason",
                f"The reason {reason.value} is not in use for a {kind} certificate.",
                subject=row.serial,
            )
        earlier = tx.session.get(RevocationRow, row.id)
        if earlier is not None:
            raise refusal(
                "revocation.final",
                f"The certificate {row.serial} was revoked on {_day(earlier.revoked_at)} ({earlier.reason}).",
                subject=row.serial,
            )
        if row.not_after < tx.now:
            raise refusal(
                "revocation.expired",
                f"The certificate {row.serial} ended on {_day(row.not_after)}.",
                subject=row.serial,
            )
        _write(tx, row, reason)
        return CertificateStatus(CertificateState.REVOKED, tx.now, reason)


def holder_kind(plan: HierarchyPlan, authority_id: str, profile: str) -> HolderKind:
    """What kind of holder a certificate of this authority and profile has."""
    if profile in plan.responders.profiles:
        return HolderKind.AUTHORITY
    return plan.authorities[authority_id].holders


def _row(tx: Transaction, reference: CertificateReference) -> CertificateRow:
    query = select(CertificateRow).with_for_update()
    if isinstance(reference, x509.Certificate):
        serial_number = reference.serial_number
        query = query.where(CertificateRow.issuer_key_id == (ledger.issuer_key_id_of(reference) or ""))
    else:
        authority_id, serial_number = reference
        if tx.session.get(AuthorityRow, authority_id) is None:
            raise ledger.unknown_authority(authority_id)
        query = query.where(CertificateRow.authority_id == authority_id)
    serial = serial_text(serial_number)
    row = tx.session.scalars(query.where(CertificateRow.serial == serial)).one_or_none()
    if row is None:
        raise refusal(
            "revocation.unknown-certificate",
            f"No certificate with the serial number {serial} was issued here.",
            subject=serial,
        )
    if isinstance(reference, x509.Certificate) and reference.public_bytes(Encoding.DER) != row.der:
        raise refusal(
            "revocation.unknown-certificate",
            f"The certificate bears the serial number {serial} of another one and was not issued here.",
            subject=serial,
        )
    return row


def _write(tx: Transaction, row: CertificateRow, reason: x509.ReasonFlags) -> None:
    tx.session.add(
        RevocationRow(
            certificate_id=row.id,
            authority_id=row.authority_id,
            serial=row.serial,
            expires_at=row.not_after,
            revoked_at=tx.now,
            reason=reason.value,
        )
    )
    closed = tx.session.scalars(select(AuthorityRow).where(AuthorityRow.der == row.der)).one_or_none()
    if closed is not None:
        closed.closed_at = tx.now
    tx.journal("certificate-revoked", row.serial, authority=row.authority_id, holder=row.holder, reason=reason.value)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
