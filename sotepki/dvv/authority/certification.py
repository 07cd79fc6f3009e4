"""Issuing: reserve serial numbers, sign, record.

The order is what keeps a serial number from being used twice: numbers are committed as taken before the key touches
them, and a certificate leaves this module only when its record is committed. A crash in between costs a number and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy.exc import IntegrityError

from sotepki.clock import end_of_finnish_day, finnish_day
from sotepki.dvv.authority import ledger
from sotepki.dvv.authority.plan import AuthorityPlan
from sotepki.dvv.authority.rules import refusal
from sotepki.errors import Fault
from sotepki.records import Records
from sotepki.x509.chains import in_time
from sotepki.x509.extensions import AlternativeNames
from sotepki.x509.issuing import Issuer, default_not_after, issue_der
from sotepki.x509.profile_values import SerialForm, SerialValue, SignatureValue, ValidityValue
from sotepki.x509.profiles import Profile
from sotepki.x509.serials import person_serial, serial_text, service_serial

OFFICE = "dvv"

_ATTEMPTS = 3


@dataclass(frozen=True)
class CertificateOrder:
    """What one certificate is made from; ``not_after`` None means the longest validity that the profile allows, and
    ``not_before`` None the present moment.

    ``holder`` says in the records whose it is: a registration number, an organisation OID, an authority. It is
    written to the journal, so it may not be an identity code.
    """

    subject: Mapping[str, str]
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    holder: str
    not_after: datetime | None = None
    dns_names: Sequence[str] = ()
    extended_key_usage: Sequence[str] = ()
    email: str = ""
    upn: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True)
class Certification:
    """One authority at work: its plan, its issuer identity and the profile of what it issues now.

    ``key_id`` is the issuer's subject key identifier in hexadecimal. ``next_serial`` makes a candidate number from
    the time and from the count of numbers that the authority took before.
    """

    records: Records
    plan: AuthorityPlan
    issuer: Issuer
    key_id: str
    profile: Profile
    actor: str
    next_serial: Callable[[datetime, int], int]

    def issue(self, orders: Sequence[CertificateOrder]) -> list[x509.Certificate]:
        """``issue_der``, giving certificates as the library reads them.

        Raises:
            Fault: the profile prescribes a quirk that the library does not read; nothing is issued.
        """
        if self.profile.value("signature", SignatureValue).explicit_null:
            raise Fault(f"Certificates of the profile {self.profile.id} are issued as DER (issue_many_der).")
        return [x509.load_der_x509_certificate(made) for made in self.issue_der(orders)]

    def issue_der(self, orders: Sequence[CertificateOrder]) -> list[bytes]:
        """Issue a certificate for each order, all of them recorded in one transaction; gives their DER.

        Raises:
            Refused: the authority is closed or expired, the profile forbids something in an order, or an order
                asks for an end after the authority's own; then nothing is recorded.
        """
        if not orders:
            return []
        now = self.records.clock.now().replace(microsecond=0)
        self._must_be_valid(now)
        begins = [(order.not_before or now).replace(microsecond=0) for order in orders]
        ends = [self._end(order, begin) for order, begin in zip(orders, begins, strict=True)]
        serials = self._reserve(len(orders))
        # One after the other: a token signs one at a time, and a second thread made it slower (measured).
        made = [self._sign(*one) for one in zip(orders, serials, begins, ends, strict=True)]
        self._record(made)
        return [new.der for new in made]

    def _must_be_valid(self, now: datetime) -> None:
        certificate = self.issuer.certificate
        if certificate is None:
            return
        if not in_time(certificate, now):
            raise refusal(
                "authority.expired",
                f"The certificate of {self.plan.id} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
                f"{certificate.not_valid_after_utc:%Y-%m-%d}, so it issues nothing at {now:%Y-%m-%d}.",
                subject=self.plan.id,
            )

    def _end(self, order: CertificateOrder, begin: datetime) -> datetime:
        limit = self.issuer.certificate.not_valid_after_utc if self.issuer.certificate else None
        if order.not_after is None:
            longest = default_not_after(self.profile, begin)
            return longest if limit is None else min(longest, self._last_before(limit))
        if limit is not None and order.not_after > limit:
            raise refusal(
                "authority.validity",
                f"The certificate for {order.holder} would end after its authority, on {limit:%Y-%m-%d}.",
                subject=order.holder,
            )
        return order.not_after

    def _last_before(self, limit: datetime) -> datetime:
        """The latest end not after ``limit`` that has the form of the profile."""
        if not self.profile.value("validity", ValidityValue).end_of_finnish_day:
            return limit
        day = finnish_day(limit)
        end = end_of_finnish_day(day)
        return end if end <= limit else end_of_finnish_day(day - timedelta(days=1))

    def _reserve(self, count: int) -> list[int]:
        for _ in range(_ATTEMPTS):
            try:
                return self._reserve_once(count)
            except Fault as fault:
                # Two random numbers met, or another process of the shared database was faster: take new ones.
                if not isinstance(fault.__cause__, IntegrityError):
                    raise
                met = fault
        raise Fault(
            f"The authority {self.plan.id} met {_ATTEMPTS} times a serial number that is taken; nothing was issued.",
            rule="serial.unique",
            advice="Restore the workspace from a copy: its counter of serial numbers is behind its certificates.",
            subject=self.plan.id,
        ) from met

    def _reserve_once(self, count: int) -> list[int]:
        with self.records.change(OFFICE, self.actor) as tx:
            before = ledger.count_serials(tx.session, self.plan.id, count)
            serials = [self.next_serial(tx.now, before + number) for number in range(count)]
            ledger.take_serials(tx.session, self.plan.id, serials, tx.now)
            tx.journal(
                "serial-reserved",
                self.plan.id,
                count=str(count),
                first=serial_text(serials[0]),
                last=serial_text(serials[-1]),
            )
        return serials

    def _sign(self, order: CertificateOrder, serial: int, begin: datetime, end: datetime) -> ledger.NewCertificate:
        der = issue_der(
            self.profile,
            subject=order.subject,
            public_key=order.public_key,
            issuer=self.issuer,
            serial_number=serial,
            not_before=begin,
            not_after=end,
            names=AlternativeNames(tuple(order.dns_names), email=order.email, upn=order.upn),
            extended_key_usage=order.extended_key_usage,
        )
        return ledger.NewCertificate(der, serial, begin, end, order.holder, self.profile.id)

    def _record(self, new: Sequence[ledger.NewCertificate]) -> None:
        serials = [serial_text(one.serial_number) for one in new]
        with self.records.change(OFFICE, self.actor) as tx:
            ledger.record_certificates(tx.session, self.plan.id, self.key_id, new, tx.now)
            tx.journal(
                "certificate-issued",
                serials[0] if len(serials) == 1 else f"{len(serials)} certificates",
                authority=self.plan.id,
                profile=self.profile.id,
                serials=" ".join(serials),
                holders=" ".join(one.holder for one in new),
            )


def serial_maker(profile: Profile) -> Callable[[datetime, int], int]:
    """How serial numbers of a profile are formed, from the time and the count of numbers taken before."""
    if profile.value("serial", SerialValue).form is SerialForm.PERSON:
        return lambda _now, taken: person_serial(taken + 1)
    return lambda now, _taken: service_serial(now)
