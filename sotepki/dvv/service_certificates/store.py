"""Applications for service certificates as values, and how they are found and written in the e-service's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.service_certificates.case import TechnicalContact, contact_of
from sotepki.dvv.service_certificates.data import service_data
from sotepki.dvv.service_certificates.tables import AccountUserRow, ApplicationRow, AttachmentRow
from sotepki.dvv.working_days import add_working_days
from sotepki.errors import Misuse
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Transaction
from sotepki.states import Step

_APPLICATION_ID = re.compile(r"S([0-9]{1,9})")


class Promise(StrEnum):
    """Whether DVV keeps its promised number of working days, counted while the application is in its hands."""

    NONE = "none"
    OPEN = "open"
    OVERDUE = "overdue"
    KEPT = "kept"
    MISSED = "missed"


@dataclass(frozen=True)
class Application:
    """An application for a service certificate; ``serial`` is lower-case hexadecimal, empty before issuing.

    ``promised_by`` is the last day of DVV's promise while the application is with DVV, and stays when it is issued.
    ``unit_name`` is the organisation's long name, as on the form; ``as_production`` tells that the rules of
    production are applied; ``renewal_of`` names the application whose certificate this one is to follow.
    ``revoked_elsewhere``: past the e-service, as only the authority's ledger knows (``standing``).
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
    unit_name: str = ""
    as_production: bool = False
    renewal_of: str = ""
    submitted_at: datetime | None = None
    promised_by: date | None = None
    issued_at: datetime | None = None
    revocation_reason: str = ""
    revocation_requested_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_elsewhere: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def revoke_by(self) -> datetime | None:
        """The end of the hours in which a requested revocation is done."""
        if self.revocation_requested_at is None:
            return None
        return self.revocation_requested_at + timedelta(hours=service_data().revocation_hours)

    def promise(self, at: datetime) -> Promise:
        """How DVV stands to its promise at a moment."""
        if self.promised_by is None:
            return Promise.NONE
        if self.issued_at is None:
            return Promise.OPEN if finnish_day(at) <= self.promised_by else Promise.OVERDUE
        return Promise.KEPT if finnish_day(self.issued_at) <= self.promised_by else Promise.MISSED

    def as_dict(self) -> dict[str, object]:
        """The application for JSON."""
        moments = {
            "submitted_at": self.submitted_at, "promised_by": self.promised_by, "issued_at": self.issued_at,
            "revocation_requested_at": self.revocation_requested_at, "revoke_by": self.revoke_by,
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
            "unit_name": self.unit_name,
            "as_production": self.as_production,
            "renewal_of": self.renewal_of,
            "key_usages": list(self.key_usages),
            "return_reason": self.return_reason,
            "officer": self.officer,
            "serial": self.serial,
            "revocation_reason": self.revocation_reason,
            "revoked_elsewhere": self.revoked_elsewhere,
            **{name: moment.isoformat() if moment else "" for name, moment in moments.items()},
            "findings": [finding.as_dict() for finding in self.findings],
        }


def application_id(number: int) -> str:
    """The id that people see: ``S`` and six digits or more."""
    return f"S{number:06d}"


def holder_of(row: ApplicationRow) -> str:
    """How the certificate authority's records name the holder of an application's certificate."""
    return f"{row.organisation} application {application_id(row.number)}"


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
        unit_name=row.unit_name,
        as_production=row.as_production,
        renewal_of=application_id(row.renewal_of) if row.renewal_of else "",
        submitted_at=row.submitted_at,
        promised_by=row.promised_by,
        issued_at=row.issued_at,
        revocation_reason=row.revocation_reason,
        revocation_requested_at=row.revocation_requested_at,
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


def lapses_after(row: ApplicationRow) -> date:
    """The last day on which the customer may complete an application."""
    return months_after(finnish_day(row.changed_at), service_data().lapse_months)


def take_step(tx: Transaction, row: ApplicationRow, step: Step, **details: str) -> None:
    """Write a step into the row and the journal."""
    origin, row.state, row.changed_at = row.state, step.target, tx.now
    if step.target == "submitted" and origin != "submitted":
        row.submitted_at = tx.now
        row.promised_by = add_working_days(finnish_day(tx.now), service_data().promise_working_days)
    elif step.target == "returned":
        row.submitted_at = row.promised_by = None
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
