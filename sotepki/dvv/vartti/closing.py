"""Closing a card: both certificates are revoked with the reason code that fits, and no step can be lost.

The order goes to ``closing`` with its reason in one transaction, then each certificate is revoked, then the order is
``closed``. A run that is killed in between is finished by the next one. A closed card that is found stays closed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_data import office_data
from sotepki.dvv.office_seams import Certification, revoke_all
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.points import RegistrationPoints
from sotepki.dvv.vartti.acting import DVV, Acting, acting_on
from sotepki.dvv.vartti.card_certification import card_certifications
from sotepki.dvv.vartti.case import CardCase, organisation_key
from sotepki.dvv.vartti.data import card_machine, vartti_data
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.orders import CardOrder, as_order, holder_of, order_id, row_of_card, take_step
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Channel, Posting, Records, Transaction

REPLACED = "replaced"
RIGHT_REMOVED = "right-removed"
EMPLOYMENT_ENDED = "employment-ended"


@dataclass(frozen=True)
class CardClosing:
    """The part of Vartti that closes cards."""

    records: Records
    authorities: Certification
    points: RegistrationPoints

    def close(self, card_number: str, reason: str, actor: Hetu | str) -> CardOrder:
        """See ``Vartti.close_card``."""
        with self.records.look() as session:
            row = row_of_card(session, card_number)
        machine = card_machine(row.kind)
        acting = acting_on(row, actor, self.points, self.records.clock.now())
        with refusals_journalled(self.records, actor=acting.name, step="close", subject=order_id(row.number)):
            if acting.role == "other":
                raise machine.refusal(
                    "close.actor",
                    f"The person who asks is neither the holder of the card {card_number} nor a registrar.",
                    subject=card_number,
                )
            if reason not in office_data().closing_reasons:
                raise machine.refusal(
                    "close.reason", f"The reason {reason[:40]!r} is not one for closing a card.", subject=card_number
                )
            with self.records.change(office="dvv", actor=acting.name) as tx:
                warnings = self.begin(tx, row.number, reason, acting)
        return self.finish(card_number, warnings)

    def end_employment(self, person: Hetu, organisation: Oid, registrar: Hetu) -> list[CardOrder]:
        """See ``Vartti.end_employment``."""
        tied = [name for name, kind in vartti_data().kinds.items() if kind.tied_to_employment]
        query = select(CardOrderRow).where(
            CardOrderRow.hetu == person.value,
            CardOrderRow.kind.in_(tied),
            CardOrderRow.state.in_(closable(tied[0])),
        )
        with self.records.look() as session:
            rows = list(session.scalars(query.order_by(CardOrderRow.number)))
        wanted = organisation_key(organisation)
        numbers = [row.card_number for row in rows if organisation_key(Oid(row.employer)) == wanted]
        return [self.close(number, EMPLOYMENT_ENDED, registrar) for number in numbers if number]

    def begin(self, tx: Transaction, number: int, reason: str, acting: Acting) -> tuple[Finding, ...]:
        """Write down that a card is to be closed; the warnings of the step."""
        row = tx.session.get_one(CardOrderRow, number)
        case = CardCase(
            now=tx.now, hetu=Hetu(row.hetu), kind=row.kind, role=acting.role, registrar=acting.registrar,
            closing_reason=reason,
        )  # fmt: skip
        name = "resume-closing" if row.state == "closing" else "replace" if reason == REPLACED else "close"
        step = card_machine(row.kind).step(
            name, state=row.state, actor=acting.role, guards=CARD_GUARDS, case=case, subject=order_id(number)
        )
        if name != "resume-closing":
            row.closing_reason = reason
        take_step(tx, row, step, card=row.card_number or "", reason=row.closing_reason)
        return step.warnings

    def finish(self, card_number: str, warnings: tuple[Finding, ...] = ()) -> CardOrder:
        """Revoke what is still to be revoked of a card in the state ``closing`` and mark it closed."""
        with exclusive(self.records.outbox_directory.parent / "claims", f"card-{card_number}") as free:
            with self.records.look() as session:
                row = row_of_card(session, card_number)
            machine = card_machine(row.kind)
            if not free:
                raise machine.refusal(
                    "order.production-claim", f"Another run is closing the card {card_number}.", subject=card_number
                )
            if row.state == "closed":
                return as_order(row)
            revoke_all(
                self.authorities,
                card_certifications()[row.kind].authority,
                holder_of(row),
                reason=office_data().closing_reasons[row.closing_reason],
                actor=DVV,
                at=self.records.clock.now(),
            )
            with self.records.change(office="dvv", actor=DVV) as tx:
                row = tx.session.get_one(CardOrderRow, row.number)
                step = machine.step(
                    "confirm-closed",
                    state=row.state,
                    actor="dvv",
                    guards=CARD_GUARDS,
                    case=CardCase(now=tx.now, hetu=Hetu(row.hetu), kind=row.kind),
                    subject=order_id(row.number),
                )
                row.closed_at = tx.now
                take_step(tx, row, step, card=card_number, reason=row.closing_reason)
                return as_order(row, warnings)

    def retry(self, card_number: str) -> CardOrder | None:
        """``finish``, but None when another run is at it."""
        try:
            return self.finish(card_number)
        except Refused as refused:
            if refused.rule == "order.production-claim":
                return None
            raise

    def found(self, card_number: str, actor: Hetu | str) -> CardOrder:
        """See ``Vartti.report_found``."""
        return self._note("found", card_number, actor)

    def complain(self, card_number: str, registrar: Hetu, text: str) -> CardOrder:
        """See ``Vartti.complain``."""
        return self._note("complain", card_number, registrar, text)

    def _note(self, name: str, card_number: str, actor: Hetu | str, text: str = "") -> CardOrder:
        with self.records.look() as session:
            row = row_of_card(session, card_number)
        acting = acting_on(row, actor, self.points, self.records.clock.now(), as_registrar=name == "complain")
        subject = order_id(row.number)
        with (
            refusals_journalled(self.records, actor=acting.name, step=name, subject=subject),
            self.records.change(office="dvv", actor=acting.name) as tx,
        ):
            row = tx.session.get_one(CardOrderRow, row.number)
            case = CardCase(
                now=tx.now, hetu=Hetu(row.hetu), kind=row.kind, role=acting.role, registrar=acting.registrar,
                closing_reason=row.closing_reason, text=text,
            )  # fmt: skip
            step = card_machine(row.kind).step(
                name, state=row.state, actor=acting.role, guards=CARD_GUARDS, case=case, subject=subject
            )
            if name == "complain":
                tx.post(_complaint(row, text))
            take_step(tx, row, step, card=card_number)
            return as_order(row, step.warnings)


def closable(kind: str) -> frozenset[str]:
    """The states in which a card of a kind can be closed."""
    return card_machine(kind).transitions["close"].sources


def _complaint(row: CardOrderRow, text: str) -> Posting:
    clean = "".join(character if character.isprintable() else " " for character in text.strip())[:1000]
    content = (
        f"TEST complaint notice from the registration point {row.point}\n"
        f"Card {row.card_number}, order {order_id(row.number)}, {row.kind} card\n\n{clean}\n"
    )
    return Posting(Channel.EMAIL, "DVV card production", f"complaint-{row.card_number}.txt", content.encode())
