"""Vartti, the ordering system for cards: one door to its parts.

The steps, who may take them, when and under which rules are data (``states/card-order.yaml`` for professional cards,
``states/staff-card-order.yaml`` for personnel and actor cards; ``rules_offices.yaml``, ``rules_vartti.yaml``). Orders
are taken in ``ordering``, cards made in ``production``, handled at the desk in ``desk``, renewed by their holders in
``renewal`` and closed in ``closing``; ``time`` takes the steps that the calendar brings.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from sotepki.dvv.office_seams import Certification
from sotepki.dvv.registration.points import RegistrationPoints
from sotepki.dvv.vartti.acting import DVV, Acting
from sotepki.dvv.vartti.case import Employment, IdentityProof
from sotepki.dvv.vartti.closing import CardClosing
from sotepki.dvv.vartti.codes import CodeSeal
from sotepki.dvv.vartti.data import card_machine, vartti_data
from sotepki.dvv.vartti.desk import CardDesk
from sotepki.dvv.vartti.ordering import Batch, CardOrdering, CardRequest
from sotepki.dvv.vartti.orders import CardOrder, TakenStep, as_order, history, row_of_card, row_of_order
from sotepki.dvv.vartti.policy import Policies
from sotepki.dvv.vartti.production import CardProduction
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.reminders import CardReminders, SentReminder
from sotepki.dvv.vartti.renewal import CardRenewal
from sotepki.dvv.vartti.seams import CardMaker, KeySource
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.dvv.vartti.time import CardTime
from sotepki.errors import Misuse
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.records import Records
from sotepki.registers import OrganisationRegister, PopulationRegister, RightsRegister


class Vartti:
    """The ordering system; ``points`` are its registration points and registrars, ``policies`` its switches."""

    def __init__(
        self,
        records: Records,
        authorities: Certification,
        population: PopulationRegister,
        rights: RightsRegister,
        cards: CardMaker,
        keys: KeySource,
        organisations: OrganisationRegister | None = None,
    ) -> None:
        self.records = records
        self.population = population
        self.rights = rights
        self.points = RegistrationPoints(records)
        self.policies = Policies(records)
        seal = CodeSeal(records.outbox_directory.parent / "vartti")
        registers = Registers(population, rights, self.points, organisations)
        self._closing = CardClosing(records, authorities, self.points)
        self._ordering = CardOrdering(records, registers, self.points)
        self._production = CardProduction(records, authorities, registers, cards, keys, seal, self.policies)
        self._desk = CardDesk(records, registers, self.points, self._closing, seal)
        self._renewal = CardRenewal(records, authorities, registers)
        self._reminders = CardReminders(records, population)
        self._time = CardTime(records, registers, self._closing, seal, self.policies, self._reminders)

    # --- orders ----------------------------------------------------------------------------------------------

    def place_order(self, request: CardRequest, *, registrar: Hetu, point: str = "") -> CardOrder:
        """Order a card of any kind; returns the order in the state ``ordered`` with any warnings.

        ``point`` is the registration point of a registrar who works at several.

        Raises:
            Refused: a rule of the order says no; the refusal stands in the journal.
        """
        return self._ordering.place(request, registrar=registrar, point=point)

    def place_orders(self, requests: Sequence[CardRequest], *, registrar: Hetu, point: str = "") -> Batch:
        """Many orders of one registrar, checked one by one as ``place_order`` does, stored in one transaction.

        A request that a rule refuses does not stop the others.

        Raises:
            Refused: rule ``order.batch``, or the person is no registrar.
        """
        return self._ordering.place_many(requests, registrar=registrar, point=point)

    def look_over(self, request: CardRequest, *, registrar: Hetu, point: str = "") -> tuple[Finding, ...]:
        """What stands in the way of an order now, in the order in which ``place_order`` would say it.

        For a form that tells while it is filled in: nothing is ordered, and nothing written down.

        Raises:
            Refused: the person is no registrar, or Vartti takes no orders for cards of the kind.
        """
        return self._ordering.look_over(request, registrar=registrar, point=point)

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
        """``place_order`` for a professional card; see ``CardRequest`` for the arguments."""
        request = CardRequest(
            applicant, identity, right_code=right_code, employer=employer, letter_address=letter_address
        )
        return self.place_order(request, registrar=registrar, point=point)

    def cancel_order(self, order: str, *, actor: Hetu | str) -> CardOrder:
        """Withdraw an order before the card is made."""
        return self._desk.cancel(order, actor)

    # --- making ----------------------------------------------------------------------------------------------

    def personalise(self, order: str) -> CardOrder:
        """Make the card of an order, or finish a making that was interrupted; returns it in state ``delivered``.

        Raises:
            Refused: wrong state, another run at work; or the right or the employment has ended, or no certificate can
                be made of what it would say (then the order is rejected).
            Misuse: there is no such order.
        """
        return self._production.personalise(order)

    def resume(self) -> list[CardOrder]:
        """Finish interrupted productions and closings; what is refused is left or rejected, and journalled."""
        made = (self._production.retry(row.id) for row in self.orders(state="in-production"))
        closed = (self._closing.retry(order.card_number) for order in self.orders(state="closing"))
        return [order for order in (*made, *closed) if order]

    # --- at the desk -----------------------------------------------------------------------------------------

    def hand_over(self, card_number: str, *, registrar: Hetu, identity: IdentityProof) -> CardOrder:
        """Give the card to its holder, whose identity is checked again.

        Raises:
            Refused: the registrar, the identity document, the right or the employment does not allow it.
            Misuse: there is no such card.
        """
        return self._desk.hand_over(card_number, registrar, identity)

    def note_activation(self, card_number: str, *, actor: Hetu | str) -> CardOrder:
        """Write down that the holder has set the PINs; by the holder, or by the registrar at hand-over.

        The card that this one renewed is closed then.
        """
        return self._desk.note_activation(card_number, actor)

    def order_new_code(
        self, card_number: str, *, registrar: Hetu, identity: IdentityProof, letter_address: str = ""
    ) -> CardOrder:
        """Another letter with the activation code, for a holder who stands at the desk; the first was lost.

        Raises:
            Refused: ``code.actor``, ``code.kept``, the registrar's or the identity's rules, ``order.state``.
        """
        return self._desk.new_code(card_number, registrar, identity, letter_address)

    # --- the holder's renewal --------------------------------------------------------------------------------

    def renewal_challenge(self, card_number: str) -> bytes:
        """What the present card's authentication key is to sign (PKCS#1 v1.5 or ECDSA, SHA-256) for ``renew``.

        Raises:
            Misuse: there is no such card.
        """
        return self._renewal.challenge(card_number)

    def renew(self, card_number: str, challenge: bytes, signature: bytes, *, letter_address: str = "") -> CardOrder:
        """The order of a card that is the same as the present one, placed by its holder; it comes by post.

        Raises:
            Refused: a rule ``renewal.*`` or of the right, ``order.one-card``, ``order.delivery``.
            Misuse: there is no such card.
        """
        return self._renewal.renew(card_number, challenge, signature, letter_address)

    # --- the end ---------------------------------------------------------------------------------------------

    def close_card(self, card_number: str, reason: str, actor: Hetu | str) -> CardOrder:
        """Revoke both certificates of a card for a reason of ``offices.yaml``; ``actor`` is a person or ``"dvv"``.

        Raises:
            Refused: ``close.actor``, ``close.reason``, ``close.reason-actor``, ``order.state`` (closed already), or a
                registrar's rule.
            Misuse: there is no such card.
        """
        return self._closing.close(card_number, reason, actor)

    def end_employment(self, person: Hetu, organisation: Oid, *, registrar: Hetu) -> list[CardOrder]:
        """Close every personnel and actor card that a person has for an organisation; returns the closed ones."""
        return self._closing.end_employment(person, organisation, registrar)

    def report_found(self, card_number: str, actor: Hetu | str) -> CardOrder:
        """Write down that a closed card was found. It stays closed: a revocation is never undone."""
        return self._closing.found(card_number, actor)

    def complain(self, card_number: str, *, registrar: Hetu, text: str) -> CardOrder:
        """Send a complaint notice of a faulty card, closed as broken, to the card production.

        Raises:
            Refused: ``complaint.broken``, ``complaint.text``, ``order.state``, ``order.actor``.
        """
        return self._closing.complain(card_number, registrar, text)

    # --- time ------------------------------------------------------------------------------------------------

    def follow_time(self) -> list[CardOrder]:
        """What time brings: code letters, renewal windows, expiry, reminders; with ``revoke-on-removal`` closings.

        Returns the cards whose state or letter changed.
        """
        return self._time.follow()

    def post_letter(self, card_number: str) -> CardOrder:
        """Post a code letter before its day, for a story that does not wait; nothing if none is waiting."""
        return self._time.post_letter(card_number)

    def send_reminders(self) -> list[SentReminder]:
        """The reminders that are due and were not sent before."""
        return self._reminders.send()

    def reminders_sent(self) -> list[SentReminder]:
        """Every reminder that went out, oldest first."""
        return self._reminders.sent()

    # --- looking ---------------------------------------------------------------------------------------------

    def order(self, order: str) -> CardOrder:
        """One order by its id; ``Misuse`` if there is none."""
        with self.records.look() as session:
            return as_order(row_of_order(session, order))

    def card(self, card_number: str) -> CardOrder:
        """The order that a card came of; ``Misuse`` if there is no such card."""
        with self.records.look() as session:
            return as_order(row_of_card(session, card_number))

    def history(self, order: str) -> list[TakenStep]:
        """Every step of an order and its card, with actor and time, oldest first."""
        with self.records.look() as session:
            return history(session, row_of_order(session, order).number)

    def orders(
        self,
        *,
        state: str = "",
        kind: str = "",
        registration_number: RegistrationNumber | None = None,
        hetu: Hetu | None = None,
    ) -> list[CardOrder]:
        """All orders that fit, oldest first.

        Raises:
            Misuse: there is no such state.
            Refused: rule ``order.kind``.
        """
        query = select(CardOrderRow).order_by(CardOrderRow.number)
        if state:
            states = {one: None for kind_id in vartti_data().kinds for one in card_machine(kind_id).states}
            if state not in states:
                raise Misuse(f"There is no state {state!r}.", advice=f"States: {', '.join(states)}.")
            query = query.where(CardOrderRow.state == state)
        if kind:
            card_machine(kind)  # refuses a kind that is not ordered here
            query = query.where(CardOrderRow.kind == kind)
        if registration_number:
            query = query.where(CardOrderRow.registration_number == registration_number.value)
        if hetu:
            query = query.where(CardOrderRow.hetu == hetu.value)
        with self.records.look() as session:
            return [as_order(row) for row in session.scalars(query)]


__all__ = ["DVV", "Acting", "Batch", "CardOrder", "CardRequest", "Employment", "IdentityProof", "Vartti"]
