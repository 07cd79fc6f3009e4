"""Making a card: two keys, two certificates, the card itself, the letter with the activation code.

The work takes several transactions, and a process may be killed between any two of them. What was acknowledged is
never lost, because each start looks at what there is:

1. the order goes to ``in-production``; card number and sealed activation code are stored,
2. both certificates are issued and recorded by the certificate authority, under the card's number,
3. the card appears in the shelf, whole or not at all,
4. the order goes to ``delivered``, with the letter in the outbox or its day in the books, in one transaction.

A run that finds certificates of the card without the card revokes them, since their keys died with the earlier run,
and makes new ones. A run that finds the card goes on with step 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from sotepki.card import KeyUse, Personalisation, new_activation_code
from sotepki.clock import finnish_day
from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_data import office_data
from sotepki.dvv.office_seams import Certification, revoke_all
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.vartti.acting import DVV
from sotepki.dvv.vartti.card_certification import CardCertification, card_certifications
from sotepki.dvv.vartti.case import CardCase
from sotepki.dvv.vartti.codes import CodeSeal, code_letter
from sotepki.dvv.vartti.data import card_machine
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.orders import CardOrder, as_order, holder_of, order_id, row_of_order, take_step
from sotepki.dvv.vartti.policy import CODE_LETTER_DAYS, Policies
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.seams import CardMaker, KeySource
from sotepki.dvv.vartti.subject import last_moment, subject_of, subject_of_card
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.dvv.working_days import add_working_days
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.records import Records
from sotepki.registers import Person
from sotepki.states import Step
from sotepki.x509.serials import serial_text

__all__ = ["CardMaker", "CardProduction", "KeySource", "subject_of"]

_ENDING_RULES = frozenset({"order.right.none", "order.right.not-held", "staff.employment", "staff.organisation"})
"""An order that one of these stops is rejected for good."""
_UNFIT = ("cert.", "authority.")
"""Beginnings of the rules of certificates: an order whose certificates none can be made of is rejected as well."""


@dataclass(frozen=True)
class CardProduction:
    """The part of Vartti that makes cards."""

    records: Records
    authorities: Certification
    registers: Registers
    cards: CardMaker
    keys: KeySource
    seal: CodeSeal
    policies: Policies

    def personalise(self, wanted: str) -> CardOrder:
        """See ``Vartti.personalise``."""
        with self.records.look() as session:
            number = row_of_order(session, wanted).number
        subject = order_id(number)
        with (
            refusals_journalled(self.records, actor=DVV, step="produce", subject=subject),
            exclusive(self.records.outbox_directory.parent / "claims", f"card-order-{number}") as free,
        ):
            row = self._row(number)
            if not free:
                raise card_machine(row.kind).refusal(
                    "order.production-claim", f"Another run is making the card of {subject}.", subject=subject
                )
            case = self._start(row)
            try:
                self._make(self._row(number), case)
            except Refused as refused:
                if refused.rule.startswith(_UNFIT):
                    self._reject(number, refused.rule)
                raise
            return self._deliver(number, case)

    def retry(self, wanted: str) -> CardOrder | None:
        """``personalise``, but None when it is refused: another run is at it, or the order is rejected.

        Nobody asked for this card just now, so a refusal is written to the journal and stops nothing else.
        """
        try:
            return self.personalise(wanted)
        except Refused:
            return None

    def _start(self, row: CardOrderRow) -> CardCase:
        number = row.number  # a row does not outlive a change that was refused
        case = self.registers.case_of(row, self.records.clock.now())
        try:
            with self.records.change(office="dvv", actor=DVV) as tx:
                row = tx.session.get_one(CardOrderRow, number)
                name = "resume-production" if row.state == "in-production" else "produce"
                step = _step(name, row, case)
                if name == "produce":
                    row.card_number = str(office_data().card_number_start + row.number)
                    row.sealed_code = self.seal.seal(new_activation_code(row.kind))
                take_step(tx, row, step, card=row.card_number or "")
        except Refused as refused:
            if refused.rule in _ENDING_RULES:
                self._reject(number, refused.rule)
            raise
        return case

    def _reject(self, number: int, rule: str) -> None:
        row = self._row(number)
        if row.card_number:
            self._revoke_spoiled(row)
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(CardOrderRow, number)
            step = _step("reject", row, CardCase(now=tx.now, hetu=Hetu(row.hetu), kind=row.kind))
            row.rejected_by = rule
            take_step(tx, row, step, rule=rule)

    def _make(self, row: CardOrderRow, case: CardCase) -> None:
        assert row.card_number is not None and row.sealed_code is not None
        if self.cards.has(row.card_number):
            return
        self._revoke_spoiled(row)
        made_by, subject = _certification(row), subject_of_card(case, row.staff_number)
        keys = {use: self.keys.take(made_by.key) for use in KeyUse}
        certificates = {
            use: self.authorities.issue(
                made_by.authority,
                made_by.profiles[use],
                subject=subject,
                public_key=key.public_key(),
                actor=DVV,
                not_after=last_moment(made_by.profiles[use], case),
                holder=holder_of(row),
            )
            for use, key in keys.items()
        }
        person = _person(case)
        self.cards.personalise(
            Personalisation(
                number=row.card_number,
                holder=f"{person.first_name} {person.surname}",
                keys=keys,
                certificates=certificates,
                issuers=tuple(self.authorities.chain(made_by.authority))[:2],
                activation_code=self.seal.open(row.sealed_code),
                kind=row.kind,
            )
        )

    def _deliver(self, number: int, case: CardCase) -> CardOrder:
        certificates = self.cards.read(self._row(number).card_number or "").certificates
        delay = int(self.policies.value(CODE_LETTER_DAYS))
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(CardOrderRow, number)
            step = _step("deliver", row, case)
            row.authentication_serial = serial_text(certificates[KeyUse.AUTHENTICATION].serial_number)
            row.signature_serial = serial_text(certificates[KeyUse.SIGNATURE].serial_number)
            row.not_after = certificates[KeyUse.SIGNATURE].not_valid_after_utc
            assert row.sealed_code is not None
            if delay:
                row.letter_due = add_working_days(finnish_day(tx.now), delay)
            else:
                tx.post(code_letter(row, _person(case), self.seal.open(row.sealed_code), finnish_day(tx.now)))
            take_step(
                tx,
                row,
                step,
                card=row.card_number or "",
                authentication_serial=row.authentication_serial,
                signature_serial=row.signature_serial,
                **({"letter_due": row.letter_due.isoformat()} if row.letter_due else {}),
            )
            return as_order(row)

    def _row(self, number: int) -> CardOrderRow:
        with self.records.look() as session:
            return session.get_one(CardOrderRow, number)

    def _revoke_spoiled(self, row: CardOrderRow) -> None:
        revoke_all(
            self.authorities,
            _certification(row).authority,
            holder_of(row),
            reason=office_data().spoiled_reason,
            actor=DVV,
            at=self.records.clock.now(),
        )


def _step(name: str, row: CardOrderRow, case: CardCase) -> Step:
    return card_machine(row.kind).step(
        name, state=row.state, actor=DVV, guards=CARD_GUARDS, case=case, subject=order_id(row.number)
    )


def _certification(row: CardOrderRow) -> CardCertification:
    return card_certifications()[row.kind]


def _person(case: CardCase) -> Person:
    assert case.person is not None  # the guards of the step saw to it
    return case.person
