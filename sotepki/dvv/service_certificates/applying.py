"""The customer's part of the life of an application: open it, attach the CSR and documents, complete or cancel it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates.case import ApplicationCase, Cases, TechnicalContact
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.data import application_machine, service_data, service_rules
from sotepki.dvv.service_certificates.delivery import link_message
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS
from sotepki.dvv.service_certificates.store import (
    Application,
    application_id,
    as_application,
    attachments_of,
    row_of_application,
    take_step,
    user_of,
)
from sotepki.dvv.service_certificates.tables import AccountUserRow, ApplicationRow, AttachmentRow
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records
from sotepki.states import Step
from sotepki.x509.csr import check_csr
from sotepki.x509.csr_keys import key_digest

_LARGEST_CSR = 1024 * 1024


@dataclass(frozen=True)
class ApplicationForm:
    """What a customer fills in; the fields are those of ``ServiceCertificates.apply``."""

    organisation: Oid
    kind: str
    contact: TechnicalContact
    account: Oid
    key_usages: tuple[str, ...]
    unit_name: str = ""
    as_production: bool = False
    renewal_of: str = ""


@dataclass(frozen=True)
class CustomerSteps:
    """The steps of the customer, and of the technical contact who has the code of an application."""

    records: Records
    cases: Cases

    def open(self, form: ApplicationForm, user: Hetu) -> str:
        """See ``ServiceCertificates.apply``."""
        subject = f"application for {form.organisation}"
        case = replace(
            self.cases.of_organisation(form.organisation, form.kind),
            account=form.account,
            contact=form.contact,
            key_usages=form.key_usages,
            unit_name=form.unit_name.strip(),
            as_production=form.as_production,
        )
        code = secrets.token_hex(12)
        with (
            refusals_journalled(self.records, actor="customer", step="open", subject=subject),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            row_of_user = user_of(tx.session, form.account, user)
            renewed = row_of_application(tx.session, form.renewal_of) if form.renewal_of else None
            case = replace(
                case,
                now=tx.now,
                member=row_of_user is not None,
                renews=_fits(renewed, form) if renewed else None,
            )
            step = self._step("open", application_machine().initial, "customer", case, subject)
            assert row_of_user is not None  # the guards of the step saw to it
            row = _opened(case, row_of_user, code, renewed)
            tx.session.add(row)
            tx.session.flush()
            application = application_id(row.number)
            tx.post(link_message(application, form.contact, code, tx.now))
            renews = {"renewal_of": form.renewal_of} if form.renewal_of else {}
            take_step(tx, row, step, kind=row.kind, user=str(row.user), **renews)
            return application

    def attach_csr(self, application: str, data: bytes, link: str, user: Hetu | None) -> Application:
        """See ``ServiceCertificates.attach_csr``."""
        with self.records.look() as session:
            row = row_of_application(session, application)
            seen = _keys_before(session, row)
            attachments = attachments_of(session, row.number)
        report = check_csr(data[: _LARGEST_CSR + 1], ApplicationKind(row.kind).csr_kind, seen_keys=seen)
        role = "technical-contact" if link else "customer"
        fits = not link or _is_link(link, row)
        case = replace(self.cases.of(row, attachments, report), link_fits=fits)
        with (
            refusals_journalled(self.records, actor=role, step="attach-csr", subject=application),
            self.records.change(office="dvv", actor=role) as tx,
        ):
            row = row_of_application(tx.session, application)
            case = replace(case, now=tx.now, member=bool(link) or is_member(tx.session, row, user))
            step = self._step("attach-csr", row.state, role, case, application)
            assert report.csr is not None  # the guards of the step saw to it
            row.csr = report.csr.public_bytes(Encoding.DER)
            row.public_key_digest = key_digest(report.csr.public_key()).hex()
            row.return_reason = ""
            take_step(tx, row, step, public_key=row.public_key_digest)
            return as_application(row, (*step.warnings, *report.findings))

    def attach_document(
        self, application: str, kind: str, name: str, content: bytes, user: Hetu | None
    ) -> Application:
        """See ``ServiceCertificates.attach_document``."""
        if kind not in service_data().attachments or not content:
            raise Misuse(
                f"An attachment of the kind {kind[:40]!r} with {len(content)} bytes is not taken.",
                advice=f"Attach one of: {', '.join(sorted(service_data().attachments))}.",
            )
        with (
            refusals_journalled(self.records, actor="customer", step="attach-document", subject=application),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            row = row_of_application(tx.session, application)
            step = self._customer_step("attach-document", tx.session, row, user, application)
            tx.session.add(
                AttachmentRow(application=row.number, kind=kind, name=name[:200], content=content, attached_at=tx.now)
            )
            take_step(tx, row, step, kind=kind, sha256=_digest(content))
            return as_application(row)

    def take(self, name: str, application: str, user: Hetu | None) -> Application:
        """Take a step that brings nothing with it: ``complete`` or ``cancel``."""
        with (
            refusals_journalled(self.records, actor="customer", step=name, subject=application),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            row = row_of_application(tx.session, application)
            step = self._customer_step(name, tx.session, row, user, application)
            row.return_reason = ""
            take_step(tx, row, step)
            return as_application(row)

    def _customer_step(
        self, name: str, session: Session, row: ApplicationRow, user: Hetu | None, application: str
    ) -> Step:
        report = check_csr(row.csr, ApplicationKind(row.kind).csr_kind) if row.csr and name == "complete" else None
        case = ApplicationCase(
            now=self.records.clock.now(), kind=row.kind, member=is_member(session, row, user), report=report
        )
        return self._step(name, row.state, "customer", case, application)

    def _step(self, name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
        return application_machine().step(
            name, state=state, actor=role, guards=APPLICATION_GUARDS, case=case, subject=subject
        )


def _opened(case: ApplicationCase, user: AccountUserRow, code: str, renewed: ApplicationRow | None) -> ApplicationRow:
    """The row of an application that may be opened; ``code`` is the technical contact's."""
    organisation, account, contact = case.organisation, case.account, case.contact
    assert organisation is not None  # the guards of the step saw to it
    assert account is not None and contact is not None
    return ApplicationRow(
        state=application_machine().initial,
        kind=case.kind,
        organisation=organisation.oid.value,
        account=account.value,
        user=user.id,
        contact_name=contact.name.strip(),
        contact_email=contact.email,
        contact_organisation=contact.organisation.strip(),
        shared_mailbox=contact.shared_mailbox,
        key_usages=" ".join(case.key_usages),
        link_digest=_digest(code.encode()),
        unit_name=(organisation.long_name or organisation.name)[:300],
        as_production=case.as_production,
        renewal_of=renewed.number if renewed else None,
        opened_at=case.now,
        changed_at=case.now,
    )


