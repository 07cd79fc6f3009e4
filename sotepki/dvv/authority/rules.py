"""The rules that the certificate authorities refuse by."""

from __future__ import annotations

from functools import cache

from sotepki.errors import Refused
from sotepki.evidence import RuleBook
from sotepki.resources import package_file


@cache
def authority_rules() -> RuleBook:
    """The rule book of ``rules_authority.yaml``."""
    return RuleBook.load(package_file("dvv", "authority", "rules_authority.yaml"))


def refusal(rule_id: str, sentence: str, *, subject: str = "", advice: str = "") -> Refused:
    """A refusal under a rule of this book, with the rule's advice unless a better one is given."""
    return authority_rules().refusal(rule_id, sentence, advice=advice, subject=subject)
