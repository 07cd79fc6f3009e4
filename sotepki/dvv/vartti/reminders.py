"""Reminders before the end of a card: who gets which, when, is data (``vartti.yaml``); each is sent once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, select

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.vartti.data import Reminder, card_machine, vartti_data
from sotepki.dvv.vartti.orders import order_id
from sotepki.dvv.vartti.tables import CardOrderRow, ReminderRow
from sotepki.identifiers import Hetu
from sotepki.records import Channel, Posting, Records
from sotepki.registers import PopulationRegister

HOLDER, POINT = "holder", "point"


@dataclass(frozen=True)
class SentReminder:
    """A reminder that went out: for which card, which one, to whom (``holder`` or ``point``), and when it ends."""

    order: str
    card_number: str
    reminder: str
    to: str
    valid_to: date


@dataclass(frozen=True)
class CardReminders:
    """The part of Vartti that writes to people whose cards end soon."""

    records: Records
    population: PopulationRegister

    def send(self) -> list[SentReminder]:
        """Send what is due now and was not sent before. A card that ended meanwhile is not written about."""
        sent = []
        for reminder in vartti_data().reminders.values():
            sent += [one for row in self._waiting(reminder) if (one := self._send(row, reminder))]
        return sent

    def sent(self) -> list[SentReminder]:
        """Every reminder that went out, oldest first."""
        query = (
            select(ReminderRow, CardOrderRow)
            .join(CardOrderRow, CardOrderRow.number == ReminderRow.order)
            .order_by(ReminderRow.sent_at, ReminderRow.order)
        )
        with self.records.look() as session:
            rows = session.execute(query).all()
        return [_as_sent(row, vartti_data().reminders[reminder.reminder]) for reminder, row in rows]

    def _waiting(self, reminder: Reminder) -> list[CardOrderRow]:
        now = self.records.clock.now()
        horizon = now + timedelta(days=31 * reminder.months_before + 1)
        states = {
            state for kind in reminder.kinds for state in card_machine(kind).transitions["open-renewal"].sources
        }
        already = exists().where(ReminderRow.order == CardOrderRow.number, ReminderRow.reminder == reminder.id)
        renewed = select(CardOrderRow.renews).where(
            CardOrderRow.renews.is_not(None),
            CardOrderRow.slot.is_not(None),  # not of a renewal that came to nothing
        )
        query = select(CardOrderRow).where(
            CardOrderRow.kind.in_(reminder.kinds),
            CardOrderRow.state.in_(states | {"renewal-open"}),
            CardOrderRow.not_after >= now,
            CardOrderRow.not_after < horizon,
            ~already,
            CardOrderRow.number.not_in(renewed),
        )
        with self.records.look() as session:
            rows = list(session.scalars(query.order_by(CardOrderRow.number)))
        today = finnish_day(now)
        return [row for row in rows if months_after(_last_day(row), -reminder.months_before) < today]

    def _send(self, row: CardOrderRow, reminder: Reminder) -> SentReminder | None:
        posting = self._posting(row, reminder)
        if posting is None:
            return None
        with self.records.change(office="dvv", actor="clock") as tx:
            subject = order_id(row.number)
            if tx.session.get(ReminderRow, (row.number, reminder.id)):
                tx.journal("card.reminder", subject, reminder=reminder.id, found="sent already")
                return None
            tx.session.add(ReminderRow(order=row.number, reminder=reminder.id, sent_at=tx.now))
            tx.post(posting)
            tx.session.flush()
            tx.journal("card.reminder", subject, reminder=reminder.id, to=reminder.to, card=row.card_number or "")
        return _as_sent(row, reminder)

    def _posting(self, row: CardOrderRow, reminder: Reminder) -> Posting | None:
        name = f"reminder-{reminder.id}-{row.card_number}.txt"
        if reminder.to == POINT:
            return Posting(Channel.EMAIL, f"registration point {row.point}", name, _to_point(row))
        person = self.population.person(Hetu(row.hetu))
        if person is None:
            return None
        whose = f"{person.first_name} {person.surname}"
        return Posting(Channel.LETTER, f"{whose}, {row.letter_address}", name, _to_holder(row, whose))


def _as_sent(row: CardOrderRow, reminder: Reminder) -> SentReminder:
    return SentReminder(order_id(row.number), row.card_number or "", reminder.id, reminder.to, _last_day(row))


def _to_holder(row: CardOrderRow, name: str) -> bytes:
    how = {
        True: "Uusi kortti Omakortissa nykyisellä kortilla. Förnya kortet i Mittkort med ditt nuvarande kort. "
        "Renew it in MyCard with your present card.",
        False: "Uuden kortin tilaa rekisteröintipiste. Ett nytt kort beställs på registreringsstället. "
        "A new card is ordered at the registration point.",
    }[vartti_data().kinds[row.kind].renewed_by_holder]
    return f"TEST\n{name}\n\nKortti / Kort / Card {row.card_number}: {_last_day(row):%d.%m.%Y}\n{how}\n".encode()


def _to_point(row: CardOrderRow) -> bytes:
    return (
        f"TEST\nThe {row.kind} card {row.card_number} of order {order_id(row.number)} is valid to "
        f"{_last_day(row)}.\nA new card is ordered at the registration point; none is sent by itself.\n"
    ).encode()


def _last_day(row: CardOrderRow) -> date:
    assert row.not_after is not None  # the query saw to it
    return finnish_day(row.not_after)
