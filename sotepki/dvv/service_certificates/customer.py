"""DVV's e-service for service certificates: account, application, CSR, decision, delivery, revocation.

The steps, who may take them and under which rules are data (``states/service-application.yaml``,
``states/service-certificate.yaml``, ``rules_service_certificates.yaml``). Accounts are in
``service_certificates_accounts``, issuing in ``service_certificates_office``, what comes afterwards in
``service_certificates_life``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.office_seams import Certification
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates.accounts import CardLogin, CustomerAccounts
from sotepki.dvv.service_certificates.case import ApplicationCase, Cases, TechnicalContact
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.data import all_states, application_machine, service_data, service_rules
from sotepki.dvv.service_certificates.delivery import Delivery, link_message
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS
from sotepki.dvv.service_certificates.life import IssuedCertificates
from sotepki.dvv.service_certificates.office import ApplicationOffice, Processed
from sotepki.dvv.service_certificates.store import (
    Application,
    application_id,
    as_application,
    attachments_of,
    row_of_application,
    take_step,
    user_of,
)
from sotepki.dvv.service_certificates.tables import ApplicationRow, AttachmentRow
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records
from sotepki.registers import OrganisationRegister
from sotepki.states import Step
from sotepki.x509.csr import check_csr, key_digest

_LARGEST_CSR = 1024 * 1024


class ServiceCertificates:
    """The e-service; ``organisations`` is THL's SOTE organisation register.

    ``domain_evidence`` says how control of a domain may be shown (default: as in ``service_certificates.yaml``).
    Where a step takes a ``user``, that person must be a user of the application's account; without one, the person
    who applied acts.
    """

    def __init__(
        self,
        records: Records,
        authorities: Certification,
        organisations: OrganisationRegister,
        *,
        domain_evidence: Iterable[str] | None = None,
    ) -> None:
        self.records = records
        self.accounts = CustomerAccounts(records, authorities, organisations)
        evidence = service_data().domain_evidence if domain_evidence is None else frozenset(domain_evidence)
        self._cases = Cases(records, organisations, evidence)
        self._office = ApplicationOffice(records, authorities, self._cases)
        self._issued = IssuedCertificates(records, authorities)

    # ------------------------------------------------------------------------------------------------- account

    def login_challenge(self, organisation: Oid, *, user: Hetu) -> bytes:
        """What ``user`` signs with the authentication key of a card in order to log in (``CardLogin``)."""
        return self.accounts.login_challenge(organisation, user)

    def open_account(
        self,
        organisation: Oid,
        *,
        user: Hetu,
        identified_with: str = "bank-codes",
        login: CardLogin | None = None,
    ) -> None:
        """Open an organisation's customer account; ``user`` becomes its first user. An open account stays open.

        With ``certificate-card`` the signed challenge is given in ``login``.

        Raises:
            Refused: the organisation is not in the register, the user did not identify strongly, or the signature
                of the card does not count (``account.card-login``).
        """
        self.accounts.open(organisation, user=user, identified_with=identified_with, login=login)

    def invite(self, organisation: Oid, *, by: Hetu, user: Hetu) -> None:
        """Let a user of an account add a colleague.

        Raises:
            Refused: ``by`` is not a user of the account (``application.account``).
        """
        self.accounts.invite(organisation, by=by, user=user)

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
        unit_name: str = "",
        as_production: bool = False,
        renewal_of: str = "",
    ) -> str:
        """Begin an application; returns its id. A link for the CSR is mailed to the technical contact.

        Args:
            account: the customer account used, by default the organisation's own; with another one a power of
                attorney is needed.
            key_usages: those of a server certificate (default: client and server).
            unit_name: the organisation's long name, as on the form; by default taken from the code service.
            as_production: apply the rules for certificates of production; the certificate is a TEST one all the same.
            renewal_of: the application whose certificate this one is to follow; a renewal is a new order.

        Raises:
            Refused: a rule for opening an application says no.
            Misuse: ``renewal_of`` is no application.
        """
        known = service_data().kind(str(kind))
        name = known.id if known else str(kind)
        usages = tuple(key_usages) if key_usages is not None else known.usages if known else ()
        account = account or organisation
        subject = f"application for {organisation}"
        case = self._cases.of_organisation(organisation, name)
        long_name = (case.organisation.long_name or case.organisation.name) if case.organisation else ""
        case = replace(
            case,
            account=account,
            contact=contact,
            key_usages=usages,
            unit_name=unit_name.strip(),
            as_production=as_production,
        )
        code = secrets.token_hex(12)
        with (
            refusals_journalled(self.records, actor="customer", step="open", subject=subject),
            self.records.change(office="dvv", actor="customer") as tx,
        ):
            row_of_user = user_of(tx.session, account, user)
            renewed = row_of_application(tx.session, renewal_of) if renewal_of else None
            case = replace(
                case,
                now=tx.now,
                member=row_of_user is not None,
                renews=_fits(renewed, organisation, name) if renewed else None,
            )
            step = self._step("open", application_machine().initial, "customer", case, subject)
            assert row_of_user is not None  # the guards of the step saw to it
            row = ApplicationRow(
                state=application_machine().initial,
                kind=name,
                organisation=organisation.value,
                account=account.value,
                user=row_of_user.id,
                contact_name=contact.name.strip(),
                contact_email=contact.email,
                contact_organisation=contact.organisation.strip(),
                shared_mailbox=contact.shared_mailbox,
                key_usages=" ".join(usages),
                link_digest=_digest(code.encode()),
                unit_name=long_name[:300],
                as_production=as_production,
                renewal_of=renewed.number if renewed else None,
                opened_at=tx.now,
                changed_at=tx.now,
            )
            tx.session.add(row)
            tx.session.flush()
            application = application_id(row.number)
            tx.post(link_message(application, contact, code, tx.now))
            renews = {"renewal_of": renewal_of} if renewal_of else {}
            take_step(tx, row, step, kind=row.kind, user=str(row.user), **renews)
            return application

    def renew(self, application: str, *, user: Hetu) -> str:
        """Order a certificate again as it was; returns the id of the new application, which needs a new CSR.

        Raises:
            Refused: as ``apply``; the old certificate was never issued (``application.renewal``).
            Misuse: there is no such application.
        """
        old = self.application(application)
        return self.apply(
            organisation=old.organisation,
            kind=old.kind,
            user=user,
            contact=old.contact,
            account=old.account,
            key_usages=old.key_usages,
            as_production=old.as_production,
            renewal_of=application,
        )

    def attach_csr(self, application: str, data: bytes, *, link: str = "", user: Hetu | None = None) -> Application:
        """Attach a CSR (PEM or DER); the content of the certificate is read from it. A later CSR takes its place.

        ``link`` is the technical contact's code from the mail; without it the customer attaches the CSR.

        Raises:
            Refused: the CSR breaks a rule, or the code is not the one of this application.
            Misuse: there is no such application.
        """
        with self.records.look() as session:
            row = row_of_application(session, application)
            seen = _keys_before(session, row)
            attachments = attachments_of(session, row.number)
        report = check_csr(data[: _LARGEST_CSR + 1], ApplicationKind(row.kind).csr_kind, seen_keys=seen)
        role = "technical-contact" if link else "customer"
        fits = not link or _is_link(link, row)
        case = replace(self._cases.of(row, attachments, report), link_fits=fits)
        with (
            refusals_journalled(self.records, actor=role, step="attach-csr", subject=application),
            self.records.change(office="dvv", actor=role) as tx,
        ):
            row = row_of_application(tx.session, application)
            case = replace(case, now=tx.now, member=bool(link) or _is_member(tx.session, row, user))
            step = self._step("attach-csr", row.state, role, case, application)
            assert report.csr is not None  # the guards of the step saw to it
            row.csr = report.csr.public_bytes(Encoding.DER)
            row.public_key_digest = key_digest(report.csr.public_key()).hex()
            row.return_reason = ""
            take_step(tx, row, step, public_key=row.public_key_digest)
            return as_application(row, (*step.warnings, *report.findings))

    def attach_document(
        self, application: str, kind: str, name: str, content: bytes, *, user: Hetu | None = None
    ) -> Application:
        """Attach a power of attorney, a certificate of conformity or the consent of a domain's owner.

        Raises:
            Refused: the application is with DVV for good, or ``user`` is not of the account.
            Misuse: there is no such application, no such kind of document, or the document is empty.
        """
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

    def complete(self, application: str, *, user: Hetu | None = None) -> Application:
        """Send a returned application again with the request it has, after attaching what was asked for.

        Raises:
            Refused: it was not returned, has no CSR, or ``user`` is not of the account.
            Misuse: there is no such application.
        """
        return self._take_customer_step("complete", application, user)

    def cancel(self, application: str, *, user: Hetu | None = None) -> Application:
        """Withdraw an application that was not sent, or was sent back; one that DVV has is binding.

        Raises:
            Refused: it is with DVV or over, or ``user`` is not of the account.
            Misuse: there is no such application.
        """
        return self._take_customer_step("cancel", application, user)

    def by_link(self, link: str) -> Application:
        """The one application that a technical contact's code opens.

        Raises:
            Refused: no application has this code (``application.contact.application``).
        """
        query = select(ApplicationRow).where(ApplicationRow.link_digest == _digest(link.encode()))
        with self.records.look() as session:
            row = session.scalars(query).first()
            if row is None:
                raise service_rules().refusal(
                    "application.contact.application", "The code is not one that was mailed for an application."
                )
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

    def process_many(self, applications: Iterable[str], actor: str = "dvv") -> Processed:
        """``process`` for a class: batches go through the same transactions together; a refusal stops nobody else."""
        return self._office.process_many(applications, actor)

    def return_application(self, application: str, reason: str, actor: str = "dvv") -> Application:
        """Send an application back to the customer with a reason, which is mailed to the technical contact."""
        return self._office.send_back(application, reason, actor)

    def collect(self, application: str) -> Delivery:
        """The certificate of an application with its chain.

        Raises:
            Refused: nothing was issued (``application.state``).
            Misuse: there is no such application.
        """
        return self._issued.collect(application)

    def request_revocation(
        self,
        application: str,
        *,
        serial: int | str,
        reason: str,
        actor: str = "customer",
        user: Hetu | None = None,
    ) -> Application:
        """Revoke the certificate of an application, at once and for good; the contact gets a confirmation.

        ``serial`` is the certificate's number, an integer or hexadecimal text; ``actor`` is ``customer`` or ``dvv``,
        ``reason`` a word of ``service_certificates.yaml`` (``key-compromise``) or its code (``keyCompromise``).

        Raises:
            Refused: another serial number, an unknown reason, or the certificate is revoked already.
            Misuse: there is no such application.
        """

        def member(row: ApplicationRow) -> bool:
            with self.records.look() as session:
                return actor != "customer" or _is_member(session, row, user)

        return self._issued.request_revocation(application, serial, reason, actor, member)

    def resume(self) -> list[Application]:
        """Finish every issuing and every revocation that was interrupted."""
        approved, requested = (
            [row.id for row in self.applications(state=state)] for state in ("approved", "revocation-requested")
        )
        return [*self._office.resume(approved), *self._issued.resume(requested)]

    def follow_time(self) -> list[Application]:
        """Take the steps that time brings: applications lapse, certificates expire."""
        return [*self._office.follow_time(), *self._issued.follow_time()]

    def application(self, application: str) -> Application:
        """One application by its id; ``Misuse`` if there is none."""
        with self.records.look() as session:
            return as_application(row_of_application(session, application))

    def applications(self, *, state: str = "", organisation: Oid | None = None) -> list[Application]:
        """All applications that fit, oldest first."""
        query = select(ApplicationRow).order_by(ApplicationRow.number)
        if state:
            if state not in all_states():
                raise Misuse(f"There is no state {state!r}.", advice=f"States: {', '.join(all_states())}.")
            query = query.where(ApplicationRow.state == state)
        if organisation:
            query = query.where(ApplicationRow.organisation == organisation.value)
        with self.records.look() as session:
            return [as_application(row) for row in session.scalars(query)]

    def _take_customer_step(self, name: str, application: str, user: Hetu | None) -> Application:
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
            now=self.records.clock.now(), kind=row.kind, member=_is_member(session, row, user), report=report
        )
        return self._step(name, row.state, "customer", case, application)

    def _step(self, name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
        return application_machine().step(
            name, state=state, actor=role, guards=APPLICATION_GUARDS, case=case, subject=subject
        )


def _fits(renewed: ApplicationRow, organisation: Oid, kind: str) -> bool:
    """Whether an application has a certificate that one of this organisation and type may follow."""
    return renewed.serial != "" and (renewed.organisation, renewed.kind) == (organisation.value, kind)


def _is_member(session: Session, row: ApplicationRow, user: Hetu | None) -> bool:
    return user is None or user_of(session, Oid(row.account), user) is not None


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


__all__ = [
    "Application",
    "ApplicationKind",
    "CardLogin",
    "Delivery",
    "Processed",
    "ServiceCertificates",
    "TechnicalContact",
]
