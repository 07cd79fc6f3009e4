"""The rules that Valvira refuses by."""

from __future__ import annotations

from functools import cache

from sotepki.evidence import RuleBook
from sotepki.resources import package_file


@cache
def valvira_rules() -> RuleBook:
    """The rule book of ``rules.yaml``."""
    return RuleBook.load(package_file("valvira", "rules.yaml"))
