"""Collecting findings into a verdict that may also stay open."""

from __future__ import annotations

from functools import cache

from sotepki.errors import Refused
from sotepki.evidence import Finding, RuleBook, Severity, Verdict
from sotepki.resources import package_file


@cache
def rules() -> RuleBook:
    """The rules of this room: ``xml.*`` for reading, ``dsig.*`` for signatures."""
    return RuleBook.load(package_file("xmldsig", "rules.yaml"))


class Judgement:
    """What a check found so far.

    A finding that is an error makes the verdict invalid. A finding may also leave the question open
    (``settles=False``): something could not be examined, and unless an error decides, the verdict is indeterminate.
    Without findings the verdict is valid.
    """

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._findings: list[Finding] = []
        self._open = False

    def find(
        self,
        rule: str,
        message: str,
        *,
        settles: bool = True,
        expected: str = "",
        found: str = "",
        where: str = "",
        advice: str = "",
    ) -> None:
        """Note a breach of ``rule``."""
        finding = self._book.finding(rule, message, expected=expected, found=found, where=where, advice=advice)
        self._findings.append(finding)
        self._open = self._open or not settles

    def refuse(self, refusal: Refused, *, where: str = "") -> None:
        """Note a refusal that ended the examination."""
        self.find(refusal.rule, refusal.sentence, settles=False, where=where, advice=refusal.advice)

    def take(self, findings: tuple[Finding, ...], *, settles: bool = True) -> None:
        """Take over findings of another check."""
        self._findings.extend(findings)
        self._open = self._open or not settles

    def leave_open(self) -> None:
        """Something could not be examined, and another finding already says what."""
        self._open = True

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._findings)

    @property
    def verdict(self) -> Verdict:
        if any(finding.severity is Severity.ERROR for finding in self._findings):
            return Verdict.INVALID
        return Verdict.INDETERMINATE if self._open else Verdict.VALID
