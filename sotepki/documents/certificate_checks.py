"""Judging the signer's certificate: profile, path to a trusted root, validity at the signing time, revocation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sotepki.documents.certificates import SignerCertificate, subject_name
from sotepki.documents.family import SignatureRule
from sotepki.documents.report import VerificationContext
from sotepki.documents.revocation_checks import Revocation, ask_status, listed, status_unknown
from sotepki.evidence import Severity, Verdict
from sotepki.x509.chains import in_time
from sotepki.x509.lint import lint_certificate
from sotepki.x509.path import Purpose, validate_path
from sotepki.xmldsig import Judgement

_CARD_USAGE = frozenset({"nonRepudiation"})


def check_certificate(
    signer: SignerCertificate,
    rule: SignatureRule | None,
    signed_at: datetime | None,
    context: VerificationContext,
    own: Judgement,
) -> Revocation:
    """Judge the certificate at the claimed signing time and its revocation up to ``context.at``."""
    certificate = signer.certificate
    if not signer.readable:
        own.find("doc.certificate.unreadable", "The names or extensions of the certificate cannot be read.")
        return Revocation()
    if context.profiles and rule is not None:
        _check_profile(signer, rule, own)
    if not context.trust:
        own.find(
            "doc.certificate.no-trust",
            f"The certificate {subject_name(certificate)} was not judged: no root certificate is trusted.",
            settles=False,
        )
        return Revocation()
    moment = _moment(certificate, signed_at, context, own)
    at_hand = bool(context.crls or context.ocsp_responses) and context.status is None
    sound = _check_path(
        signer, _purpose(signer, rule), moment, context, own, revocation=context.revocation and at_hand
    )
    if not context.revocation:
        return Revocation()
    if at_hand:
        return listed(signer, moment, context, own, sound=sound)
    if context.status is not None:
        return ask_status(signer, moment, context, own)
    status_unknown("No revocation information was given for the certificate.", own)
    return Revocation()


def _purpose(signer: SignerCertificate, rule: SignatureRule | None) -> Purpose:
    """What the certificate is to be for; where the kind of signature is not known, what it says itself."""
    usage = rule.key_usage if rule is not None else signer.key_usage
    return Purpose.CARD_SIGNATURE if usage == _CARD_USAGE else Purpose.SYSTEM_SIGNATURE


def _moment(
    certificate: x509.Certificate, signed_at: datetime | None, context: VerificationContext, own: Judgement
) -> datetime:
    """The moment to judge the path at: the claimed signing time, unless only the present makes sense."""
    if signed_at is None or signed_at - context.at > context.tolerance:  # the sum may leave the calendar
        return context.at
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if in_time(certificate, signed_at) or not in_time(certificate, context.at):
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
    signer: SignerCertificate,
    purpose: Purpose,
    at: datetime,
    context: VerificationContext,
    own: Judgement,
    *,
    revocation: bool,
) -> bool:
    """Judge the path; whether nothing was found."""
    trust, intermediates = tuple(context.trust), tuple(context.intermediates)
    if not revocation:
        period = signer.among(trust, intermediates).good_period(purpose)
        if period is not None and period[0] <= at <= period[1]:
            return True
    report = validate_path(
        signer.certificate,
        trust=trust,
        intermediates=intermediates,
        at=at,
        purpose=purpose,
        crls=tuple(context.crls),
        ocsp_responses=tuple(context.ocsp_responses),
        revocation=revocation,
    )
    own.take(report.findings, settles=report.verdict is not Verdict.INDETERMINATE)
    return report.verdict is Verdict.VALID


def _check_profile(signer: SignerCertificate, rule: SignatureRule, own: Judgement) -> None:
    """Compare the certificate with the national profiles for this kind of signature."""
    likeness = _likeness(signer)
    if not any(profile in rule.profiles for profile in likeness.profiles):
        own.find(
            "doc.certificate.profile",
            f"The certificate is not of a profile for a {rule.kind} signature.",
            expected=", ".join(rule.profiles),
            found=", ".join(likeness.profiles) or "no known profile",
        )
    elif likeness.breaches:
        own.find(
            "doc.certificate.profile-breach",
            f"The certificate differs from its profile {likeness.profiles[0]}.",
            found=", ".join(likeness.breaches)[:300],
        )


@dataclass(frozen=True)
class _Likeness:
    """The profiles that a certificate is taken for, and the rules of the first one that it breaks."""

    profiles: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def _likeness(signer: SignerCertificate) -> _Likeness:
    """The linter's answer; remembered, since archives hold many documents of one signer."""
    try:
        report = lint_certificate(signer.certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return _Likeness()
    if report.profile_id is None:
        return _Likeness()
    breaches = dict.fromkeys(f.rule for f in report.findings if f.severity in (Severity.ERROR, Severity.WARNING))
    return _Likeness((report.profile_id, *report.also), tuple(breaches))
