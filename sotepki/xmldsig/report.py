"""Collecting findings into a verdict that may also stay open."""

from __future__ import annotations

from functools import cache

from lxml import etree

from sotepki.errors import Refused
from sotepki.evidence import Finding, RuleBook, Severity, Verdict
from sotepki.resources import package_file
from sotepki.xmldsig.parsing import path_of


@cache
def rules() -> RuleBook:
    """The rules of this room: ``xml.*`` for reading, ``dsig.*`` for signatures."""
    return RuleBook.load(package_file("xmldsig", "rules.yaml"))


class Judgement:
    """What a check found so far.

    A finding that is an error makes the verdict invalid. A finding may also leave the question open
    (``settles=False``): something could not be examined, and unless an error decides, the verdict is indeterminate.
    Without findings the verdict is valid. A finding for which no place is named is about the element ``about``.
    """

    def __init__(self, book: RuleBook, *, about: etree._Element | None = None) -> None:
        self._book = book
        self._about = about
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
        where: str | None = None,
        advice: str = "",
    ) -> None:
        """Note a breach of ``rule``."""
        if where is None:
            where = "" if self._about is None else path_of(self._about)
        finding = self._book.finding(rule, message, expected=expected, found=found, where=where, advice=advice)
        self._findings.append(finding)
        self._open = self._open or not settles

    def refuse(self, refusal: Refused, *, where: str | None = None) -> None:
        """Note a refusal that ended the examination."""
        self.find(refusal.rule, refusal.sentence, settles=False, where=where, advice=refusal.advice)

    def take(self, findings: tuple[Finding, ...], *, settles: bool = True) -> None:
        """Take over findings of another check."""
        self._findings.extend(findings)
        self._open = self._open or not settles

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._findings)

    @property
    def verdict(self) -> Verdict:
        if any(finding.severity is Severity.ERROR for finding in self._findings):
            return Verdict.INVALID
        return Verdict.INDETERMINATE if self._open else Verdict.VALID
