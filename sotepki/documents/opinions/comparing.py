"""Asking other verifiers about each signature, and explaining disagreement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.documents.opinions import signxml_verifier, xmlsec1_verifier
from sotepki.documents.opinions.question import Question, Saying
from sotepki.documents.report import DocumentReport, VerificationContext, VerifiedSignature
from sotepki.errors import Misuse
from sotepki.evidence import Finding, Severity, Verdict


class Outcome(StrEnum):
    """What came of asking a verifier; the last two mean that there was no signature to ask it about."""

    ACCEPTS = "accepts"
    REFUSES = "refuses"
    NO_ANSWER = "no-answer"
    UNSIGNED = "unsigned"
    STRUCTURE = "refused-for-structure"


_SAID = {
    Outcome.ACCEPTS: "accepts it",
    Outcome.REFUSES: "refuses it",
    Outcome.NO_ANSWER: "says nothing",
    Outcome.UNSIGNED: "was not asked",
    Outcome.STRUCTURE: "was not asked",
}


@dataclass(frozen=True)
class Opinion:
    """What one verifier says to one signature.

    Attributes:
        signature: its number in the document, from 1; 0 if there was none to ask about.
        outcome: its answer, or why there is none: it is not installed or failed, the document is not signed, or
            sotepki refused the document for its structure before it came to a signature.
        agrees: whether it says of the XML signature what sotepki says; None without an answer.
        reason: its own words when it refuses.
        explanation: why the two differ, or what it does not look at.
    """

    verifier: str
    signature: int
    outcome: Outcome
    agrees: bool | None
    reason: str
    explanation: str

    @property
    def accepts(self) -> bool | None:
        """Whether it accepts the signature; None if it gave no answer, for which see ``outcome``."""
        return {Outcome.ACCEPTS: True, Outcome.REFUSES: False}.get(self.outcome)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "verifier": self.verifier,
            "signature": self.signature,
            "outcome": str(self.outcome),
            "accepts": self.accepts,
            "agrees": self.agrees,
            "reason": self.reason,
            "explanation": self.explanation,
        }

    def text(self) -> str:
        """One line for people."""
        about = f", signature {self.signature}" if self.signature else ""
        return " ".join(filter(None, (f"{self.verifier}{about}: {_SAID[self.outcome]}.", self.reason,
                                      self.explanation)))  # fmt: skip


Verifier = Callable[[Question], Saying]


@cache
def verifiers() -> Mapping[str, Verifier]:
    """The verifiers that can be asked, by name."""
    return {"xmlsec1": xmlsec1_verifier.ask, "signxml": signxml_verifier.ask}


def opinions_of(
    document: bytes, report: DocumentReport, context: VerificationContext, names: Sequence[str]
) -> tuple[Opinion, ...]:
    """The opinions of the named verifiers on every signature of a document; one of each if there is no signature.

    Raises:
        Misuse: there is no verifier of that name.
    """
    unknown = [name for name in names if name not in verifiers()]
    if unknown:
        raise Misuse(f"There is no verifier {unknown[0]!r}; known are {', '.join(verifiers())}.")
    found: list[Opinion] = []
    for name in names:
        if not report.signatures:
            found.append(_nothing_asked(name, report))
        for number, signature in enumerate(report.signatures, start=1):
            saying = verifiers()[name](Question(document, number, signature.certificate, context, report.family))
            found.append(_opinion(name, number, saying, signature, report))
    return tuple(found)


def _nothing_asked(name: str, report: DocumentReport) -> Opinion:
    if any(finding.rule == _UNSIGNED for finding in report.findings):
        return Opinion(name, 0, Outcome.UNSIGNED, None, "", "The document has no signature.")
    form = [finding for finding in report.findings if finding.rule.startswith(_FORM)]
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    sentence = f"sotepki refuses the document for its structure, before any signature: {_rules(form or errors)}."
    return Opinion(name, 0, Outcome.STRUCTURE, None, "", sentence)


def _opinion(name: str, number: int, saying: Saying, signature: VerifiedSignature, report: DocumentReport) -> Opinion:
    if saying.accepts is None:
        return Opinion(name, number, Outcome.NO_ANSWER, None, saying.reason, "")
    outcome = Outcome.ACCEPTS if saying.accepts else Outcome.REFUSES
    agrees = saying.accepts == signature.intact
    return Opinion(name, number, outcome, agrees, saying.reason, _explanation(name, saying, signature, report))


def _explanation(name: str, saying: Saying, signature: VerifiedSignature, report: DocumentReport) -> str:
    ours = [finding for finding in report.findings if finding.severity is not Severity.NOTICE]
    if saying.accepts and signature.intact:
        beyond = [finding for finding in ours if finding.severity is Severity.ERROR]
        if report.verdict is Verdict.VALID or not beyond:
            return ""
        return (
            f"{name} looks at digests, signature value and perhaps the chain; these rules are beyond it: "
            f"{_rules(beyond)}."
        )
    if saying.accepts:
        reasons = [finding for finding in ours if finding.rule.startswith(_FORM)]
        return (
            f"{name} accepts the signature for what it refers to, wherever that stands. sotepki refuses by "
            f"{_rules(reasons or ours) or 'the form of the signature'}: what is covered has to be exactly the body "
            "and the timestamp, in a form that leaves no choice."
        )
    if not signature.intact:
        return ""
    for sign, sentence in saying.known_limits.items():
        if sign.lower() in saying.reason.lower():
            return sentence
    return (
        f"sotepki finds digests and value right; {name} refuses for a reason of its own, often the chain, an "
        "algorithm that its build or policy leaves out, or an identifier attribute that it was not told of."
    )


_UNSIGNED = "doc.signature.missing"
_FORM = ("dsig.", "doc.coverage", "doc.structure", "doc.body", "doc.signature", "xml.")


def _rules(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.rule for finding in findings))
