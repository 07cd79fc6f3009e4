"""Vartti, the ordering system for cards: order, hand-over, activation, closing, the passing of time.

The steps, who may take them and under which rules are data (``states/card-order.yaml``, ``rules_offices.yaml``).
Making the card is ``vartti_production``, closing it is ``vartti_closing``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.dvv.office_data import card_order_machine, office_data
from sotepki.dvv.office_seams import Certification
from sotepki.dvv.office_tables import CardOrderRow
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration_points import Registrar, RegistrationPoints
from sotepki.dvv.state_machine import Step
from sotepki.dvv.vartti_acting import DVV, Acting, acting_on
from sotepki.dvv.vartti_closing import CardClosing
from sotepki.dvv.vartti_guards import CARD_GUARDS, CardCase, IdentityProof, chosen_right, is_dual
from sotepki.dvv.vartti_orders import (
    PROFESSIONAL,
    CardOrder,
    as_order,
    held_cards,
    order_id,
    row_of_card,
    row_of_order,
    take_step,
)
from sotepki.dvv.vartti_production import CardMaker, CardProduction, KeySource
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.records import Records
from sotepki.registers import PopulationRegister, RightsRegister

_ORDERING = ("check-identity", "check-right", "place")


class Vartti:
    """The ordering system; ``points`` are its registration points and registrars."""

    def __init__(
        self,
        records: Records,
        authorities: Certification,
        population: PopulationRegister,
        rights: RightsRegister,
        cards: CardMaker,
        keys: KeySource,
    ) -> None:
        self.records = records
        self.population = population
        self.rights = rights
        self.points = RegistrationPoints(records)
        self._machine = card_order_machine()
        self._closing = CardClosing(records, authorities, self.points)
        self._production = CardProduction(records, authorities, population, cards, keys, self._case)

    def order_professional_card(
        self,
        *,
        registrar: Hetu,
        applicant: Hetu,
        identity: IdentityProof,
        right_code: str = "",
        employer: Oid | None = None,
        letter_address: str = "",
        point: str = "",
    ) -> CardOrder:
        """Order a professional card; returns the order in the state ``ordered`` with any warnings.

        ``right_code`` chooses the right that the card shows (default: the one granted first), ``letter_address``
        where the code letter goes (default: the home address), ``point`` the registration point of a registrar who
        works at several.

        Raises:
            Refused: a rule of the order says no; the refusal stands in the journal.
        """
        now = self.records.clock.now()
        name = "a person who is not a registrar"
        with refusals_journalled(self.records, actor=name, step="order", subject="card order"):
            acting = self.points.registrar(registrar, point_id=point, at=now)
        case = replace(self._case(applicant, now, right_code), registrar=acting, identity=identity, employer=employer)
        person = case.person
        case = replace(
            case,
            letter_address=letter_address or (person.home_address if person else ""),
            trained=self.points.trained(acting.point.id, now),
        )
        subject = f"card order at {acting.point.id}"
        with (
            refusals_journalled(self.records, actor=acting.name, step="order", subject=subject),
            self.records.change(office="dvv", actor=acting.name) as tx,
        ):
            case = replace(case, now=tx.now, held=held_cards(tx.session, applicant))
            state, steps = self._machine.initial, []
            for step_name in _ORDERING:
                steps.append(self._step(step_name, state, "registrar", case, subject))
                state = steps[-1].target
            row = self._new_row(case, acting)
            tx.session.add(row)
            try:
                tx.session.flush()
            except IntegrityError:
                raise self._machine.refusal(
                    "order.one-card", "Another order for the person was placed at the same time.", subject=subject
                ) from None
            for step in steps:
                take_step(tx, row, step, point=row.point)
            return as_order(row, tuple(finding for step in steps for finding in step.warnings))

    def personalise(self, order: str) -> CardOrder:
        """Make the card of an order, or finish a making that was interrupted; returns it in state ``delivered``.

        Raises:
            Refused: wrong state, another run at work, or the right has ended (then the order is rejected).
            Misuse: there is no such order.
        """
        return self._production.personalise(order)

    def resume(self) -> list[CardOrder]:
        """Finish every production and closing that was interrupted; an order whose right is gone is rejected."""
        resumed = [order for row in self.orders(state="in-production") if (order := self._production.retry(row.id))]
        return resumed + [self._closing.finish(order.card_number) for order in self.orders(state="closing")]

    def cancel_order(self, order: str, *, actor: Hetu | str) -> CardOrder:
        """Withdraw an order before the card is made."""
        return self._simple_step("cancel", actor, order=order)

    def hand_over(self, card_number: str, *, registrar: Hetu, identity: IdentityProof) -> CardOrder:
        """Give the card to its holder, whose identity is checked again.

        Raises:
            Refused: the registrar, the identity document or the right does not allow it.
            Misuse: there is no such card.
        """
        return self._simple_step("hand-over", registrar, card_number=card_number, identity=identity)

    def note_activation(self, card_number: str, *, actor: Hetu | str) -> CardOrder:
        """Write down that the holder has set the PINs; by the holder, or by the registrar at hand-over."""
        return self._simple_step("activate", actor, card_number=card_number)

    def close_card(self, card_number: str, reason: str, actor: Hetu | str) -> CardOrder:
        """Revoke both certificates of a card for a reason of ``offices.yaml``; ``actor`` is a person or ``"dvv"``.

        Raises:
            Refused: ``close.actor``, ``close.reason``, ``order.state`` (closed already), or a registrar's rule.
            Misuse: there is no such card.
        """
        return self._closing.close(card_number, reason, actor)

    def follow_time(self) -> list[CardOrder]:
        """Take the steps that time brings: renewal windows that have opened, cards that have expired."""
        now = self.records.clock.now()
        with self.records.look() as session:
            due = [row.number for row in self._cards(session) if _due(row, now)]
        if not due:
            return []
        moved = []
        with self.records.change(office="dvv", actor="clock") as tx:
            tx.journal("card-order.time", "all cards", steps=str(len(due)))
            for number in due:
                row = tx.session.get_one(CardOrderRow, number)
                while name := _due(row, now):
                    step = self._step(name, row.state, "clock", CardCase(now=tx.now, hetu=Hetu(row.hetu)), row.state)
                    take_step(tx, row, step)
                moved.append(as_order(row))
        return moved

    def order(self, order: str) -> CardOrder:
        """One order by its id; ``Misuse`` if there is none."""
        with self.records.look() as session:
            return as_order(row_of_order(session, order))

    def card(self, card_number: str) -> CardOrder:
        """The order that a card came of; ``Misuse`` if there is no such card."""
        with self.records.look() as session:
            return as_order(row_of_card(session, card_number))

    def orders(
        self, *, state: str = "", registration_number: RegistrationNumber | None = None, hetu: Hetu | None = None
    ) -> list[CardOrder]:
        """All orders that fit, oldest first."""
        query = select(CardOrderRow).order_by(CardOrderRow.number)
        if state:
            if state not in self._machine.states:
                raise Misuse(f"There is no state {state!r}.", advice=f"States: {', '.join(self._machine.states)}.")
            query = query.where(CardOrderRow.state == state)
        if registration_number:
            query = query.where(CardOrderRow.registration_number == registration_number.value)
        if hetu:
            query = query.where(CardOrderRow.hetu == hetu.value)
        with self.records.look() as session:
            return [as_order(row) for row in session.scalars(query)]

    def _simple_step(
        self,
        name: str,
        actor: Hetu | str,
        *,
        order: str = "",
        card_number: str = "",
        identity: IdentityProof | None = None,
    ) -> CardOrder:
        with self.records.look() as session:
            row = row_of_order(session, order) if order else row_of_card(session, card_number)
        now = self.records.clock.now()
        acting = acting_on(row, actor, self.points, now, as_registrar=name == "hand-over")
        subject = order_id(row.number)
        case = replace(self._case(Hetu(row.hetu), now, row.right_code), registrar=acting.registrar, identity=identity)
        with (
            refusals_journalled(self.records, actor=acting.name, step=name, subject=subject),
            self.records.change(office="dvv", actor=acting.name) as tx,
        ):
            row = tx.session.get_one(CardOrderRow, row.number)
            step = self._step(name, row.state, acting.role, case, subject)
            if name == "hand-over":
                row.handed_over_at = tx.now
            if name == "activate":
                row.activated_at = tx.now
            take_step(tx, row, step, **({"identity": str(identity)} if identity else {}))
            return as_order(row, step.warnings)

    def _case(self, hetu: Hetu, now: datetime, right_code: str) -> CardCase:
        """What the registers say about a person at a moment."""
        professional = self.rights.professional_of(hetu)
        rights = self.rights.rights_in_force(professional.registration_number, now) if professional else ()
        return CardCase(
            now=now,
            hetu=hetu,
            person=self.population.person(hetu),
            professional=professional,
            rights=tuple(rights),
            right_code=right_code,
            right=chosen_right(rights, right_code),
        )

    def _new_row(self, case: CardCase, registrar: Registrar) -> CardOrderRow:
        assert case.right is not None and case.professional is not None  # the guards of the order saw to it
        profession = office_data().profession_of(case.right.title_fi)
        return CardOrderRow(
            state=self._machine.initial,
            kind=PROFESSIONAL,
            hetu=case.hetu.value,
            registration_number=case.professional.registration_number.value,
            right_code=case.right.code,
            profession=profession,
            slot=f"{PROFESSIONAL}/{case.hetu.value}/{profession if is_dual(case.rights) else ''}",
            point=registrar.point.id,
            registrar=registrar.id,
            employer=case.employer.value if case.employer else "",
            identity_document=str(case.identity),
            letter_address=case.letter_address.strip(),
            ordered_at=case.now,
            changed_at=case.now,
        )

    def _step(self, name: str, state: str, role: str, case: CardCase, subject: str) -> Step:
        return self._machine.step(name, state=state, actor=role, guards=CARD_GUARDS, case=case, subject=subject)

    def _cards(self, session: Session) -> list[CardOrderRow]:
        states = {s for name in ("open-renewal", "expire") for s in self._machine.transitions[name].sources}
        return list(session.scalars(select(CardOrderRow).where(CardOrderRow.state.in_(states))))


def _due(row: CardOrderRow, now: datetime) -> str:
    """The step that time asks of a card, or an empty text."""
    machine = card_order_machine()
    if row.not_after is None:
        return ""
    if row.not_after < now and row.state in machine.transitions["expire"].sources:
        return "expire"
    opens = _months_before(finnish_day(row.not_after), office_data().renewal_window_months)
    if opens < finnish_day(now) and row.state in machine.transitions["open-renewal"].sources:
        return "open-renewal"
    return ""


def _months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    for last in (day.day, 30, 29, 28):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


__all__ = ["DVV", "Acting", "CardOrder", "IdentityProof", "Vartti"]
