"""DVV's side of the e-service: decide, issue and deliver, send back; each repeatable after a crash.

Approving is written down first; then the certificate authority does its part and records it; then the application
goes to its next state, with the mail in the outbox, in one transaction. A run that is killed in between is finished
by the next one, which finds the certificate by its holder. Several applications go through the same three
transactions together; one alone is a batch of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby, islice

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_seams import Certification, in_force
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates.case import ApplicationCase, Cases, contact_of
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.data import application_machine, service_data
from sotepki.dvv.service_certificates.delivery import Delivery, certificate_messages, return_message
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS, may_be_mailed
from sotepki.dvv.service_certificates.store import (
    Application,
    application_id,
    as_application,
    attachments_of,
    holder_of,
    lapses_after,
    row_of_application,
    take_step,
)
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.errors import Fault, Misuse, Refused
from sotepki.evidence import Finding
from sotepki.records import Records
from sotepki.states import Step
from sotepki.x509.csr_keys import key_digest
from sotepki.x509.serials import serial_text

DVV = "dvv"
_OF_THE_AUTHORITY = "authority."
BATCH = 25
"""Applications in one transaction: little is repeated when a process dies."""


@dataclass
class Processed:
    """What became of applications that were processed together, each in one of the two by its id."""

    issued: dict[str, Application] = field(default_factory=dict)
    refused: dict[str, Refused | Misuse] = field(default_factory=dict)


@dataclass(frozen=True)
class ApplicationOffice:
    """The officers' part of the life of an application."""

    records: Records
    authorities: Certification
    cases: Cases

    def process(self, wanted: str, officer: str) -> Application:
        """See ``ServiceCertificates.process``."""
        done = self.process_many([wanted], officer)
        if wanted in done.refused:
            raise done.refused[wanted]
        return done.issued[wanted]

    def process_many(self, wanted: Iterable[str], officer: str) -> Processed:
        """See ``ServiceCertificates.process_many``."""
        done = Processed()
        waiting = iter(dict.fromkeys(wanted))
        while batch := list(islice(waiting, BATCH)):
            self._process_batch(batch, officer, done)
        return done

    def send_back(self, wanted: str, reason: str, officer: str) -> Application:
        """See ``ServiceCertificates.return_application``."""
        with ExitStack() as claims, refusals_journalled(self.records, actor=officer, step="return", subject=wanted):
            self._row(wanted)
            self._claim(claims, wanted)
            return self._send_back(wanted, reason, officer)

    def resume(self, waiting: Sequence[str]) -> list[Application]:
        """Finish what was interrupted; what another run has in hand is left to it.

        A refusal concerns one application only: it is in the journal, and the application waits as it is.
        """
        done = Processed()
        officers = [(self._row(one).officer, one) for one in waiting]
        for officer, of_officer in groupby(sorted(officers), key=lambda pair: pair[0]):
            done.issued |= self.process_many([one for _, one in of_officer], officer).issued
        return list(done.issued.values())

    def follow_time(self) -> list[Application]:
        """Let the applications lapse that the customer has not completed in time."""
        sources = application_machine().transitions["lapse"].sources
        query = select(ApplicationRow).where(ApplicationRow.state.in_(sources))
        now, moved = self.records.clock.now(), []
        with self.records.look() as session:
            due = [row.number for row in session.scalars(query) if _may_lapse(row, ApplicationCase(now, row.kind))]
        if not due:
            return []
        with self.records.change(office="dvv", actor="clock") as tx:
            for number in due:
                row = tx.session.get_one(ApplicationRow, number)
                case = ApplicationCase(now=now, kind=row.kind, lapses_after=lapses_after(row))
                if row.state not in sources or not _may_lapse(row, case):
                    continue  # another process was faster, or the customer was
                take_step(tx, row, _step("lapse", row.state, "clock", case, application_id(number)))
                moved.append(as_application(row))
            if not moved:
                tx.journal("application.lapse", "nothing")
        return moved

    # ----------------------------------------------------------------------------------------- a batch's three steps

    def _process_batch(self, batch: Sequence[str], officer: str, done: Processed) -> None:
        with ExitStack() as claims:
            held = []
            for wanted in batch:
                with (
                    _kept(done, wanted),
                    refusals_journalled(self.records, actor=officer, step="approve", subject=wanted),
                ):
                    self._row(wanted)
                    self._claim(claims, wanted)
                    held.append(wanted)
            warnings = self._approve(held, officer, done)
            certificates = self._issue(list(warnings), officer, done)
            self._deliver(certificates, officer, warnings, done)

    def _approve(self, held: Sequence[str], officer: str, done: Processed) -> dict[str, tuple[Finding, ...]]:
        """Approve what the rules allow; gives the warnings of each approved application."""
        waiting = [wanted for wanted in held if self._row(wanted).state != "approved"]
        warnings: dict[str, tuple[Finding, ...]] = {wanted: () for wanted in held if wanted not in waiting}
        cases = {wanted: self._case(wanted) for wanted in waiting}
        if not waiting:
            return warnings
        with self.records.change(office="dvv", actor=officer) as tx:
            for wanted in waiting:
                row, case = row_of_application(tx.session, wanted), cases[wanted]
                if row.public_key_digest != _digest_in(case):  # another request came in meanwhile
                    case = self._case(wanted)
                try:
                    step = _step("approve", row.state, DVV, case, wanted)
                except Refused as refused:
                    done.refused[wanted] = refused
                    tx.journal("refused", wanted, step="approve", rule=refused.rule)
                    continue
                row.officer = officer
                take_step(tx, row, step, officer=officer)
                warnings[wanted] = step.warnings
        return warnings

    def _issue(self, approved: Sequence[str], officer: str, done: Processed) -> dict[str, x509.Certificate]:
        certificates: dict[str, x509.Certificate] = {}
        orders: dict[ApplicationKind, dict[str, CertificateOrder]] = {}
        for wanted in approved:
            row = self._row(wanted)
            kind = ApplicationKind(row.kind)
            issued = self.authorities.issued(holder=holder_of(row), authority_id=kind.data.authority)
            live = in_force(issued, self.records.clock.now())
            if live:
                certificates[wanted] = live[-1].certificate
            else:
                with _kept(done, wanted):
                    orders.setdefault(kind, {})[wanted] = self._order(wanted, row)
        for kind, wanted_orders in orders.items():
            certificates |= self._issue_kind(kind, wanted_orders, officer, done)
        return certificates

    def _issue_kind(
        self, kind: ApplicationKind, orders: Mapping[str, CertificateOrder], officer: str, done: Processed
    ) -> dict[str, x509.Certificate]:
        try:
            made = self.authorities.issue_many(
                kind.data.authority, kind.profile, list(orders.values()), actor=officer
            )
            return dict(zip(orders, made, strict=True))
        except Refused as refused:
            if refused.rule.startswith(_OF_THE_AUTHORITY):
                for wanted in orders:
                    self._leave_approved(wanted, refused, officer, done)
                return {}
            # The profile forbids what no rule of the application has caught: the customer must change the CSR.
            if len(orders) == 1:
                (wanted,) = orders
                with (
                    _kept(done, wanted),
                    refusals_journalled(self.records, actor=officer, step="return", subject=wanted),
                ):
                    self._send_back(wanted, _reason_to_return(refused), officer)
                    done.refused[wanted] = refused
                return {}
        one_by_one: dict[str, x509.Certificate] = {}
        for wanted, order in orders.items():
            one_by_one |= self._issue_kind(kind, {wanted: order}, officer, done)
        return one_by_one

    def _leave_approved(self, wanted: str, refused: Refused, officer: str, done: Processed) -> None:
        """If the authority has ended, for example: the customer could change nothing, so it waits."""
        with _kept(done, wanted), refusals_journalled(self.records, actor=officer, step="issue", subject=wanted):
            raise refused

    def _deliver(
        self,
        certificates: Mapping[str, x509.Certificate],
        officer: str,
        warnings: Mapping[str, tuple[Finding, ...]],
        done: Processed,
    ) -> None:
        if not certificates:
            return
        with self.records.change(office="dvv", actor=officer) as tx:
            for wanted, certificate in certificates.items():
                row = row_of_application(tx.session, wanted)
                step = _step("issue", row.state, DVV, ApplicationCase(now=tx.now, kind=row.kind), wanted)
                row.serial = serial_text(certificate.serial_number)
                row.not_after = certificate.not_valid_after_utc
                row.issued_at = tx.now
                row.certificate = certificate.public_bytes(Encoding.DER)
                delivery = delivery_of(certificate, row, self.authorities)
                for posting in certificate_messages(wanted, contact_of(row), delivery, tx.now):
                    tx.post(posting)
                take_step(tx, row, step, serial=row.serial)
                done.issued[wanted] = as_application(row, warnings[wanted])

    # --------------------------------------------------------------------------------------------------- one of them

    def _order(self, wanted: str, row: ApplicationRow) -> CertificateOrder:
        case, request = self._case(wanted), x509.load_der_x509_csr(row.csr or b"")
        key = request.public_key()
        if case.content is None or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise Fault(f"The approved application {wanted} has lost its content.")
        is_email = row.kind == ApplicationKind.EMAIL
        return CertificateOrder(
            subject=case.content.subject,
            public_key=key,
            holder=holder_of(row),
            dns_names=case.content.dns_names,
            extended_key_usage=service_data().email_usages if is_email else case.key_usages,
            email=case.content.email,
        )

    def _send_back(self, wanted: str, reason: str, officer: str) -> Application:
        with self.records.change(office="dvv", actor=officer) as tx:
            row = row_of_application(tx.session, wanted)
            case = ApplicationCase(now=tx.now, kind=row.kind, return_reason=reason)
            step = _step("return", row.state, DVV, case, wanted)
            row.return_reason, row.officer = reason, officer
            tx.post(return_message(wanted, contact_of(row), reason, tx.now))
            take_step(tx, row, step, officer=officer)
            return as_application(row)

    def _claim(self, claims: ExitStack, wanted: str) -> None:
        directory = self.records.outbox_directory.parent / "claims"
        if not claims.enter_context(exclusive(directory, f"application-{wanted}")):
            raise application_machine().refusal(
                "application.processing-claim", f"Another officer is at work on {wanted}.", subject=wanted
            )

    def _case(self, wanted: str) -> ApplicationCase:
        with self.records.look() as session:
            row = row_of_application(session, wanted)
            attachments = attachments_of(session, row.number)
        return self.cases.of(row, attachments)

    def _row(self, wanted: str) -> ApplicationRow:
        with self.records.look() as session:
            return row_of_application(session, wanted)


