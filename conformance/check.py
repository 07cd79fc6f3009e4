"""What a case judges with: requirements are held against things, and what is seen is kept as evidence."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.declaring import Case
from conformance.describing import certificate_text, mask_identity_codes
from conformance.requirements import Requirement, RequirementRegister
from conformance.sut.facets import Skipped
from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Judgment, verdict_from
from sotepki.errors import Fault
from sotepki.evidence import Finding, Severity

_MOST_EVIDENCE = 24
_WEIGHT = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class Check:
    """Collects the judgments and the evidence of one case. Nothing here stops the case; ``skip`` does."""

    def __init__(self, declared: Case, register: RequirementRegister) -> None:
        self.case = declared
        self._register = register
        self._judgments: list[Judgment] = []
        self._evidence: list[Evidence] = []

    def that(
        self,
        requirement_id: str,
        met: bool,
        message: str,
        *,
        subject: str = "",
        expected: str = "",
        found: str = "",
        advice: str = "",
    ) -> bool:
        """Hold one requirement against one observation; ``message`` says what is wrong if it is not met.

        A breach weighs what the evidence for the requirement allows.
        """
        requirement = self._requirement(requirement_id)
        finding = None
        if not met:
            finding = Finding(
                rule=requirement.id,
                severity=requirement.ceiling,
                message=message,
                expected=expected,
                found=found,
                source=requirement.source,
                grade=requirement.grade,
                advice=advice or requirement.advice,
                where=subject,
            )
        self._judgments.append(Judgment(requirement.id, met, subject, finding))
        return met

    def rules(self, requirement_id: str, findings: Iterable[Finding], *, subject: str) -> bool:
        """Hold a requirement against the findings of the package's own checks.

        Findings under the requirement's ``rules`` break it; a notice does not. Each weighs the lesser of its own
        severity and what the evidence for the requirement allows.
        """
        requirement = self._requirement(requirement_id)
        if not requirement.rules:
            raise Fault(f"The requirement {requirement_id} names no rules, so no finding can break it.")
        broken = self.broken_by(requirement_id, findings)
        for finding in broken:
            severity = min(finding.severity, requirement.ceiling, key=_WEIGHT.__getitem__)
            weighed = Finding(
                rule=finding.rule,
                severity=severity,
                message=finding.message,
                expected=finding.expected,
                found=finding.found,
                source=finding.source,
                grade=finding.grade,
                advice=finding.advice or requirement.advice,
                where=": ".join(part for part in (subject, finding.where) if part),
            )
            self._judgments.append(Judgment(requirement.id, False, subject, weighed))
        if not broken:
            self._judgments.append(Judgment(requirement.id, True, subject))
        return not broken

    def broken_by(self, requirement_id: str, findings: Iterable[Finding]) -> list[Finding]:
        """Those of the package's findings that break a requirement."""
        rules = self._requirement(requirement_id).rules
        return [f for f in findings if f.rule in rules and f.severity is not Severity.NOTICE]

    def skip(self, reason: str) -> None:
        """End the case: it does not apply, for ``reason`` (one sentence)."""
        raise Skipped(reason)

    def show(self, title: str, data: bytes | str, media_type: str = "text/plain") -> None:
        """Keep something as evidence; identity codes outside the 900-series are masked first.

        A case keeps a limited number of pieces; a note says that more were left out.
        """
        if len(self._evidence) >= _MOST_EVIDENCE:
            self._evidence[_MOST_EVIDENCE - 1] = Evidence.of("more", "Further pieces of evidence were left out here.")
            return
        self._evidence.append(Evidence.of(title, mask_identity_codes(data), media_type))

    def show_certificate(self, title: str, certificate: x509.Certificate) -> None:
        """Keep a certificate as evidence: decoded, with its PEM form."""
        pem = certificate.public_bytes(Encoding.PEM).decode()
        self.show(title, f"{certificate_text(certificate)}\n\n{pem}", "application/x-pem-file")

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(self._evidence)

    def result(self, milliseconds: int) -> CaseResult:
        """The outcome of a case that ran to its end.

        A case that left one of its requirements unjudged has not shown anything: that is an error of the suite.
        """
        verdict = verdict_from(self._judgments)
        reason = next((j.finding.message for j in self._by_weight() if j.finding), "")
        unjudged = [r for r in self.case.requirements if r not in {j.requirement for j in self._judgments}]
        if unjudged and verdict is not CaseVerdict.FAIL:
            verdict, reason = CaseVerdict.ERROR, f"The case did not judge its requirement {unjudged[0]}."
        advice = dict.fromkeys(j.finding.advice for j in self._by_weight() if j.finding and j.finding.advice)
        return CaseResult(
            case=self.case.id,
            verdict=verdict,
            reason=reason,
            judgments=tuple(self._judgments),
            evidence=self.evidence,
            advice=tuple(advice),
            milliseconds=milliseconds,
        )

    def failed(self, message: str, advice: str) -> None:
        """Break every requirement of the case: the system gave no usable answer."""
        for requirement_id in self.case.requirements:
            self.that(requirement_id, False, message, advice=advice)

    def _by_weight(self) -> list[Judgment]:
        broken = [j for j in self._judgments if j.finding is not None]
        return sorted(broken, key=lambda j: -_WEIGHT[j.finding.severity] if j.finding else 0)

    def _requirement(self, requirement_id: str) -> Requirement:
        if requirement_id not in self.case.requirements:
            raise Fault(f"The case {self.case.id} judges {requirement_id}, which it does not name.")
        return self._register[requirement_id]
