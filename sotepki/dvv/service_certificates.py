"""DVV's e-service for service certificates: account, application, CSR, decision, delivery, revocation.

The steps, who may take them and under which rules are data (``states/service-application.yaml``,
``rules_offices.yaml``). Issuing and revoking are in ``service_certificates_office``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.office_data import application_machine, office_data, office_rules
from sotepki.dvv.office_seams import Certification
from sotepki.dvv.office_tables import AccountUserRow, ApplicationRow, AttachmentRow, CustomerAccountRow
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates_content import ApplicationKind, read_content
from sotepki.dvv.service_certificates_delivery import Delivery, link_message
from sotepki.dvv.service_certificates_guards import (
    APPLICATION_GUARDS,
    CONFORMITY_CERTIFICATE,
    POWER_OF_ATTORNEY,
    ApplicationCase,
    TechnicalContact,
)
from sotepki.dvv.service_certificates_office import ApplicationOffice
from sotepki.dvv.service_certificates_store import (
    Application,
    application_id,
    as_application,
    attachments_of,
    contact_of,
    row_of_application,
    take_step,
    user_of,
)
from sotepki.dvv.state_machine import Step, refusal
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records
from sotepki.registers import Organisation, OrganisationRegister
from sotepki.x509.csr import CsrReport, check_csr, key_digest

_BOTH_SIDES = ("client-auth", "server-auth")
_ATTACHMENTS = frozenset({POWER_OF_ATTORNEY, CONFORMITY_CERTIFICATE})
_LARGEST_CSR = 1024 * 1024


class ServiceCertificates:
    """The e-service; ``organisations`` is THL's SOTE organisation register."""

    def __init__(self, records: Records, authorities: Certification, organisations: OrganisationRegister) -> None:
        self.records = records
        self.organisations = organisations
        self._machine = application_machine()
        self._office = ApplicationOffice(records, authorities, self._case)

    # ------------------------------------------------------------------------------------------------- account

    def open_account(self, organisation: Oid, *, user: Hetu, identified_with: str = "bank-codes") -> None:
        """Open an organisation's customer account; ``user`` becomes its first user. An open account stays open.

        Raises:
            Refused: the organisation is not in the register, or the user did not identify strongly.
        """
        rules = office_rules()
        with refusals_journalled(self.records, actor="customer", step="open-account", subject=organisation.value):
            if self.organisations.organisation(organisation) is None:
                sentence = f"The organisation {organisation} is not in THL's SOTE organisation register."
                raise refusal(rules, "account.organisation-register", sentence, subject=organisation.value)
            if identified_with not in office_data().strong_identification:
                sentence = f"{identified_with[:40]!r} is not a strong identification."
                raise refusal(rules, "account.strong-identification", sentence, subject=organisation.value)
        with self.records.change(office="dvv", actor="customer") as tx:
            if tx.session.get(CustomerAccountRow, organisation.value) is None:
                tx.session.add(CustomerAccountRow(organisation=organisation.value, opened_at=tx.now))
                tx.session.flush()
            number = _add_user(tx.session, organisation, user, identified_with, tx.now)
            tx.journal("account.opened", organisation.value, user=str(number), identified_with=identified_with)

    def invite(self, organisation: Oid, *, by: Hetu, user: Hetu) -> None:
        """Let a user of an account add a colleague.

        Raises:
            Refused: ``by`` is not a user of the account (``application.account``).
        """
        with (
            refusals_journalled(self.records, actor="customer", step="invite", subject=organisation.value),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            inviter = user_of(tx.session, organisation, by)
            if inviter is None:
                sentence = f"The person who invites is not a user of the account of {organisation}."
                raise refusal(office_rules(), "application.account", sentence, subject=organisation.value)
            number = _add_user(tx.session, organisation, user, "invited", tx.now)
            tx.journal("account.user-invited", organisation.value, user=str(number), by=str(inviter.id))

    # --------------------------------------------------------------------------------------------- application

    def apply(
        self,
        *,
        organisation: Oid,
        kind: ApplicationKind | str,
        user: Hetu,
        contact: TechnicalContact,
        account: Oid | None = None,
        key_usages: Sequence[str] | None = None,
    ) -> str:
        """Begin an application; returns its id. A link for the CSR is mailed to the technical contact.

        ``account`` is the customer account used, by default the organisation's own; with another one a power of
        attorney is needed. ``key_usages`` are those of a server certificate (default: client and server).

        Raises:
            Refused: a rule for opening an application says no.
        """
        usages = (
            tuple(key_usages) if key_usages is not None else _BOTH_SIDES if kind == ApplicationKind.SERVER else ()
        )
        account = account or organisation
        subject = f"application for {organisation}"
        case = replace(
            self._register_case(organisation, str(kind)), account=account, contact=contact, key_usages=usages
        )
        code = secrets.token_hex(12)
        with (
            refusals_journalled(self.records, actor="customer", step="open", subject=subject),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            row_of_user = user_of(tx.session, account, user)
            case = replace(case, now=tx.now, member=row_of_user is not None)
            step = self._step("open", self._machine.initial, "customer", case, subject)
            assert row_of_user is not None  # the guards of the step saw to it
            row = ApplicationRow(
                state=self._machine.initial,
                kind=str(kind),
                organisation=organisation.value,
                account=account.value,
                user=row_of_user.id,
                contact_name=contact.name.strip(),
                contact_email=contact.email,
                contact_organisation=contact.organisation.strip(),
                shared_mailbox=contact.shared_mailbox,
                key_usages=" ".join(usages),
                link_digest=_digest(code.encode()),
                opened_at=tx.now,
            )
            row.changed_at = tx.now
            tx.session.add(row)
            tx.session.flush()
            name = application_id(row.number)
            tx.post(link_message(name, contact, code, tx.now))
            take_step(tx, row, step, kind=row.kind, user=str(row.user))
            return name

    def attach_csr(self, application: str, data: bytes, *, link: str = "") -> Application:
        """Attach a CSR (PEM or DER); the content of the certificate is read from it. A later CSR takes its place.

        ``link`` is the technical contact's code from the mail; without it the customer attaches the CSR.

        Raises:
            Refused: the CSR breaks a rule, or the code is not the one of this application.
            Misuse: there is no such application.
        """
        with self.records.look() as session:
            row = row_of_application(session, application)
            seen = _keys_before(session, row)
        report = check_csr(data[: _LARGEST_CSR + 1], ApplicationKind(row.kind).csr_kind, seen_keys=seen)
        role = "technical-contact" if link else "customer"
        fits = not link or secrets.compare_digest(_digest(link.encode()), row.link_digest)
        case = replace(self._case(row, report), link_fits=fits)
        with (
            refusals_journalled(self.records, actor=role, step="attach-csr", subject=application),
            self.records.change(office="dvv", actor=role) as tx,
        ):
            row = row_of_application(tx.session, application)
            step = self._step("attach-csr", row.state, role, replace(case, now=tx.now), application)
            assert report.csr is not None  # the guards of the step saw to it
            row.csr = report.csr.public_bytes(Encoding.DER)
            row.public_key_digest = key_digest(report.csr.public_key()).hex()
            row.return_reason = ""
            take_step(tx, row, step, public_key=row.public_key_digest)
            return as_application(row, (*step.warnings, *report.findings))

    def attach_document(self, application: str, kind: str, name: str, content: bytes) -> Application:
        """Attach a power of attorney or a certificate of conformity.

        Raises:
            Misuse: there is no such application, no such kind of document, or the document is empty.
        """
        if kind not in _ATTACHMENTS or not content:
            raise Misuse(
                f"An attachment of the kind {kind[:40]!r} with {len(content)} bytes is not taken.",
                advice=f"Attach one of: {', '.join(sorted(_ATTACHMENTS))}.",
            )
        with self.records.change(office="dvv", actor="customer") as tx:
            row = row_of_application(tx.session, application)
            tx.session.add(
                AttachmentRow(application=row.number, kind=kind, name=name[:200], content=content, attached_at=tx.now)
            )
            tx.journal("application.document-attached", application, kind=kind, sha256=_digest(content))
            return as_application(row)

    # ----------------------------------------------------------------------------------------- decision and after

    def process(self, application: str, actor: str = "dvv") -> Application:
        """Approve an application and issue its certificate, or finish an issuing that was interrupted.

        ``actor`` is the DVV officer. The certificate is mailed in DER and PEM.

        Raises:
            Refused: wrong state (processed already), another officer at work, or a rule says no.
            Misuse: there is no such application.
        """
        return self._office.process(application, actor)

    def return_application(self, application: str, reason: str, actor: str = "dvv") -> Application:
        """Send an application back to the customer with a reason, which is mailed to the technical contact."""
        return self._office.send_back(application, reason, actor)

    def collect(self, application: str) -> Delivery:
        """The certificate of an application with its chain.

        Raises:
            Refused: nothing was issued (``application.state``).
            Misuse: there is no such application.
        """
        return self._office.collect(application)

    def request_revocation(
        self, application: str, *, serial: int | str, reason: str, actor: str = "customer"
    ) -> Application:
        """Revoke the certificate of an application, at once and for good; the contact gets a confirmation.

        ``serial`` is the certificate's number, an integer or hexadecimal text; ``actor`` is ``customer`` or ``dvv``.

        Raises:
            Refused: another serial number, an unknown reason, or the certificate is revoked already.
            Misuse: there is no such application.
        """
        return self._office.request_revocation(application, serial, reason, actor)

    def resume(self) -> list[Application]:
        """Finish every issuing and every revocation that was interrupted."""
        return self._office.resume(
            [row.id for state in ("approved", "revocation-requested") for row in self.applications(state=state)]
        )

    def follow_time(self) -> list[Application]:
        """Mark the certificates whose validity has ended."""
        return self._office.follow_time()

    def application(self, application: str) -> Application:
        """One application by its id; ``Misuse`` if there is none."""
        with self.records.look() as session:
            return as_application(row_of_application(session, application))

    def applications(self, *, state: str = "", organisation: Oid | None = None) -> list[Application]:
        """All applications that fit, oldest first."""
        query = select(ApplicationRow).order_by(ApplicationRow.number)
        if state:
            if state not in self._machine.states:
                raise Misuse(f"There is no state {state!r}.", advice=f"States: {', '.join(self._machine.states)}.")
            query = query.where(ApplicationRow.state == state)
        if organisation:
            query = query.where(ApplicationRow.organisation == organisation.value)
        with self.records.look() as session:
            return [as_application(row) for row in session.scalars(query)]

    def _case(self, row: ApplicationRow, report: CsrReport | None = None) -> ApplicationCase:
        """What the register and the application say at this moment."""
        with self.records.look() as session:
            attachments = attachments_of(session, row.number)
        case = self._register_case(Oid(row.organisation), row.kind)
        kind = ApplicationKind(row.kind)
        if report is None and row.csr is not None:
            report = check_csr(row.csr, kind.csr_kind)
        content = None
        if report is not None and report.csr is not None and case.organisation is not None:
            content = read_content(report, kind, case.organisation)
        return replace(
            case,
            account=Oid(row.account),
            contact=contact_of(row),
            key_usages=tuple(row.key_usages.split()),
            report=report,
            content=content,
            attachments=attachments,
            serial=row.serial,
        )

    def _register_case(self, oid: Oid, kind: str) -> ApplicationCase:
        organisation = self.organisations.organisation(oid)
        family = self._family(organisation) if organisation else []
        units = self.organisations.organisations_of(organisation.business_id) if organisation else []
        return ApplicationCase(
            now=self.records.clock.now(),
            kind=kind,
            organisation=organisation,
            domains=frozenset(domain.lower() for one in family for domain in one.domains),
            units=frozenset({oid.value, *(one.oid.value for one in units)}) if organisation else frozenset(),
        )

    def _family(self, organisation: Organisation) -> list[Organisation]:
        """The organisation and those above it."""
        family = [organisation]
        while family[-1].parent is not None:
            above = self.organisations.organisation(family[-1].parent)
            if above is None or above in family:
                break
            family.append(above)
        return family

    def _step(self, name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
        return self._machine.step(
            name, state=state, actor=role, guards=APPLICATION_GUARDS, case=case, subject=subject
        )


def _add_user(session: Session, organisation: Oid, user: Hetu, identified_with: str, at: datetime) -> int:
    row = user_of(session, organisation, user)
    if row is None:
        row = AccountUserRow(
            organisation=organisation.value, hetu=user.value, identified_with=identified_with, added_at=at
        )
        session.add(row)
        session.flush()
    return row.id


def _keys_before(session: Session, row: ApplicationRow) -> set[bytes]:
    """The digests of keys in other applications; a new order comes with a new key."""
    digests = select(ApplicationRow.public_key_digest).where(
        ApplicationRow.number != row.number, ApplicationRow.public_key_digest != ""
    )
    return {bytes.fromhex(digest) for digest in session.scalars(digests)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


__all__ = ["Application", "ApplicationKind", "Delivery", "ServiceCertificates", "TechnicalContact"]
