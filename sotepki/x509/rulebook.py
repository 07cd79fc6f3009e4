"""The rules of this room that no single profile owns: ``rules.yaml``."""

from __future__ import annotations

import functools

from sotepki.evidence import RuleBook
from sotepki.resources import package_file


@functools.cache
def rulebook() -> RuleBook:
    """The rules ``cert.*``, ``csr.*``, ``crl.*``, ``ocsp.*`` and ``path.*``; profile rows are rules of their own."""
    return RuleBook.load(package_file("x509", "rules.yaml"))
