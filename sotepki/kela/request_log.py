"""The request log: every refusal with its rules, so that a vendor can read afterwards what a client cannot see.

It holds no personal data: of a certificate only its fingerprint, serial number and issuer, of a message its id and
its sender's OID, of a finding the rule id. Texts of findings may quote documents and are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.evidence import Finding
from sotepki.kela.tables import LoggedRequest

OFFICE = "kela"


class RequestKind(StrEnum):
    """What was asked."""

    ARCHIVE = "archive"
    RETRIEVE = "retrieve"
    HANDSHAKE = "handshake"
    VALIDATE = "validate"


@dataclass(frozen=True)
class RequestEntry:
    """One line of the log; see the module for what it may hold."""

    kind: RequestKind
    outcome: str
    rules: tuple[str, ...]
    message_id: str = ""
    sender: str = ""
    certificate_sha256: str = ""
    certificate_serial: str = ""
    certificate_issuer: str = ""
    reason: str = ""
    at: datetime | None = None
    number: int = 0

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "number": self.number,
            "at": self.at.isoformat() if self.at else "",
            "kind": self.kind.value,
            "outcome": self.outcome,
            "rules": list(self.rules),
            "message_id": self.message_id,
            "sender": self.sender,
            "certificate": {
                "sha256": self.certificate_sha256,
                "serial": self.certificate_serial,
                "issuer": self.certificate_issuer,
            },
            "reason": self.reason,
        }


def entry(
    kind: RequestKind,
    outcome: str,
    findings: Iterable[Finding],
    certificate: x509.Certificate | None,
    *,
    message_id: str = "",
    sender: str = "",
    reason: str = "",
) -> RequestEntry:
    """A line for the log from what a check found."""
    return RequestEntry(
        kind=kind,
        outcome=outcome,
        rules=tuple(dict.fromkeys(finding.rule for finding in findings)),
        message_id=message_id,
        sender=sender,
        certificate_sha256=fingerprint(certificate),
        certificate_serial=f"{certificate.serial_number:x}" if certificate else "",
        certificate_issuer=issuer_name(certificate),
        reason=reason,
    )


def write(session: Session, line: RequestEntry, at: datetime) -> None:
    """Add a line in the caller's transaction."""
    session.add(
        LoggedRequest(
            at=at,
            kind=line.kind.value,
            outcome=line.outcome,
            rules=json.dumps(line.rules),
            message_id=line.message_id,
            sender=line.sender,
            certificate_sha256=line.certificate_sha256,
            certificate_serial=line.certificate_serial,
            certificate_issuer=line.certificate_issuer,
            reason=line.reason,
        )
    )
    session.flush()


def newest(session: Session, count: int) -> Sequence[RequestEntry]:
    """The newest lines, newest first."""
    rows = session.scalars(select(LoggedRequest).order_by(LoggedRequest.number.desc()).limit(count))
    return [
        RequestEntry(
            kind=RequestKind(row.kind),
            outcome=row.outcome,
            rules=tuple(json.loads(row.rules)),
            message_id=row.message_id,
            sender=row.sender,
            certificate_sha256=row.certificate_sha256,
            certificate_serial=row.certificate_serial,
            certificate_issuer=row.certificate_issuer,
            reason=row.reason,
            at=row.at,
            number=row.number,
        )
        for row in rows
    ]


def fingerprint(certificate: x509.Certificate | None) -> str:
    """SHA-256 over the DER, in hex; empty for none."""
    return certificate.fingerprint(hashes.SHA256()).hex() if certificate else ""


def issuer_name(certificate: x509.Certificate | None) -> str:
    """The issuing CA's common name; a CA's name is not personal. A name that cannot be read is empty."""
    if certificate is None:
        return ""
    try:
        names = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""
