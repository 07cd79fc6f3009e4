"""A vendor's information system, small but whole: log in by card, write, sign, send to Kanta.

Written to be read; docs/reference-system.md walks through it. It stands outside the offices and uses them as any
vendor's system does: SCS in the browser, OCSP over HTTP, Kanta over mutual TLS, registers by their interfaces.
"""

from sotepki.reference_system.application import ReferenceSystem
from sotepki.reference_system.audit import AuditLog
from sotepki.reference_system.surroundings import Surroundings

__all__ = ["AuditLog", "ReferenceSystem", "Surroundings"]
