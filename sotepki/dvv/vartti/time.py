"""What time brings to cards: code letters that are due, renewal windows, expiry, reminders, rights that are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.office_data import office_data
from sotepki.dvv.vartti.acting import DVV, Acting
from sotepki.dvv.vartti.case import CardCase
from sotepki.dvv.vartti.closing import RIGHT_REMOVED, CardClosing, closable
from sotepki.dvv.vartti.codes import CodeSeal, code_letter
from sotepki.dvv.vartti.data import PROFESSIONAL, card_machine, vartti_data
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.orders import CardOrder, as_order, order_id, row_of_card, take_step
from sotepki.dvv.vartti.policy import REVOKE_ON_REMOVAL, Policies
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.reminders import CardReminders
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.identifiers import Hetu
from sotepki.records import Records

CLOCK = "clock"


@dataclass(frozen=True)
class CardTime:
    """The part of Vartti that the calendar drives; doing it twice changes nothing."""

    records: Records
    registers: Registers
    closing: CardClosing
    seal: CodeSeal
    policies: Policies
    reminders: CardReminders

    def follow(self) -> list[CardOrder]:
        """See ``Vartti.follow_time``."""
        moved = self._post_letters() + self._move()
        self.reminders.send()
        return moved + self._follow_rights()

    def _move(self) -> list[CardOrder]:
        now = self.records.clock.now()
        with self.records.look() as session:
            due = [row.number for row in _near_their_end(session, now) if _due(row, now)]
        if not due:
            return []
        moved = []
        with self.records.change(office="dvv", actor=CLOCK) as tx:
            tx.journal("card-order.time", "all cards", steps=str(len(due)))
            for number in due:
                row = tx.session.get_one(CardOrderRow, number)
                while name := _due(row, now):
                    case = CardCase(now=tx.now, hetu=Hetu(row.hetu), kind=row.kind, role=CLOCK)
                    step = card_machine(row.kind).step(
                        name, state=row.state, actor=CLOCK, guards=CARD_GUARDS, case=case, subject=order_id(number)
                    )
                    take_step(tx, row, step)
                moved.append(as_order(row))
        return moved

    def post_letter(self, card_number: str) -> CardOrder:
        """See ``Vartti.post_letter``."""
        with self.records.look() as session:
            row = row_of_card(session, card_number)
        return (self._post_letter(row) if row.letter_due else None) or as_order(row)

    def _post_letters(self) -> list[CardOrder]:
        today = finnish_day(self.records.clock.now())
        with self.records.look() as session:
            waiting = list(session.scalars(select(CardOrderRow).where(CardOrderRow.letter_due <= today)))
        return [order for row in waiting if (order := self._post_letter(row))]

    def _post_letter(self, row: CardOrderRow) -> CardOrder | None:
        person = self.registers.population.person(Hetu(row.hetu))
        if person is None:
            return None  # nobody to write to; the letter stays due
        with self.records.change(office="dvv", actor=CLOCK) as tx:
            row = tx.session.get_one(CardOrderRow, row.number)
            if row.letter_due is None or row.sealed_code is None:
                tx.journal("card-order.post-letter", order_id(row.number), found="nothing to post")
                return None
            case = CardCase(now=tx.now, hetu=Hetu(row.hetu), kind=row.kind, role=CLOCK)
            step = card_machine(row.kind).step(
                "post-letter",
                state=row.state,
                actor=CLOCK,
                guards=CARD_GUARDS,
                case=case,
                subject=order_id(row.number),
            )
            row.letter_due = None
            tx.post(code_letter(row, person, self.seal.open(row.sealed_code), finnish_day(tx.now)))
            take_step(tx, row, step)
            return as_order(row)

    def _follow_rights(self) -> list[CardOrder]:
        """Close professional cards whose right is gone, if the workspace's switch says so."""
        if self.policies.value(REVOKE_ON_REMOVAL) != "on":
            return []
        query = select(CardOrderRow).where(
            CardOrderRow.kind == PROFESSIONAL, CardOrderRow.state.in_(closable(PROFESSIONAL))
        )
        with self.records.look() as session:
            rows = list(session.scalars(query.order_by(CardOrderRow.number)))
        now = self.records.clock.now()
        gone = [row for row in rows if self.registers.case_of(row, now).right is None]
        closed = []
        for row in gone:
            with self.records.change(office="dvv", actor=DVV) as tx:
                if tx.session.get_one(CardOrderRow, row.number).state not in closable(PROFESSIONAL):
                    tx.journal("card-order.close", order_id(row.number), found="another run was quicker")
                    continue
                self.closing.begin(tx, row.number, RIGHT_REMOVED, Acting("dvv", DVV))
            if order := self.closing.retry(row.card_number or ""):
                closed.append(order)
        return closed


def _near_their_end(session: Session, now: datetime) -> list[CardOrderRow]:
    """The cards that may have a step to take: none whose end is further away than the renewal window."""
    horizon = now + timedelta(days=31 * office_data().renewal_window_months + 1)
    states = {
        state
        for kind in vartti_data().kinds
        for name in ("open-renewal", "expire")
        for state in card_machine(kind).transitions[name].sources
    }
    query = select(CardOrderRow).where(CardOrderRow.state.in_(states), CardOrderRow.not_after < horizon)
    return list(session.scalars(query.order_by(CardOrderRow.number)))


def _due(row: CardOrderRow, now: datetime) -> str:
    """The step that time asks of a card, or an empty text."""
    transitions = card_machine(row.kind).transitions
    if row.not_after is None:
        return ""
    if row.not_after < now and row.state in transitions["expire"].sources:
        return "expire"
    opens = months_after(finnish_day(row.not_after), -office_data().renewal_window_months)
    if opens < finnish_day(now) and row.state in transitions["open-renewal"].sources:
        return "open-renewal"
    return ""