def delivery_of(certificate: x509.Certificate, row: ApplicationRow, authorities: Certification) -> Delivery:
    """A certificate with the chain of the authority that issued it."""
    return Delivery(certificate, tuple(authorities.chain(ApplicationKind(row.kind).data.authority)))


@contextmanager
def _kept(done: Processed, wanted: str) -> Iterator[None]:
    """Keep a refusal of one application, so that the others of the batch go on."""
    try:
        yield
    except (Refused, Misuse) as error:
        done.refused[wanted] = error


def _reason_to_return(refused: Refused) -> str:
    """Why the profile forbids a certificate, in words that may always be mailed.

    The sentence of a refusal quotes the value of the request, which may be of any length and may hold an identity
    code. Then the rule and what it says are told alone, and the customer finds the value in the request.
    """
    plain = f"A value of the request is not what the certificate may hold [{refused.rule}]."
    told = (str(refused), f"{plain} {refused.advice}".strip(), plain)
    return next((text for text in told if may_be_mailed(text)), "The request does not fit the certificate's profile.")


def _may_lapse(row: ApplicationRow, case: ApplicationCase) -> bool:
    return APPLICATION_GUARDS["application.lapse"](replace(case, lapses_after=lapses_after(row))) is None


def _digest_in(case: ApplicationCase) -> str:
    csr = case.report.csr if case.report else None
    return key_digest(csr.public_key()).hex() if csr else ""


def _step(name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
    return application_machine().step(
        name, state=state, actor=role, guards=APPLICATION_GUARDS, case=case, subject=subject
    )
