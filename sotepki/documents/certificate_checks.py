"""Judging the signer's certificate: path to a trusted root, validity at the signing time, revocation."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from sotepki.documents.certificates import is_readable, issuer_among, subject_name
from sotepki.documents.report import VerificationContext
from sotepki.documents.vocabulary import SignatureKind
from sotepki.errors import SotepkiError
from sotepki.evidence import Verdict
from sotepki.x509.path import Purpose, validate_path
from sotepki.x509.status import CertificateState
from sotepki.xmldsig import Judgement


def check_certificate(
    certificate: x509.Certificate,
    kind: SignatureKind | None,
    signed_at: datetime | None,
    context: VerificationContext,
    own: Judgement,
) -> None:
    """Judge the certificate at the claimed signing time and its revocation up to ``context.at``."""
    if not is_readable(certificate):
        own.find("doc.certificate.unreadable", "The names or extensions of the certificate cannot be read.")
        return
    if not context.trust:
        own.find(
            "doc.certificate.no-trust",
            f"The certificate {subject_name(certificate)} was not judged: no root certificate is trusted.",
            settles=False,
        )
        return
    moment = _moment(certificate, signed_at, context, own)
    at_hand = bool(context.crls or context.ocsp_responses) and context.status is None
    _check_path(certificate, kind, moment, context, own, revocation=context.revocation and at_hand)
    if not context.revocation or at_hand:
        return
    if context.status is not None:
        _ask_status(certificate, moment, context, own)
    else:
        _status_unknown("No revocation information was given for the certificate.", own)


def _moment(
    certificate: x509.Certificate, signed_at: datetime | None, context: VerificationContext, own: Judgement
) -> datetime:
    """The moment to judge the path at: the claimed signing time, unless only the present makes sense."""
    if signed_at is None or signed_at > context.at + context.tolerance:
        return context.at
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begin <= signed_at <= end or not begin <= context.at <= end:
        return signed_at
    own.find(
        "doc.certificate.validity",
        "The certificate is valid now, but was not at the time that the signature claims.",
        settles=False,
        expected=f"{begin.isoformat()} to {end.isoformat()}",
        found=signed_at.isoformat(),
    )
    return context.at


def _check_path(
    certificate: x509.Certificate,
    kind: SignatureKind | None,
    at: datetime,
    context: VerificationContext,
    own: Judgement,
    *,
    revocation: bool,
) -> None:
    purpose = Purpose.CARD_SIGNATURE if kind is SignatureKind.PROFESSIONAL else Purpose.SYSTEM_SIGNATURE
    report = validate_path(
        certificate,
        trust=tuple(context.trust),
        intermediates=tuple(context.intermediates),
        at=at,
        purpose=purpose,
        crls=tuple(context.crls),
        ocsp_responses=tuple(context.ocsp_responses),
        revocation=revocation,
    )
    own.take(report.findings, settles=report.verdict is not Verdict.INDETERMINATE)


def _ask_status(
    certificate: x509.Certificate, signed_at: datetime, context: VerificationContext, own: Judgement
) -> None:
    issuer = issuer_among(certificate, (*context.intermediates, *context.trust))
    if issuer is None or context.status is None:
        _status_unknown("The issuer of the certificate is not known, so nobody can be asked about it.", own)
        return
    try:
        status = context.status(certificate, issuer)
    except SotepkiError as error:
        _status_unknown(f"The state of the certificate is not known: {error.sentence}", own)
        return
    serial = f"{certificate.serial_number:x}"
    if status.state is CertificateState.UNKNOWN:
        _status_unknown(f"The CA does not say whether the certificate {serial} is revoked.", own)
    elif status.state is CertificateState.REVOKED:
        later = status.revoked_at is not None and status.revoked_at > signed_at
        since = f" since {status.revoked_at.isoformat()}" if status.revoked_at else ""
        own.find(
            "doc.certificate.revoked-later" if later else "doc.certificate.revoked",
            f"The certificate {serial} is revoked{since}.",
            expected=f"not revoked at {signed_at.isoformat()}",
            found=str(status.reason.value) if status.reason else "revoked",
        )


def _status_unknown(sentence: str, own: Judgement) -> None:
    own.find("doc.certificate.status-unknown", sentence, settles=False)
