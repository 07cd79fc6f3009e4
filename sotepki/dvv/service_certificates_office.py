"""DVV's side of the e-service: decide, issue, send back, revoke, each repeatable after a crash.

Approving and the request of a revocation are written down first; then the certificate authority does its part and
records it; then the application goes to its next state, with the mail in the outbox, in one transaction. A run that
is killed in between is finished by the next one, which finds the certificate by its holder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from sotepki.dvv.claims import exclusive
from sotepki.dvv.ledger import serial_text
from sotepki.dvv.office_data import application_machine, office_data
from sotepki.dvv.office_seams import SERVICES, Certification, in_force, revoke_all
from sotepki.dvv.office_tables import ApplicationRow
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates_content import ApplicationKind
from sotepki.dvv.service_certificates_delivery import (
    Delivery,
    certificate_messages,
    return_message,
    revocation_message,
)
from sotepki.dvv.service_certificates_guards import APPLICATION_GUARDS, ApplicationCase
from sotepki.dvv.service_certificates_store import (
    Application,
    application_id,
    as_application,
    contact_of,
    holder_of,
    row_of_application,
    take_step,
)
from sotepki.dvv.state_machine import Step
from sotepki.errors import Fault, Refused
from sotepki.evidence import Finding
from sotepki.records import Records

DVV = "dvv"


@dataclass(frozen=True)
class ApplicationOffice:
    """The officers' part; ``case_of`` gathers what the rules look at."""

    records: Records
    authorities: Certification
    case_of: Callable[[ApplicationRow], ApplicationCase]

    def process(self, wanted: str, officer: str) -> Application:
        """See ``ServiceCertificates.process``."""
        with self._claimed(wanted, officer, "approve"):
            row = self._row(wanted)
            warnings = () if row.state == "approved" else self._approve(wanted, officer)
            certificate = self._issue(wanted, officer)
            return self._deliver(wanted, officer, certificate, warnings)

    def send_back(self, wanted: str, reason: str, officer: str) -> Application:
        """See ``ServiceCertificates.return_application``."""
        with self._claimed(wanted, officer, "return"):
            return self._send_back(wanted, reason, officer)

    def collect(self, wanted: str) -> Delivery:
        """See ``ServiceCertificates.collect``."""
        row = self._row(wanted)
        if row.certificate is None:
            raise application_machine().refusal(
                "application.state",
                f"No certificate was issued for the application {wanted}, whose state is {row.state!r}.",
                subject=wanted,
            )
        return Delivery(x509.load_der_x509_certificate(row.certificate), tuple(self.authorities.chain(SERVICES)))

    def request_revocation(self, wanted: str, serial: int | str, reason: str, actor: str) -> Application:
        """See ``ServiceCertificates.request_revocation``."""
        with self._claimed(wanted, actor, "request-revocation"):
            row = self._row(wanted)
            if row.state != "revocation-requested":
                case = replace(self.case_of(row), named_serial=_named(serial, row.serial), revocation_reason=reason)
                with self.records.change(office="dvv", actor=actor) as tx:
                    row = row_of_application(tx.session, wanted)
                    step = _step("request-revocation", row.state, actor, case, wanted)
                    row.revocation_reason = reason
                    take_step(tx, row, step, serial=row.serial, reason=reason)
            return self._revoke(wanted)

    def resume(self, waiting: list[str]) -> list[Application]:
        """Finish what was interrupted; what another run has in hand is left to it."""
        done = []
        for wanted in waiting:
            row = self._row(wanted)
            try:
                if row.state == "approved":
                    done.append(self.process(wanted, row.officer))
                else:
                    done.append(self.request_revocation(wanted, row.serial, row.revocation_reason, DVV))
            except Refused as refused:
                if refused.rule != "application.processing-claim" and self._row(wanted).state != "returned":
                    raise
        return done

    def follow_time(self) -> list[Application]:
        """See ``ServiceCertificates.follow_time``."""
        now = self.records.clock.now()
        query = select(ApplicationRow.number).where(
            ApplicationRow.state.in_(application_machine().transitions["expire"].sources),
            ApplicationRow.not_after < now,
        )
        with self.records.look() as session:
            due = list(session.scalars(query))
        if not due:
            return []
        moved = []
        with self.records.change(office="dvv", actor="clock") as tx:
            for number in due:
                row = tx.session.get_one(ApplicationRow, number)
                case = ApplicationCase(now=tx.now, kind=row.kind)
                take_step(tx, row, _step("expire", row.state, "clock", case, application_id(number)))
                moved.append(as_application(row))
        return moved

    @contextmanager
    def _claimed(self, wanted: str, actor: str, step: str) -> Iterator[None]:
        self._row(wanted)
        with (
            refusals_journalled(self.records, actor=actor, step=step, subject=wanted),
            exclusive(self.records.outbox_directory.parent / "claims", f"application-{wanted}") as free,
        ):
            if not free:
                raise application_machine().refusal(
                    "application.processing-claim", f"Another officer is at work on {wanted}.", subject=wanted
                )
            yield

    def _row(self, wanted: str) -> ApplicationRow:
        with self.records.look() as session:
            return row_of_application(session, wanted)

    def _approve(self, wanted: str, officer: str) -> tuple[Finding, ...]:
        case = self.case_of(self._row(wanted))
        with self.records.change(office="dvv", actor=officer) as tx:
            row = row_of_application(tx.session, wanted)
            step = _step("approve", row.state, DVV, case, wanted)
            row.officer = officer
            take_step(tx, row, step, officer=officer)
            return step.warnings

    def _issue(self, wanted: str, officer: str) -> x509.Certificate:
        row = self._row(wanted)
        issued = in_force(
            self.authorities.issued(holder=holder_of(row), authority_id=SERVICES), self.records.clock.now()
        )
        if issued:
            return issued[-1].certificate
        case, request = self.case_of(row), x509.load_der_x509_csr(row.csr or b"")
        key = request.public_key()
        if case.content is None or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise Fault(f"The approved application {wanted} has lost its content.")
        try:
            return self.authorities.issue(
                SERVICES,
                ApplicationKind(row.kind).profile,
                subject=case.content.subject,
                public_key=key,
                actor=officer,
                dns_names=case.content.dns_names,
                extended_key_usage=case.key_usages,
                holder=holder_of(row),
            )
        except Refused as refused:
            # The profile forbids what no rule of the application has caught: the customer must change the CSR.
            self._send_back(wanted, str(refused), officer)
            raise

    def _deliver(
        self, wanted: str, officer: str, certificate: x509.Certificate, warnings: tuple[Finding, ...]
    ) -> Application:
        delivery = Delivery(certificate, tuple(self.authorities.chain(SERVICES)))
        with self.records.change(office="dvv", actor=officer) as tx:
            row = row_of_application(tx.session, wanted)
            step = _step("issue", row.state, DVV, ApplicationCase(now=tx.now, kind=row.kind), wanted)
            row.serial = serial_text(certificate.serial_number)
            row.not_after = certificate.not_valid_after_utc
            row.certificate = certificate.public_bytes(Encoding.DER)
            for posting in certificate_messages(wanted, contact_of(row), delivery, tx.now):
                tx.post(posting)
            take_step(tx, row, step, serial=row.serial)
            return as_application(row, warnings)

    def _send_back(self, wanted: str, reason: str, officer: str) -> Application:
        with self.records.change(office="dvv", actor=officer) as tx:
            row = row_of_application(tx.session, wanted)
            case = ApplicationCase(now=tx.now, kind=row.kind, return_reason=reason)
            step = _step("return", row.state, DVV, case, wanted)
            row.return_reason, row.officer = reason[:500], officer
            tx.post(return_message(wanted, contact_of(row), reason, tx.now))
            take_step(tx, row, step, officer=officer)
            return as_application(row)

    def _revoke(self, wanted: str) -> Application:
        row = self._row(wanted)
        reason = office_data().revocation_reasons[row.revocation_reason]
        now = self.records.clock.now()
        revoke_all(self.authorities, SERVICES, holder_of(row), reason=reason, actor=DVV, at=now)
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = row_of_application(tx.session, wanted)
            step = _step("revoke", row.state, DVV, ApplicationCase(now=tx.now, kind=row.kind), wanted)
            row.revoked_at = tx.now
            tx.post(revocation_message(wanted, contact_of(row), row.serial, row.revocation_reason, tx.now))
            take_step(tx, row, step, serial=row.serial, reason=row.revocation_reason)
            return as_application(row)


def _step(name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
    return application_machine().step(
        name, state=state, actor=role, guards=APPLICATION_GUARDS, case=case, subject=subject
    )


def _named(serial: int | str, known: str) -> str:
    """A serial number as the records have it; decimal text is understood when it is the certificate's."""
    if isinstance(serial, int):
        return serial_text(serial) if serial >= 0 else ""
    text = serial.strip().lower().replace(":", "").replace(" ", "").removeprefix("0x")
    if known and text.isascii() and text.isdigit() and text.lstrip("0") == str(int(known, 16)):
        return known
    return serial_text(int(text, 16)) if re.fullmatch("[0-9a-f]{1,64}", text) else text
