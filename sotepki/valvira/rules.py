"""The rules that Valvira refuses by: in the registers of rights and in the attribute service."""

from __future__ import annotations

from functools import cache

from sotepki.evidence import RuleBook
from sotepki.resources import package_file


@cache
def valvira_rules() -> RuleBook:
    """The rules of Terhikki and Suosikki, ``rules.yaml``."""
    return RuleBook.load(package_file("valvira", "rules.yaml"))


@cache
def attribute_rules() -> RuleBook:
    """The rules of the role and attribute service, ``rules_attribute.yaml``."""
    return RuleBook.load(package_file("valvira", "rules_attribute.yaml"))
