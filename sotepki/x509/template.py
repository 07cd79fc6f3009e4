"""What a CA is asked to certify, before profile and issuer add the rest (as ``CertTemplate`` in RFC 4211 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sotepki.x509.extensions import AlternativeNames, PublicKey


@dataclass(frozen=True)
class CertificateTemplate:
    """The part of a certificate that differs from one holder to the next.

    ``subject`` has values by attribute name (``sotepki.x509.names.ATTRIBUTES``). ``not_before`` and ``not_after`` are
    aware and whole seconds. ``extended_key_usage`` has short names; empty takes the profile's default.
    """

    subject: Mapping[str, str]
    public_key: PublicKey
    serial_number: int
    not_before: datetime
    not_after: datetime
    names: AlternativeNames
    extended_key_usage: tuple[str, ...]
