"""DVV's e-service for service certificates: account, application, CSR, decision, delivery, revocation.

The steps, who may take them and under which rules are data (``states/service-application.yaml``,
``states/service-certificate.yaml``, ``rules_service_certificates.yaml``). Accounts are in ``accounts``, the
customer's steps in ``applying``, the decision of DVV and the issuing in ``office``, what comes after the delivery in
``life``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from sotepki.dvv.office_seams import Certification
from sotepki.dvv.service_certificates.accounts import CardLogin, CustomerAccounts
from sotepki.dvv.service_certificates.applying import ApplicationForm, CustomerSteps, is_member, row_by_link
from sotepki.dvv.service_certificates.case import Cases, TechnicalContact
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.data import all_states, service_data
from sotepki.dvv.service_certificates.delivery import Delivery
from sotepki.dvv.service_certificates.life import IssuedCertificates
from sotepki.dvv.service_certificates.office import ApplicationOffice, Processed
from sotepki.dvv.service_certificates.standing import COVERED, REVOKED
from sotepki.dvv.service_certificates.store import Application, row_of_application
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records
from sotepki.registers import OrganisationRegister


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
        cases = Cases(records, organisations, evidence)
        self._steps = CustomerSteps(records, cases)
        self._office = ApplicationOffice(records, authorities, cases)
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
        form = ApplicationForm(
            organisation=organisation,
            kind=known.id if known else str(kind),
            contact=contact,
            account=account or organisation,
            key_usages=tuple(key_usages) if key_usages is not None else known.usages if known else (),
            unit_name=unit_name,
            as_production=as_production,
            renewal_of=renewal_of,
        )
        return self._steps.open(form, user)

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
        return self._steps.attach_csr(application, data, link, user)

    def attach_document(
        self, application: str, kind: str, name: str, content: bytes, *, user: Hetu | None = None
    ) -> Application:
        """Attach a power of attorney, a certificate of conformity or the consent of a domain's owner.

        Raises:
            Refused: the application is with DVV for good, or ``user`` is not of the account.
            Misuse: there is no such application, no such kind of document, or the document is empty.
        """
        return self._steps.attach_document(application, kind, name, content, user)

    def complete(self, application: str, *, user: Hetu | None = None) -> Application:
        """Send a returned application again with the request it has, after attaching what was asked for.

        Raises:
            Refused: it was not returned, has no CSR, or ``user`` is not of the account.
            Misuse: there is no such application.
        """
        return self._steps.take("complete", application, user)

    def cancel(self, application: str, *, user: Hetu | None = None) -> Application:
        """Withdraw an application that was not sent, or was sent back; one that DVV has is binding.

        Raises:
            Refused: it is with DVV or over, or ``user`` is not of the account.
            Misuse: there is no such application.
        """
        return self._steps.take("cancel", application, user)

    def by_link(self, link: str) -> Application:
        """The one application that a technical contact's code opens.

        Raises:
            Refused: no application has this code (``application.contact.application``).
        """
        with self.records.look() as session:
            return self._issued.standing([row_by_link(session, link)])[0]

    # ----------------------------------------------------------------------------------------- decision and after

    def process(self, application: str, actor: str = "dvv") -> Application:
        """Approve an application and issue its certificate, or finish an issuing that was interrupted.

        ``actor`` is the DVV officer. The certificate is mailed in DER and PEM.

        Raises:
            Refused: wrong state (processed already), another officer at work, or a rule says no. If it is one of the
                certificate's profile, the application is sent back; of the authority (``authority.*``), it stays
                approved.
            Misuse: there is no such application.
        """
        return self._office.process(application, actor)

    def process_many(self, applications: Iterable[str], actor: str = "dvv") -> Processed:
        """Process many applications: batches share their transactions, and a refusal stops none of the others."""
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
                return actor != "customer" or is_member(session, row, user)

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
            return self._issued.standing([row_of_application(session, application)])[0]

    def applications(self, *, state: str = "", organisation: Oid | None = None) -> list[Application]:
        """All applications that fit, oldest first, as they stand now; see ``standing``."""
        query = select(ApplicationRow).order_by(ApplicationRow.number)
        if state:
            if state not in all_states():
                raise Misuse(f"There is no state {state!r}.", advice=f"States: {', '.join(all_states())}.")
            query = query.where(ApplicationRow.state.in_({state, *(COVERED if state == REVOKED else ())}))
        if organisation:
            query = query.where(ApplicationRow.organisation == organisation.value)
        with self.records.look() as session:
            found = self._issued.standing(session.scalars(query))
        return [one for one in found if state in ("", one.state)]


__all__ = [
    "Application",
    "ApplicationKind",
    "CardLogin",
    "Delivery",
    "Processed",
    "ServiceCertificates",
    "TechnicalContact",
]
