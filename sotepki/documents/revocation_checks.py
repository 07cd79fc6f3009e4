"""Whether the signer's certificate, and those of the CAs above it, were revoked at the signing time or are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sotepki.documents.certificates import SignerCertificate, subject_name
from sotepki.documents.report import VerificationContext
from sotepki.documents.standing import Standing
from sotepki.errors import SotepkiError
from sotepki.x509.revocation_data import is_signed_by, is_understood, proved_status, revoked_since, revoking_entry
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState, CertificateStatus
from sotepki.xmldsig import Judgement


@dataclass(frozen=True)
class Revocation:
    """State of the signer's certificate at the signing time and at the moment of verification.

    ``None`` means that nobody was asked.
    """

    at_signing: CertificateState | None = None
    now: CertificateState | None = None

    def as_dict(self) -> dict[str, str]:
        """Plain values, ready for JSON; empty where nobody was asked."""
        return {"at_signing": str(self.at_signing or ""), "now": str(self.now or "")}


_GOOD = Revocation(CertificateState.GOOD, CertificateState.GOOD)
_UNKNOWN = Revocation(CertificateState.UNKNOWN, CertificateState.UNKNOWN)


def ask_status(
    signer: SignerCertificate, signed_at: datetime, context: VerificationContext, own: Judgement
) -> Revocation:
    """Ask ``context.status`` about the certificate and the issuing CAs above it."""
    certificate, standing = signer.certificate, _standing(signer, context)
    issuer = standing.issuer
    if issuer is None or context.status is None:
        status_unknown("The issuer of the certificate is not known, so nobody can be asked about it.", own)
        return _UNKNOWN
    _ask_about_authorities(standing, signed_at, context, own)
    try:
        status = context.status(certificate, issuer)
    except SotepkiError as error:
        status_unknown(f"The state of the certificate is not known: {error.sentence}", own)
        return _UNKNOWN
    if status.state is CertificateState.GOOD:
        return _GOOD
    serial = serial_text(certificate.serial_number)
    if status.state is CertificateState.UNKNOWN:
        status_unknown(f"The CA does not say whether the certificate {serial} is revoked.", own)
        return _UNKNOWN
    later = _later(status, signed_at)
    since = f" since {status.revoked_at.isoformat()}" if status.revoked_at else ""
    own.find(
        "doc.certificate.revoked-later" if later else "doc.certificate.revoked",
        f"The certificate {serial} is revoked{since}.",
        expected=f"not revoked at {signed_at.isoformat()}",
        found=str(status.reason.value) if status.reason else "revoked",
    )
    return Revocation(CertificateState.GOOD if later else CertificateState.REVOKED, CertificateState.REVOKED)


def listed(
    signer: SignerCertificate, signed_at: datetime, context: VerificationContext, own: Judgement, *, sound: bool
) -> Revocation:
    """What the lists and responses at hand say; revocation before the signing time is the path's business.

    Args:
        sound: whether the path was found good with them.
    """
    before = CertificateState.GOOD if sound else CertificateState.UNKNOWN
    moments = [moment for moment in _listed(signer, context) if moment <= context.at]
    if any(moment <= signed_at for moment in moments):
        return Revocation(CertificateState.REVOKED, CertificateState.REVOKED)
    if not moments:
        return Revocation(before, before)
    if sound:
        serial = serial_text(signer.certificate.serial_number)
        own.find(
            "doc.certificate.revoked-later",
            f"The certificate {serial} was revoked after the claimed signing time.",
            expected=f"not revoked at {context.at.isoformat()}",
            found=min(moments).isoformat(),
        )
    return Revocation(before, CertificateState.REVOKED)


def status_unknown(sentence: str, own: Judgement) -> None:
    """Note that it is not known whether the certificate is revoked; the verdict stays open."""
    own.find("doc.certificate.status-unknown", sentence, settles=False)


def _ask_about_authorities(
    standing: Standing, signed_at: datetime, context: VerificationContext, own: Judgement
) -> None:
    for authority, issuer in pairwise(standing.chain_at(signed_at)[1:]):
        try:
            status = context.status(authority, issuer) if context.status else None
        except SotepkiError:
            status = None
        if status is not None and status.state is CertificateState.GOOD:
            continue
        name = subject_name(authority)
        if status is None or status.state is CertificateState.UNKNOWN:
            own.find("doc.certificate.ca-status-unknown", "The state of an issuing CA is not known.", found=name)
        else:
            own.find(
                "doc.certificate.revoked-later" if _later(status, signed_at) else "doc.certificate.ca-revoked",
                f"The issuing CA {name} is revoked.",
                expected=f"not revoked at {signed_at.isoformat()}",
                found=status.revoked_at.isoformat() if status.revoked_at else "revoked",
            )


def _later(status: CertificateStatus, signed_at: datetime) -> bool:
    return status.revoked_at is not None and status.revoked_at > signed_at


def _standing(signer: SignerCertificate, context: VerificationContext) -> Standing:
    return signer.among(tuple(context.trust), tuple(context.intermediates))


def _listed(signer: SignerCertificate, context: VerificationContext) -> Iterator[datetime]:
    """When genuine lists and responses at hand say that the certificate was revoked."""
    certificate, issuer = signer.certificate, _standing(signer, context).issuer
    if issuer is None:
        return
    for crl in context.crls:
        if not is_signed_by(crl, issuer) or not is_understood(crl):
            continue
        entry = revoking_entry(crl, certificate)
        if entry is not None:
            yield revoked_since(entry)
    for response in context.ocsp_responses:
        status = proved_status(response, certificate, issuer, at=None)
        if status is not None and status.revoked_at is not None:
            yield status.revoked_at
