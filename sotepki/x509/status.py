"""The state of a certificate in its CA's records (RFC 6960 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography import x509


class CertificateState(StrEnum):
    """The three answers of OCSP."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CertificateStatus:
    """State of one certificate; ``revoked_at`` and ``reason`` only when revoked."""

    state: CertificateState
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags | None = None


class StatusSource(Protocol):
    """The records that a CRL or an OCSP responder answers from."""

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        """State of a certificate; ``issuer_key_id`` is the subject key identifier of the CA that issued it."""
        ...
