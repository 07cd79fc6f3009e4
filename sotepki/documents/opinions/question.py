"""What another verifier is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from sotepki.documents.report import VerificationContext


@dataclass(frozen=True)
class Question:
    """One signature of a document: its number from 1, and the certificate that sotepki read from it."""

    document: bytes
    signature: int
    certificate: x509.Certificate | None
    context: VerificationContext
    family: str


@dataclass(frozen=True)
class Saying:
    """An answer in the verifier's own words; ``accepts`` is None if it gave none.

    ``known_limits``: what a refusal with these words in it means.
    """

    accepts: bool | None
    reason: str = ""
    known_limits: Mapping[str, str] = field(default_factory=dict)
