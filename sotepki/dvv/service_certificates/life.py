"""A service certificate after its delivery: collected, revoked on request, expired.

The request of a revocation is written down first, then the certificate authority revokes, then the customer is told;
a run that is killed in between is finished by the next one, well within the hours that are promised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from cryptography import x509
from sqlalchemy import select

from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_seams import Certification, revoke_all
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.service_certificates.case import ApplicationCase, contact_of
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.data import application_machine, certificate_machine, service_data
from sotepki.dvv.service_certificates.delivery import Delivery, revocation_message
from sotepki.dvv.service_certificates.guards import APPLICATION_GUARDS
from sotepki.dvv.service_certificates.office import DVV, delivery_of
from sotepki.dvv.service_certificates.standing import as_they_stand
from sotepki.dvv.service_certificates.store import (
    Application,
    application_id,
    as_application,
    holder_of,
    row_of_application,
    take_step,
)
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.errors import Refused
from sotepki.records import Records
from sotepki.states import Step
from sotepki.x509.serials import serial_text

Member = Callable[[ApplicationRow], bool]
"""Whether the person who acts is a user of the application's account."""


@dataclass(frozen=True)
class IssuedCertificates:
    """The certificates that the e-service has delivered."""

    records: Records
    authorities: Certification

    def standing(self, rows: Iterable[ApplicationRow]) -> list[Application]:
        """Applications as they stand, with what the authority's ledger says of their certificates."""
        return as_they_stand(map(as_application, rows), self.authorities)

    def collect(self, wanted: str) -> Delivery:
        """See ``ServiceCertificates.collect``."""
        row = self._row(wanted)
        if row.certificate is None:
            raise application_machine().refusal(
                "application.state",
                f"No certificate was issued for the application {wanted}, whose state is {row.state!r}.",
                subject=wanted,
            )
        return delivery_of(x509.load_der_x509_certificate(row.certificate), row, self.authorities)

    def request_revocation(
        self, wanted: str, serial: int | str, reason: str, actor: str, member: Member
    ) -> Application:
        """See ``ServiceCertificates.request_revocation``."""
        reason = service_data().revocation_reason(reason)
        with self._claimed(wanted, actor, "request-revocation"):
            before = self._row(wanted)
            if before.state != "revocation-requested":
                (stands,) = self.standing([before])
                with self.records.change(office="dvv", actor=actor) as tx:
                    row = row_of_application(tx.session, wanted)
                    case = replace(
                        ApplicationCase(now=tx.now, kind=row.kind),
                        member=member(row),
                        role=actor,
                        serial=row.serial,
                        named_serial=_named(serial, row.serial),
                        revocation_reason=reason,
                    )
                    state = stands.state if stands.revoked_elsewhere else row.state
                    step = _step("request-revocation", state, actor, case, wanted)
                    row.revocation_reason, row.revocation_requested_at = reason, tx.now
                    take_step(tx, row, step, serial=row.serial, reason=reason)
            return self._revoke(wanted)

    def resume(self, waiting: list[str]) -> list[Application]:
        """Finish revocations that were interrupted; what another run has in hand is left to it.

        A refusal concerns one certificate only: it is in the journal, and the others are still revoked.
        """
        done = []
        for wanted in waiting:
            with suppress(Refused), self._claimed(wanted, DVV, "revoke"):
                if self._row(wanted).state == "revocation-requested":
                    done.append(self._revoke(wanted))
        return done

    def follow_time(self) -> list[Application]:
        """Mark the certificates whose validity has ended."""
        now, sources = self.records.clock.now(), certificate_machine().transitions["expire"].sources
        query = select(ApplicationRow.number).where(
            ApplicationRow.state.in_(sources),
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
                if row.state not in sources:
                    continue  # another process was faster
                case = ApplicationCase(now=now, kind=row.kind, not_after=row.not_after)
                take_step(tx, row, _step("expire", row.state, "clock", case, application_id(number)))
                moved.append(as_application(row))
            if not moved:
                tx.journal("application.expire", "nothing")
        return moved

    @contextmanager
    def _claimed(self, wanted: str, actor: str, step: str) -> Iterator[None]:
        self._row(wanted)
        with (
            refusals_journalled(self.records, actor=actor, step=step, subject=wanted),
            exclusive(self.records.outbox_directory.parent / "claims", f"application-{wanted}") as free,
        ):
            if not free:
                raise certificate_machine().refusal(
                    "application.processing-claim", f"Another officer is at work on {wanted}.", subject=wanted
                )
            yield

    def _row(self, wanted: str) -> ApplicationRow:
        with self.records.look() as session:
            return row_of_application(session, wanted)

    def _revoke(self, wanted: str) -> Application:
        row = self._row(wanted)
        data = service_data()
        reason = data.revocation_reasons[data.revocation_reason(row.revocation_reason)]
        now = self.records.clock.now()
        authority = ApplicationKind(row.kind).data.authority
        revoke_all(self.authorities, authority, holder_of(row), reason=reason, actor=DVV, at=now)
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = row_of_application(tx.session, wanted)
            step = _step("revoke", row.state, DVV, ApplicationCase(now=tx.now, kind=row.kind), wanted)
            row.revoked_at = tx.now
            tx.post(revocation_message(wanted, contact_of(row), row.serial, row.revocation_reason, tx.now))
            take_step(tx, row, step, serial=row.serial, reason=row.revocation_reason)
            return as_application(row)


def _step(name: str, state: str, role: str, case: ApplicationCase, subject: str) -> Step:
    return certificate_machine().step(
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