def _fits(renewed: ApplicationRow, form: ApplicationForm) -> bool:
    """Whether an application has a certificate that one of this organisation and type may follow."""
    return renewed.serial != "" and (renewed.organisation, renewed.kind) == (form.organisation.value, form.kind)


def is_member(session: Session, row: ApplicationRow, user: Hetu | None) -> bool:
    """Whether ``user`` is of the account of an application; without one, the person who applied acts."""
    return user is None or user_of(session, Oid(row.account), user) is not None


def row_by_link(session: Session, link: str) -> ApplicationRow:
    """The row of the application that a technical contact's code opens.

    Raises:
        Refused: no application has this code (``application.contact.application``).
    """
    query = select(ApplicationRow).where(ApplicationRow.link_digest == _digest(link.encode()))
    row = session.scalars(query).first()
    if row is None:
        raise service_rules().refusal(
            "application.contact.application", "The code is not one that was mailed for an application."
        )
    return row


def _is_link(link: str, row: ApplicationRow) -> bool:
    return secrets.compare_digest(_digest(link.encode()), row.link_digest)


def _keys_before(session: Session, row: ApplicationRow) -> set[bytes]:
    """The digests of keys in other applications; a new order comes with a new key."""
    digests = select(ApplicationRow.public_key_digest).where(
        ApplicationRow.number != row.number, ApplicationRow.public_key_digest != ""
    )
    return {bytes.fromhex(digest) for digest in session.scalars(digests)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
