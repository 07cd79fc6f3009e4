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
from functools import lru_cache
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from sotepki.evidence import Finding
from sotepki.kela.tables import LoggedRequest, RefusedCertificate
from sotepki.records import Transaction
from sotepki.x509.serials import serial_text

OFFICE = "kela"

_INSERT = insert(cast(Table, LoggedRequest.__table__))

REFUSALS = ("AE", "AR", "refused", "invalid", "indeterminate")


class RequestKind(StrEnum):
    """What was asked."""

    ARCHIVE = "archive"
    RETRIEVE = "retrieve"
    HANDSHAKE = "handshake"
    VALIDATE = "validate"
    FHIR = "fhir"


@dataclass(frozen=True)
class RequestEntry:
    """One line of the log; see the module for what it may hold."""

    kind: RequestKind
    outcome: str
    rules: tuple[str, ...]
    environment: str = ""
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
            "environment": self.environment,
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
    environment: str = "",
    message_id: str = "",
    sender: str = "",
    reason: str = "",
) -> RequestEntry:
    """A line for the log from what a check found."""
    sha256, serial, issuer = _identified(certificate)
    return RequestEntry(
        kind=kind,
        outcome=outcome,
        rules=tuple(dict.fromkeys(finding.rule for finding in findings)),
        environment=environment,
        message_id=message_id,
        sender=sender,
        certificate_sha256=sha256,
        certificate_serial=serial,
        certificate_issuer=issuer,
        reason=reason,
    )


def write(session: Session, lines: Sequence[RequestEntry], at: datetime) -> None:
    """Add lines in the caller's transaction."""
    session.connection().execute(
        _INSERT,
        [
            {
                "environment": line.environment,
                "at": at,
                "kind": line.kind.value,
                "outcome": line.outcome,
                "rules": json.dumps(line.rules),
                "message_id": line.message_id,
                "sender": line.sender,
                "certificate_sha256": line.certificate_sha256,
                "certificate_serial": line.certificate_serial,
                "certificate_issuer": line.certificate_issuer,
                "reason": line.reason,
            }
            for line in lines
        ],
    )


def note(tx: Transaction, line: RequestEntry) -> None:
    """Note a request in the journal, in the name of who sent it."""
    tx.actor = _actor(line)
    tx.journal(
        f"{line.kind.value} request logged",
        line.message_id or "request without message id",
        environment=line.environment,
        outcome=line.outcome,
        rules=" ".join(line.rules),
    )


def keep_certificate(session: Session, certificate: x509.Certificate, at: datetime) -> None:
    """Keep a refused certificate, the first time that it is seen."""
    digest = fingerprint(certificate)
    if session.get(RefusedCertificate, digest) is None:
        der = certificate.public_bytes(Encoding.DER)
        session.add(RefusedCertificate(sha256=digest, der=der, first_seen=at))
        session.flush()


def kept_certificate(session: Session, digest: str) -> x509.Certificate | None:
    """A refused certificate by its fingerprint."""
    row = session.get(RefusedCertificate, digest)
    return x509.load_der_x509_certificate(row.der) if row else None


def newest(
    session: Session, count: int, *, environment: str = "", kind: RequestKind | None = None, refused: bool = False
) -> Sequence[RequestEntry]:
    """The newest lines, newest first; of one environment, of one kind, or only refusals."""
    query = select(LoggedRequest).order_by(LoggedRequest.number.desc()).limit(count)
    if environment:
        query = query.where(LoggedRequest.environment == environment)
    if kind is not None:
        query = query.where(LoggedRequest.kind == kind.value)
    if refused:
        query = query.where(LoggedRequest.outcome.in_(REFUSALS))
    return [
        RequestEntry(
            kind=RequestKind(row.kind),
            outcome=row.outcome,
            rules=tuple(json.loads(row.rules)),
            environment=row.environment,
            message_id=row.message_id,
            sender=row.sender,
            certificate_sha256=row.certificate_sha256,
            certificate_serial=row.certificate_serial,
            certificate_issuer=row.certificate_issuer,
            reason=row.reason,
            at=row.at,
            number=row.number,
        )
        for row in session.scalars(query)
    ]


def _actor(line: RequestEntry) -> str:
    if line.sender:
        return f"sender {line.sender}"
    return f"certificate {line.certificate_sha256[:16]}" if line.certificate_sha256 else "unknown client"


@lru_cache(maxsize=256)
def _identified(certificate: x509.Certificate | None) -> tuple[str, str, str]:
    """Fingerprint, serial number in hex and issuer; the same for all messages of a client."""
    if certificate is None:
        return "", "", ""
    return fingerprint(certificate), serial_text(certificate.serial_number), issuer_name(certificate)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 over the DER, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def issuer_name(certificate: x509.Certificate) -> str:
    """The issuing CA's common name; a CA's name is not personal. A name that cannot be read is empty.

    What cannot be printed is replaced: PostgreSQL takes no NUL, and a terminal would obey an escape.
    """
    try:
        names = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    name = str(names[0].value) if names else ""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
