"""The rules that THL refuses by."""

from __future__ import annotations

from functools import cache

from sotepki.evidence import RuleBook
from sotepki.resources import package_file


@cache
def thl_rules() -> RuleBook:
    """The rule book of ``rules.yaml``."""
    return RuleBook.load(package_file("thl", "rules.yaml"))
