"""Whether what a page got from an SCS may be believed, and why: each check by its rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from sotepki.documents import StatusQuestion
from sotepki.errors import Refused, SotepkiError
from sotepki.evidence import Finding, Severity, Verdict, verdict_of
from sotepki.scs.answers import ScsAnswer, answer_rules
from sotepki.scs.selecting import holder_of
from sotepki.x509.path import PathReport, Purpose, validate_path
from sotepki.x509.purposes import key_usages
from sotepki.x509.status import CertificateState

_PURPOSES = {True: Purpose.CARD_SIGNATURE, False: Purpose.CARD_AUTHENTICATION}


@dataclass(frozen=True)
class Asked:
    """What was sent to the service: see ``ScsClient.sign``."""

    content: bytes
    is_digest: bool = False
    hash_name: str = "SHA256"
    wants_signature_key: bool = True


@dataclass(frozen=True)
class Trusted:
    """Whom the relying party trusts; ``status`` asks whether a certificate is revoked."""

    roots: Sequence[x509.Certificate]
    intermediates: Sequence[x509.Certificate] = ()
    status: StatusQuestion | None = None


@dataclass(frozen=True)
class Explanation:
    """The verdict with what was checked (``passed``) and what was found; ``subject`` names the holder."""

    verdict: Verdict
    passed: tuple[str, ...]
    findings: tuple[Finding, ...]
    subject: str = ""
    path: PathReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ``passed`` are rule ids with their texts."""
        return {
            "verdict": str(self.verdict),
            "subject": self.subject,
            "passed": [{"rule": rule, "text": answer_rules()[rule].text} for rule in self.passed],
            "findings": [finding.as_dict() for finding in self.findings],
            "chain": [step.as_dict() for step in self.path.steps] if self.path else [],
        }


def explain(asked: Asked, answer: ScsAnswer, trusted: Trusted, at: datetime) -> Explanation:
    """Judge an answer of any SCS as a careful relying party does."""
    rules = answer_rules()
    if not answer.ok:
        message = f"The SCS answered {answer.reason_code}: {answer.reason_text[:200]}"
        finding = rules.finding("scs.answer.refused", message, expected="ok, 200", found=str(answer.reason_code))
        return Explanation(Verdict.INDETERMINATE, (), (finding,))
    path = validate_path(
        answer.certificate,
        trust=trusted.roots,
        intermediates=(*trusted.intermediates, *answer.chain[1:]),
        at=at,
        purpose=_PURPOSES[asked.wants_signature_key],
        revocation=False,
    )
    findings = [*_signature(asked, answer), *_chain(answer, path)]
    checked = ["scs.answer.signature", "scs.answer.algorithm", "scs.answer.usage", "scs.answer.chain"]
    if trusted.status is not None and path.valid and len(path.chain) > 1:
        checked.append("scs.answer.revoked")
        findings += _status(trusted.status, path)
    broken = {finding.rule for finding in findings}
    if "scs.answer.status-unavailable" in broken:
        checked.remove("scs.answer.revoked")
    return Explanation(
        verdict_of(findings),
        tuple(rule for rule in checked if rule not in broken),
        tuple(findings),
        holder_of(answer.certificate),
        path,
    )


def _signature(asked: Asked, answer: ScsAnswer) -> Iterator[Finding]:
    rules = answer_rules()
    try:
        answer.verify(asked.content, is_digest=asked.is_digest)
    except Refused as refusal:
        yield rules.finding(refusal.rule, refusal.sentence)
    if answer.hash_name != asked.hash_name:
        yield rules.finding(
            "scs.answer.algorithm",
            "The signature was made with another hash algorithm than the page asked for.",
            expected=asked.hash_name,
            found=answer.signature_algorithm[:60],
        )
    wanted = "nonRepudiation" if asked.wants_signature_key else "digitalSignature"
    if wanted not in (key_usages(answer.certificate) or ()):
        yield rules.finding("scs.answer.usage", f"The certificate's key usage lacks {wanted}.", expected=wanted)


def _chain(answer: ScsAnswer, path: PathReport) -> Iterator[Finding]:
    rules = answer_rules()
    errors = [finding for finding in path.findings if finding.severity is Severity.ERROR]
    if errors:
        message = "The certificate is not to be trusted: " + " ".join(finding.message for finding in errors)
        yield rules.finding("scs.answer.chain", message, found=", ".join(finding.rule for finding in errors))
    if len(answer.chain) == 1:
        yield rules.finding("scs.answer.chain-sent", "The service sent the certificate alone, without its issuers.")


def _status(ask: StatusQuestion, path: PathReport) -> Iterator[Finding]:
    rules = answer_rules()
    try:
        status = ask(path.chain[0], path.chain[1])
    except SotepkiError as error:
        message = f"Whether the certificate is revoked is not known: {error.sentence}"
        yield rules.finding("scs.answer.status-unavailable", message)
        return
    if status.state is not CertificateState.GOOD:
        when = f" since {status.revoked_at.isoformat()}" if status.revoked_at else ""
        message = f"The OCSP responder says that the certificate is {status.state}{when}."
        yield rules.finding("scs.answer.revoked", message, expected="good", found=str(status.state))
