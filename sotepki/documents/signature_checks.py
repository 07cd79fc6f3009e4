"""Judging one signature of a document: the XML signature, its coverage, its time, and who signed with what right."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from sotepki.documents.certificate_checks import check_certificate
from sotepki.documents.certificates import key_usage_of, required_key_usage, subject_serial_number
from sotepki.documents.outline import Outline, SignatureEntry
from sotepki.documents.people import parties
from sotepki.documents.report import VerificationContext, VerifiedSignature, all_rules
from sotepki.documents.times import read_hl7_time, read_signature_time
from sotepki.documents.vocabulary import (
    AUTHENTICATION_METHODS,
    PROFESSIONAL_CERTIFICATE,
    SIGNATURE_TYPES,
    Relation,
    SignatureKind,
    hl7,
)
from sotepki.errors import Refused
from sotepki.evidence import Finding, Verdict
from sotepki.identifiers import RegistrationNumber
from sotepki.xmldsig import Judgement, SignatureReport, covers_exactly, path_of, verify_signature


def judge_signature(
    parts: Outline, entry: SignatureEntry, context: VerificationContext, judgement: Judgement
) -> tuple[VerifiedSignature, bytes | None]:
    """Judge one signature into ``judgement``; with it the signed octets of the body, None unless it is intact."""
    own = Judgement(all_rules())
    report = verify_signature(parts.document, entry.signature)
    own.take(_named(report, parts, entry), settles=report.verdict is not Verdict.INDETERMINATE)
    exact = covers_exactly(report, (parts.body, entry.timestamp))
    if not exact and (report.covered or report.unresolved):
        own.find(
            "doc.coverage",
            "The signature does not cover exactly the body and its own timestamp.",
            expected=f"#{parts.body_identifier}, #{entry.timestamp.get('ID') or ''}",
            found=", ".join([c.uri for c in report.covered] + list(report.unresolved))[:200],
            where=_path(entry),
        )
    intact = exact and report.verdict is Verdict.VALID
    kind, code = _kind(entry, own)
    time = _time(parts, entry, context, own)
    if report.certificate is not None:
        _check_signer(parts, report.certificate, kind, time or context.at, context, own)
        check_certificate(report.certificate, kind, time, context, own)
    judgement.take(own.findings, settles=own.verdict is not Verdict.INDETERMINATE)
    signature = VerifiedSignature(
        verdict=own.verdict,
        kind=kind,
        code=code,
        time=time,
        signer=subject_serial_number(report.certificate) if report.certificate else "",
        certificate=report.certificate,
        method=report.signature_method,
        covered=tuple(covered.path for covered in report.covered),
        intact=intact,
    )
    octets = next((c.octets for c in report.covered if c.element is parts.body), None) if intact else None
    return signature, octets


def _named(report: SignatureReport, parts: Outline, entry: SignatureEntry) -> tuple[Finding, ...]:
    """The findings of the XML signature, with the failed digests under the name of what they are of."""
    names = {f"#{parts.body_identifier}": "doc.digest.body", f"#{entry.timestamp.get('ID')}": "doc.digest.timestamp"}
    sentences = {
        "doc.digest.body": "The body was changed after it was signed.",
        "doc.digest.timestamp": "The signature's timestamp was changed after it was signed.",
    }
    findings: list[Finding] = []
    for finding in report.findings:
        rule = names.get(finding.where) if finding.rule == "dsig.digest" else None
        if rule is not None:
            finding = all_rules().finding(rule, sentences[rule], found=finding.found, where=finding.where)
        findings.append(finding)
    return tuple(findings)


def _kind(entry: SignatureEntry, own: Judgement) -> tuple[SignatureKind | None, str]:
    code, system = entry.description.get("code") or "", entry.description.get("codeSystem") or ""
    if not code or system != SIGNATURE_TYPES:
        own.find(
            "doc.description",
            "signatureDescription has no code of the code system of signature types.",
            expected=SIGNATURE_TYPES,
            found=f"{code[:20]} of {system[:80]}",
            where=_path(entry),
        )
        return None, code
    kind = SignatureKind.of_code(code)
    if kind is None:
        own.find(
            "doc.description.unknown",
            f"The meaning of the signature type {code[:20]} is not public, so the signer cannot be judged.",
            settles=False,
            expected="1, 3 or 4",
            found=code[:20],
            where=_path(entry),
        )
    return kind, code


def _time(parts: Outline, entry: SignatureEntry, context: VerificationContext, own: Judgement) -> datetime | None:
    text = (entry.timestamp.text or "") if len(entry.timestamp) == 0 else ""
    moment = read_signature_time(text)
    if moment is None:
        own.find(
            "doc.timestamp.form",
            "signatureTimestamp is not an xs:dateTime with a time zone.",
            settles=False,
            found=text[:60],
            where=_path(entry),
        )
        return None
    if moment > context.at + context.tolerance:
        own.find(
            "doc.timestamp.future",
            "signatureTimestamp lies in the future.",
            settles=False,
            expected=f"not after {context.at.isoformat()}",
            found=text[:60],
            where=_path(entry),
        )
    _check_age(parts, entry, moment, own)
    return moment


def _check_age(parts: Outline, entry: SignatureEntry, moment: datetime, own: Judgement) -> None:
    """A signature that is older than its document was left over from an earlier version, or the clock was wrong."""
    element = parts.root.find(hl7("effectiveTime"))
    made = read_hl7_time(element.get("value") or "") if element is not None else None
    if made is None or moment + timedelta(seconds=1) >= made:
        return
    relations = {related.get("typeCode") for related in parts.root.findall(hl7("relatedDocument"))}
    corrected = Relation.REPLACES.value in relations or parts.version > 1
    own.find(
        "doc.signature.stale" if corrected else "doc.timestamp.before-document",
        "The signature is older than the document that it stands in.",
        expected=f"not before {made.isoformat()}",
        found=moment.isoformat(),
        where=_path(entry),
    )


def _check_signer(
    parts: Outline,
    certificate: x509.Certificate,
    kind: SignatureKind | None,
    at: datetime,
    context: VerificationContext,
    own: Judgement,
) -> None:
    if kind is None:
        return
    usage, required = key_usage_of(certificate), required_key_usage(kind)
    if usage != required:
        own.find(
            "doc.key-usage",
            f"The certificate's key usage does not fit a {kind} signature.",
            expected=", ".join(sorted(required)),
            found=", ".join(sorted(usage)) or "none",
        )
    holder = subject_serial_number(certificate)
    if kind is SignatureKind.PROFESSIONAL:
        _check_professional(parts, holder, at, context, own)
    elif kind is SignatureKind.SYSTEM:
        custodian = parties(parts).custodian
        if not holder or holder != custodian:
            own.find(
                "doc.organisation",
                "The system signature is not of the organisation that keeps the document.",
                expected=custodian,
                found=holder,
            )


def _check_professional(
    parts: Outline, holder: str, at: datetime, context: VerificationContext, own: Judgement
) -> None:
    known = parties(parts)
    for place, numbers in (("author id", known.authors), ("assignedAuthorSigner", known.signer.registration_numbers)):
        if not numbers:
            own.find(
                "doc.registration-number.missing", f"The {place} carries no registration number.", expected=holder
            )
        elif holder not in numbers:
            own.find(
                "doc.registration-number",
                f"The registration number of the certificate is not that of the {place}.",
                expected=holder,
                found=", ".join(numbers)[:120],
            )
    block = known.signer
    if not block.complete or (PROFESSIONAL_CERTIFICATE, AUTHENTICATION_METHODS) not in block.authentication_methods:
        own.find("doc.signer-block", "The professional's signature metadata is not complete.")
    if context.rights is None:
        return
    try:
        in_force = context.rights.rights_in_force(RegistrationNumber.parse(holder), at)
    except Refused as refusal:
        own.find("doc.right", f"The certificate names no professional: {refusal.sentence}", found=holder[:40])
        return
    if not in_force:
        own.find(
            "doc.right",
            f"The professional {holder} had no right in force when the document was signed.",
            expected=f"a right in force at {at.isoformat()}",
            found="none",
        )


def _path(entry: SignatureEntry) -> str:
    return path_of(entry.element)
