"""Judging one signature of a document: the XML signature, its coverage and its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sotepki.documents.certificate_checks import check_certificate
from sotepki.documents.certificates import signer_certificate
from sotepki.documents.outline import Outline, SignatureEntry, first
from sotepki.documents.people import Parties
from sotepki.documents.report import VerificationContext, VerifiedSignature, all_rules
from sotepki.documents.revocation_checks import Revocation
from sotepki.documents.signer_checks import check_signer
from sotepki.documents.times import read_hl7_time, read_signature_time
from sotepki.documents.vocabulary import SIGNATURE_TYPES, Relation, SignatureKind, hl7
from sotepki.evidence import Finding, Verdict
from sotepki.xmldsig import Judgement, SignatureReport, covers_exactly, path_of, verify_signature

_EARLIEST = datetime(2007, 1, 1, tzinfo=UTC)
_MADE, _RELATED = hl7("effectiveTime"), hl7("relatedDocument")


def judge_signature(
    parts: Outline, known: Parties, entry: SignatureEntry, context: VerificationContext, judgement: Judgement
) -> tuple[VerifiedSignature, tuple[bytes, ...] | None]:
    """Judge one signature into ``judgement``; with it the signed body in pieces, None unless it is intact."""
    own = Judgement(all_rules())
    report = verify_signature(parts.document, entry.signature, filtered=parts.filtered)
    own.take(_named(report, parts, entry), settles=report.verdict is not Verdict.INDETERMINATE)
    intact = _covers(report, parts, entry, own) and report.verdict is Verdict.VALID
    kind, code = _kind(entry, own)
    time = _time(parts, entry, context, own)
    revocation = Revocation()
    signer = signer_certificate(report.certificate) if report.certificate is not None else None
    if signer is not None:
        rule = parts.family.signatures.get(kind) if kind else None
        check_signer(parts, known, signer, rule, time or context.at, context, own)
        revocation = check_certificate(signer, rule, time, context, own)
    judgement.take(own.findings, settles=own.verdict is not Verdict.INDETERMINATE)
    signature = VerifiedSignature(
        verdict=own.verdict,
        kind=kind,
        code=code,
        time=time,
        signer=signer.holder if signer is not None else "",
        certificate=report.certificate,
        method=report.signature_method,
        covered=tuple(covered.path for covered in report.covered),
        intact=intact,
        revocation=revocation.as_dict(),
    )
    pieces = next((c.pieces for c in report.covered if c.element is parts.body), None) if intact else None
    return signature, pieces


def _covers(report: SignatureReport, parts: Outline, entry: SignatureEntry, own: Judgement) -> bool:
    """Whether the signature covers the body and its own timestamp, and nothing else."""
    if covers_exactly(report, (parts.body, entry.timestamp)):
        return True
    if report.covered or report.unresolved:
        forms = " or ".join(one.expression or f"#{parts.body_identifier}" for one in parts.family.references)
        covered = [f"{one.uri or 'XPath'} = {one.path}" for one in report.covered]
        own.find(
            "doc.coverage",
            "The signature does not cover exactly the body and its own timestamp.",
            expected=f"the body ({forms}) and #{entry.timestamp.get('ID') or ''}",
            found=", ".join([*covered, *report.unresolved])[:300],
            where=_path(entry),
        )
    return False


def _named(report: SignatureReport, parts: Outline, entry: SignatureEntry) -> tuple[Finding, ...]:
    """The findings of the XML signature, with the failed digests under the name of what they are of."""
    if not report.findings:
        return ()
    names: Mapping[str, str] = {
        "": "doc.digest.body",
        f"#{parts.body_identifier}": "doc.digest.body",
        f"#{entry.timestamp.get('ID')}": "doc.digest.timestamp",
    }
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
    if moment - context.at > context.tolerance:  # the sum may leave the calendar
        own.find(
            "doc.timestamp.future",
            "signatureTimestamp lies in the future.",
            settles=False,
            expected=f"not after {context.at.isoformat()}",
            found=text[:60],
            where=_path(entry),
        )
    elif moment < _EARLIEST:
        own.find(
            "doc.timestamp.implausible",
            "signatureTimestamp lies before the time of Kanta.",
            settles=False,
            expected=f"not before {_EARLIEST.isoformat()}",
            found=text[:60],
            where=_path(entry),
        )
    _check_age(parts, entry, moment, own)
    return moment


def _check_age(parts: Outline, entry: SignatureEntry, moment: datetime, own: Judgement) -> None:
    """A signature that is older than its document was left over from an earlier version, or the clock was wrong."""
    element = first(parts.top, _MADE)
    made = read_hl7_time(element.get("value") or "") if element is not None else None
    if made is None or made - moment <= timedelta(seconds=1):
        return
    relations = {related.get("typeCode") for related in parts.top.get(_RELATED, ())}
    corrected = Relation.REPLACES.value in relations or parts.version > 1
    own.find(
        "doc.signature.stale" if corrected else "doc.timestamp.before-document",
        "The signature is older than the document that it stands in.",
        expected=f"not before {made.isoformat()}",
        found=moment.isoformat(),
        where=_path(entry),
    )


def _path(entry: SignatureEntry) -> str:
    return path_of(entry.element)
