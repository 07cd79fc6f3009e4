"""The rules of this office, and what makes a finding a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sotepki import documents, xmldsig
from sotepki.errors import SotepkiError
from sotepki.evidence import Finding, RuleBook, Severity
from sotepki.resources import package_file


@cache
def rulebook() -> RuleBook:
    """The rules of Kela's services, read once."""
    files = ("rules.yaml", "rules_archive.yaml", "rules_fhir.yaml", "rules_approvals.yaml")
    return RuleBook.join(RuleBook.load(package_file("kela", name)) for name in files)


@cache
def all_rules() -> RuleBook:
    """The rules of this office with those of documents, frames and XML."""
    return RuleBook.join([rulebook(), documents.rules(), xmldsig.rules()])


def finding_of(error: SotepkiError, *, otherwise: str) -> Finding:
    """The finding that an error of another room stands for, under that room's rule.

    ``otherwise`` is the rule of this office for an error that names none, or one that is not in the books.
    """
    rule = error.rule if error.rule in all_rules().rules else otherwise
    return all_rules().finding(rule, error.sentence, advice=error.advice)


def refusing(findings: Iterable[Finding], by_choice: frozenset[str]) -> tuple[Finding, ...]:
    """The findings that refuse: errors, and those that the settings name in ``refuses_by_choice``."""
    return tuple(f for f in findings if f.severity is Severity.ERROR or f.rule in by_choice)
