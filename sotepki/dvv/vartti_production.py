"""Making a card: two keys, two certificates, the card itself, the letter with the activation code.

The work takes several transactions, and a process may be killed between any two of them. What was acknowledged is
never lost, because each start looks at what there is:

1. the order goes to ``in-production``; card number and activation code are stored,
2. both certificates are issued and recorded by the certificate authority, under the card's number,
3. the card appears in the shelf, whole or not at all,
4. the order goes to ``delivered``, with the letter in the outbox, in one transaction.

A run that finds certificates of the card without the card revokes them, since their keys died with the earlier run,
and makes new ones. A run that finds the card goes on with step 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sotepki.card import CardContent, KeyUse, Personalisation, new_activation_code, pin_letter
from sotepki.clock import end_of_finnish_day, finnish_day
from sotepki.dvv.claims import exclusive
from sotepki.dvv.ledger import serial_text
from sotepki.dvv.office_data import card_order_machine, office_data
from sotepki.dvv.office_seams import PERSONS, Certification, revoke_all
from sotepki.dvv.office_tables import CardOrderRow
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.vartti_acting import DVV
from sotepki.dvv.vartti_guards import CARD_GUARDS, CardCase
from sotepki.dvv.vartti_orders import CardOrder, as_order, holder_of, order_id, row_of_order, take_step
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.records import Channel, Posting, Records
from sotepki.registers import Person, PopulationRegister, ProfessionalRight
from sotepki.tokens import KeyKind, Pin, PrivateKey
from sotepki.x509.issuing import default_not_after
from sotepki.x509.profiles import load_profiles

PROFILES: Mapping[KeyUse, str] = MappingProxyType(
    {KeyUse.AUTHENTICATION: "professional-authentication-rsa", KeyUse.SIGNATURE: "professional-signature-rsa"}
)

_RIGHT_RULES = frozenset({"order.right.none", "order.right.not-held"})


class KeySource(Protocol):
    """Where card keys come from; each is given once."""

    def take(self, kind: KeyKind) -> PrivateKey: ...


class CardMaker(Protocol):
    """The shelf that makes and keeps cards."""

    def numbers(self) -> Sequence[str]: ...

    def personalise(self, order: Personalisation) -> None: ...

    def read(self, number: str) -> CardContent: ...


@dataclass(frozen=True)
class CardProduction:
    """The part of Vartti that makes cards; ``case_of`` asks the registers about a person."""

    records: Records
    authorities: Certification
    population: PopulationRegister
    cards: CardMaker
    keys: KeySource
    case_of: Callable[[Hetu, datetime, str], CardCase]

    def personalise(self, wanted: str) -> CardOrder:
        """See ``Vartti.personalise``."""
        with self.records.look() as session:
            number = row_of_order(session, wanted).number
        subject = order_id(number)
        with (
            refusals_journalled(self.records, actor=DVV, step="produce", subject=subject),
            exclusive(self.records.outbox_directory.parent / "claims", f"card-order-{number}") as free,
        ):
            if not free:
                raise card_order_machine().refusal(
                    "order.production-claim", f"Another run is making the card of {subject}.", subject=subject
                )
            case = self._start(number)
            self._make(number, case)
            return self._deliver(number, case)

    def retry(self, wanted: str) -> CardOrder | None:
        """``personalise``, but None when another run is at it or the right is gone."""
        try:
            return self.personalise(wanted)
        except Refused as refused:
            if refused.rule in _RIGHT_RULES | {"order.production-claim"}:
                return None
            raise

    def _start(self, number: int) -> CardCase:
        with self.records.look() as session:
            row = session.get_one(CardOrderRow, number)
        case = self.case_of(Hetu(row.hetu), self.records.clock.now(), row.right_code)
        machine = card_order_machine()
        try:
            with self.records.change(office="dvv", actor=DVV) as tx:
                row = tx.session.get_one(CardOrderRow, number)
                name = "resume-production" if row.state == "in-production" else "produce"
                step = machine.step(
                    name, state=row.state, actor=DVV, guards=CARD_GUARDS, case=case, subject=order_id(number)
                )
                if name == "produce":
                    row.card_number = str(office_data().card_number_start + number)
                    row.activation_code = new_activation_code(row.kind).reveal()
                take_step(tx, row, step, card=row.card_number or "")
        except Refused as refused:
            if refused.rule in _RIGHT_RULES:
                self._reject(number, refused.rule)
            raise
        return case

    def _reject(self, number: int, rule: str) -> None:
        with self.records.look() as session:
            row = session.get_one(CardOrderRow, number)
        if row.card_number:
            self._revoke_spoiled(row)
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(CardOrderRow, number)
            case = CardCase(now=tx.now, hetu=Hetu(row.hetu))
            step = card_order_machine().step(
                "reject", state=row.state, actor=DVV, guards=CARD_GUARDS, case=case, subject=order_id(number)
            )
            row.rejected_by = rule
            take_step(tx, row, step, rule=rule)

    def _make(self, number: int, case: CardCase) -> None:
        with self.records.look() as session:
            row = session.get_one(CardOrderRow, number)
        assert row.card_number is not None
        if row.card_number in self.cards.numbers():
            return
        self._revoke_spoiled(row)
        keys = {use: self.keys.take(KeyKind.RSA_3072) for use in KeyUse}
        certificates = {
            use: self.authorities.issue(
                PERSONS,
                PROFILES[use],
                subject=subject_of(case),
                public_key=key.public_key(),
                actor=DVV,
                not_after=_not_after(PROFILES[use], case),
                holder=holder_of(row),
            )
            for use, key in keys.items()
        }
        self.cards.personalise(
            Personalisation(
                number=row.card_number,
                holder=_holder_name(_person(case)),
                keys=keys,
                certificates=certificates,
                issuers=tuple(self.authorities.chain(PERSONS)),
                activation_code=Pin(row.activation_code),
                kind=row.kind,
            )
        )

    def _deliver(self, number: int, case: CardCase) -> CardOrder:
        with self.records.look() as session:
            row = session.get_one(CardOrderRow, number)
        certificates = self.cards.read(row.card_number or "").certificates
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(CardOrderRow, number)
            step = card_order_machine().step(
                "deliver", state=row.state, actor=DVV, guards=CARD_GUARDS, case=case, subject=order_id(number)
            )
            row.authentication_serial = serial_text(certificates[KeyUse.AUTHENTICATION].serial_number)
            row.signature_serial = serial_text(certificates[KeyUse.SIGNATURE].serial_number)
            row.not_after = certificates[KeyUse.SIGNATURE].not_valid_after_utc
            tx.post(_letter(row, _person(case), tx.now))
            row.activation_code = ""
            take_step(
                tx,
                row,
                step,
                card=row.card_number or "",
                authentication_serial=row.authentication_serial,
                signature_serial=row.signature_serial,
            )
            return as_order(row)

    def _revoke_spoiled(self, row: CardOrderRow) -> None:
        revoke_all(
            self.authorities,
            PERSONS,
            holder_of(row),
            reason=office_data().spoiled_reason,
            actor=DVV,
            at=self.records.clock.now(),
        )


def subject_of(case: CardCase) -> dict[str, str]:
    """The subject of both certificates (docs/field/pki.md 5.4)."""
    person, right = _person(case), _right(case)
    assert case.professional is not None
    number = case.professional.registration_number.value
    subject = {
        "country": "FI",
        "title": f"{right.code} {right.title_fi}, {right.title_sv}",
        "serial_number": number,
        "given_name": person.first_name,
        "surname": person.surname,
        "common_name": f"{person.surname} {person.first_name} {number}",
    }
    if case.professional.prescriber_id is not None:
        subject["pseudonym"] = case.professional.prescriber_id.value
    return subject


def _not_after(profile: str, case: CardCase) -> datetime:
    """Five years, or the last day of a right that is limited in time (docs/field/pki.md 5.4, row validity)."""
    longest = default_not_after(load_profiles()[profile], case.now.replace(microsecond=0))
    last_day = _right(case).valid_to
    return longest if last_day is None else min(longest, end_of_finnish_day(last_day))


def _letter(row: CardOrderRow, person: Person, at: datetime) -> Posting:
    content = pin_letter(
        holder=_holder_name(person),
        card_number=row.card_number or "",
        activation_code=Pin(row.activation_code),
        sent=finnish_day(at),
        address=row.letter_address,
        kind=row.kind,
    )
    recipient = f"{_holder_name(person)}, {row.letter_address}"
    return Posting(Channel.LETTER, recipient, f"activation-code-{row.card_number}.txt", content)


def _holder_name(person: Person) -> str:
    return f"{person.first_name} {person.surname}"


def _person(case: CardCase) -> Person:
    assert case.person is not None  # the guards of the step saw to it
    return case.person


def _right(case: CardCase) -> ProfessionalRight:
    assert case.right is not None  # the guards of the step saw to it
    return case.right
