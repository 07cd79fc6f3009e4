"""Closing a card: both certificates are revoked with the reason code that fits, and no step can be lost.

The order goes to ``closing`` with its reason in one transaction, then each certificate is revoked, then the order is
``closed``. A run that is killed in between is finished by the next one.
"""

from __future__ import annotations

from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_data import card_order_machine, office_data
from sotepki.dvv.office_seams import PERSONS, Certification, revoke_all
from sotepki.dvv.office_tables import CardOrderRow
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration_points import RegistrationPoints
from sotepki.dvv.vartti_acting import DVV, Acting, acting_on
from sotepki.dvv.vartti_guards import CARD_GUARDS, CardCase
from sotepki.dvv.vartti_orders import CardOrder, as_order, holder_of, order_id, row_of_card, take_step
from sotepki.identifiers import Hetu
from sotepki.records import Records


class CardClosing:
    """The part of Vartti that closes cards."""

    def __init__(self, records: Records, authorities: Certification, points: RegistrationPoints) -> None:
        self.records = records
        self.authorities = authorities
        self.points = points
        self._machine = card_order_machine()

    def close(self, card_number: str, reason: str, actor: Hetu | str) -> CardOrder:
        """See ``Vartti.close_card``."""
        with self.records.look() as session:
            row = row_of_card(session, card_number)
        acting = acting_on(row, actor, self.points, self.records.clock.now())
        with refusals_journalled(self.records, actor=acting.name, step="close", subject=order_id(row.number)):
            if acting.role == "other":
                raise self._machine.refusal(
                    "close.actor",
                    f"The person who asks is neither the holder of the card {card_number} nor a registrar.",
                    subject=card_number,
                )
            if reason not in office_data().closing_reasons:
                raise self._machine.refusal(
                    "close.reason", f"The reason {reason[:40]!r} is not one for closing a card.", subject=card_number
                )
            self._begin(row.number, reason, acting)
        return self.finish(card_number)

    def finish(self, card_number: str) -> CardOrder:
        """Revoke what is still to be revoked of a card in the state ``closing`` and mark it closed."""
        with exclusive(self.records.outbox_directory.parent / "claims", f"card-{card_number}") as free:
            if not free:
                raise self._machine.refusal(
                    "order.production-claim", f"Another run is closing the card {card_number}.", subject=card_number
                )
            with self.records.look() as session:
                row = row_of_card(session, card_number)
            if row.state == "closed":
                return as_order(row)
            revoke_all(
                self.authorities,
                PERSONS,
                holder_of(row),
                reason=office_data().closing_reasons[row.closing_reason],
                actor=DVV,
                at=self.records.clock.now(),
            )
            with self.records.change(office="dvv", actor=DVV) as tx:
                row = tx.session.get_one(CardOrderRow, row.number)
                step = self._machine.step(
                    "confirm-closed",
                    state=row.state,
                    actor="dvv",
                    guards=CARD_GUARDS,
                    case=CardCase(now=tx.now, hetu=Hetu(row.hetu)),
                    subject=order_id(row.number),
                )
                row.closed_at = tx.now
                take_step(tx, row, step, card=card_number, reason=row.closing_reason)
                return as_order(row)

    def _begin(self, number: int, reason: str, acting: Acting) -> None:
        with self.records.change(office="dvv", actor=acting.name) as tx:
            row = tx.session.get_one(CardOrderRow, number)
            case = CardCase(now=tx.now, hetu=Hetu(row.hetu), registrar=acting.registrar)
            name = "resume-closing" if row.state == "closing" else "close"
            step = self._machine.step(
                name, state=row.state, actor=acting.role, guards=CARD_GUARDS, case=case, subject=order_id(number)
            )
            if name == "close":
                row.closing_reason = reason
                row.slot = None
            take_step(tx, row, step, card=row.card_number or "", reason=row.closing_reason)
