"""Applications for service certificates as values, and how they are found and written in the e-service's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.office_tables import AccountUserRow, ApplicationRow, AttachmentRow
from sotepki.dvv.service_certificates_guards import TechnicalContact
from sotepki.dvv.state_machine import Step
from sotepki.errors import Misuse
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Transaction

_APPLICATION_ID = re.compile(r"S([0-9]{1,9})")


@dataclass(frozen=True)
class Application:
    """An application for a service certificate; ``serial`` is lower-case hexadecimal, empty before issuing.

    ``findings`` are the warnings of the step just taken, with those of the CSR check when a CSR was attached.
    """

    id: str
    state: str
    kind: str
    organisation: Oid
    account: Oid
    contact: TechnicalContact
    key_usages: tuple[str, ...]
    opened_at: datetime
    changed_at: datetime
    return_reason: str = ""
    officer: str = ""
    serial: str = ""
    not_after: datetime | None = None
    revocation_reason: str = ""
    revoked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The application for JSON."""
        moments = {
            "opened_at": self.opened_at, "changed_at": self.changed_at, "not_after": self.not_after,
            "revoked_at": self.revoked_at,
        }  # fmt: skip
        return {
            "application": self.id,
            "state": self.state,
            "type": self.kind,
            "organisation": self.organisation.value,
            "account": self.account.value,
            "contact": self.contact.email,
            "key_usages": list(self.key_usages),
            "return_reason": self.return_reason,
            "officer": self.officer,
            "serial": self.serial,
            "revocation_reason": self.revocation_reason,
            **{name: moment.isoformat() if moment else "" for name, moment in moments.items()},
            "findings": [finding.as_dict() for finding in self.findings],
        }


def application_id(number: int) -> str:
    """The id that people see: ``S`` and six digits or more."""
    return f"S{number:06d}"


def holder_of(row: ApplicationRow) -> str:
    """How the certificate authority's records name the holder of an application's certificate."""
    return f"{row.organisation} application {application_id(row.number)}"


def contact_of(row: ApplicationRow) -> TechnicalContact:
    """The technical contact of an application."""
    return TechnicalContact(
        name=row.contact_name,
        email=row.contact_email,
        organisation=row.contact_organisation,
        shared_mailbox=row.shared_mailbox,
    )


def as_application(row: ApplicationRow, findings: tuple[Finding, ...] = ()) -> Application:
    """The value of a row."""
    return Application(
        id=application_id(row.number),
        state=row.state,
        kind=row.kind,
        organisation=Oid(row.organisation),
        account=Oid(row.account),
        contact=contact_of(row),
        key_usages=tuple(row.key_usages.split()),
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        return_reason=row.return_reason,
        officer=row.officer,
        serial=row.serial,
        not_after=row.not_after,
        revocation_reason=row.revocation_reason,
        revoked_at=row.revoked_at,
        findings=findings,
    )


def row_of_application(session: Session, wanted: str) -> ApplicationRow:
    """The row of an application id.

    Raises:
        Misuse: there is no such application.
    """
    match = _APPLICATION_ID.fullmatch(wanted)
    row = session.get(ApplicationRow, int(match[1])) if match else None
    if row is None:
        raise Misuse(
            f"There is no application {wanted[:40]!r}.",
            advice="List the applications with 'sotepki service-certificate list'.",
        )
    return row


def user_of(session: Session, account: Oid, user: Hetu) -> AccountUserRow | None:
    """The user of a customer account, None if the person is none of its users."""
    wanted = select(AccountUserRow).where(
        AccountUserRow.organisation == account.value, AccountUserRow.hetu == user.value
    )
    return session.scalars(wanted).first()


def attachments_of(session: Session, number: int) -> frozenset[str]:
    """The kinds of documents attached to an application."""
    return frozenset(session.scalars(select(AttachmentRow.kind).where(AttachmentRow.application == number)))


def take_step(tx: Transaction, row: ApplicationRow, step: Step, **details: str) -> None:
    """Write a step into the row and the journal."""
    origin, row.state, row.changed_at = row.state, step.target, tx.now
    warned = {"warnings": " ".join(finding.rule for finding in step.warnings)} if step.warnings else {}
    tx.session.flush()
    tx.journal(
        f"application.{step.transition.name}",
        application_id(row.number),
        from_state=origin,
        to_state=step.target,
        organisation=row.organisation,
        **warned,
        **details,
    )
