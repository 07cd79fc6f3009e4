"""Card orders as values, and how they are found and written in Vartti's tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.office_data import card_order_machine
from sotepki.dvv.office_tables import CardOrderRow
from sotepki.dvv.state_machine import Step
from sotepki.dvv.vartti_guards import HeldCard
from sotepki.errors import Misuse
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.records import Transaction

PROFESSIONAL = "professional"

_ORDER_ID = re.compile(r"C([0-9]{1,9})")


@dataclass(frozen=True)
class CardOrder:
    """An order of a card and the card that came of it; serial numbers in lower-case hexadecimal.

    ``rejected_by`` is the rule that ended a rejected order. ``warnings`` are those of the step just taken.
    """

    id: str
    state: str
    kind: str
    hetu: Hetu
    registration_number: RegistrationNumber
    right_code: str
    point: str
    employer: Oid | None
    ordered_at: datetime
    changed_at: datetime
    card_number: str = ""
    authentication_serial: str = ""
    signature_serial: str = ""
    not_after: datetime | None = None
    handed_over_at: datetime | None = None
    activated_at: datetime | None = None
    closed_at: datetime | None = None
    closing_reason: str = ""
    rejected_by: str = ""
    warnings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The order for JSON, without the personal identity code."""
        moments = {
            "ordered_at": self.ordered_at, "changed_at": self.changed_at, "not_after": self.not_after,
            "handed_over_at": self.handed_over_at, "activated_at": self.activated_at, "closed_at": self.closed_at,
        }  # fmt: skip
        return {
            "order": self.id,
            "state": self.state,
            "kind": self.kind,
            "registration_number": self.registration_number.value,
            "right": self.right_code,
            "point": self.point,
            "employer": self.employer.value if self.employer else "",
            "card_number": self.card_number,
            "authentication_serial": self.authentication_serial,
            "signature_serial": self.signature_serial,
            "closing_reason": self.closing_reason,
            "rejected_by": self.rejected_by,
            **{name: moment.isoformat() if moment else "" for name, moment in moments.items()},
            "warnings": [finding.as_dict() for finding in self.warnings],
        }


def order_id(number: int) -> str:
    """The id that people see: ``C`` and six digits or more."""
    return f"C{number:06d}"


def holder_of(row: CardOrderRow) -> str:
    """How the certificate authority's records name the holder of the certificates on an order's card."""
    return f"{row.registration_number} card {row.card_number}"


def as_order(row: CardOrderRow, warnings: tuple[Finding, ...] = ()) -> CardOrder:
    """The value of a row."""
    return CardOrder(
        id=order_id(row.number),
        state=row.state,
        kind=row.kind,
        hetu=Hetu(row.hetu),
        registration_number=RegistrationNumber(row.registration_number),
        right_code=row.right_code,
        point=row.point,
        employer=Oid(row.employer) if row.employer else None,
        ordered_at=row.ordered_at,
        changed_at=row.changed_at,
        card_number=row.card_number or "",
        authentication_serial=row.authentication_serial,
        signature_serial=row.signature_serial,
        not_after=row.not_after,
        handed_over_at=row.handed_over_at,
        activated_at=row.activated_at,
        closed_at=row.closed_at,
        closing_reason=row.closing_reason,
        rejected_by=row.rejected_by,
        warnings=warnings,
    )


def row_of_order(session: Session, wanted: str) -> CardOrderRow:
    """The row of an order id.

    Raises:
        Misuse: there is no such order.
    """
    match = _ORDER_ID.fullmatch(wanted)
    row = session.get(CardOrderRow, int(match[1])) if match else None
    if row is None:
        raise Misuse(f"There is no card order {wanted[:40]!r}.", advice="List the orders with 'sotepki card list'.")
    return row


def row_of_card(session: Session, card_number: str) -> CardOrderRow:
    """The row of the order that a card came of.

    Raises:
        Misuse: there is no such card.
    """
    row = session.scalars(select(CardOrderRow).where(CardOrderRow.card_number == card_number)).first()
    if row is None:
        raise Misuse(f"There is no card {card_number[:40]!r}.", advice="List the cards with 'sotepki card list'.")
    return row


def held_cards(session: Session, hetu: Hetu) -> list[HeldCard]:
    """The person's cards and orders that are not at an end."""
    rows = session.scalars(
        select(CardOrderRow)
        .where(CardOrderRow.hetu == hetu.value, CardOrderRow.slot.is_not(None))
        .order_by(CardOrderRow.number)
    )
    return [HeldCard(order_id(row.number), row.state, row.profession) for row in rows]


def take_step(tx: Transaction, row: CardOrderRow, step: Step, **details: str) -> None:
    """Write a step into the row and the journal; a final state frees the person's slot."""
    origin, row.state, row.changed_at = row.state, step.target, tx.now
    if step.target in card_order_machine().final_states():
        row.slot = None
        row.activation_code = ""
    warned = {"warnings": " ".join(finding.rule for finding in step.warnings)} if step.warnings else {}
    tx.session.flush()
    tx.journal(
        f"card-order.{step.transition.name}",
        order_id(row.number),
        from_state=origin,
        to_state=step.target,
        registration_number=row.registration_number,
        **warned,
        **details,
    )
