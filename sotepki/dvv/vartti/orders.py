"""Card orders as values, and how they are found and written in Vartti's tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from sotepki.dvv.vartti.case import Employment, HeldCard
from sotepki.dvv.vartti.data import PROFESSIONAL, card_machine
from sotepki.dvv.vartti.tables import CardOrderRow, CardStepRow
from sotepki.errors import Misuse
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid, RegistrationNumber
from sotepki.records import Transaction
from sotepki.states import Step

__all__ = [
    "PROFESSIONAL", "CardOrder", "TakenStep", "as_order", "held_cards", "history", "holder_of", "order_id",
    "row_of_card", "row_of_order", "take_step", "take_steps",
]  # fmt: skip

_ORDER_ID = re.compile(r"C([0-9]{1,9})")
_STEPS = insert(cast(Table, CardStepRow.__table__))


@dataclass(frozen=True)
class CardOrder:
    """An order of a card and the card that came of it; serial numbers in lower-case hexadecimal.

    ``registration_number`` and ``right_code`` are a professional's; a personnel or actor card has ``employment`` and
    ``staff_number`` instead. ``renews`` is the order of the card that was renewed. ``rejected_by`` is the rule that
    ended a rejected order. ``letter_due`` is the day of a code letter that is still to be sent. ``warnings`` are
    those of the step just taken.
    """

    id: str
    state: str
    kind: str
    hetu: Hetu
    registration_number: RegistrationNumber | None
    right_code: str
    point: str
    employer: Oid | None
    ordered_at: datetime
    changed_at: datetime
    employment: Employment | None = None
    staff_number: str = ""
    price: str = "free"
    photo: bool = False
    delivery: str = "point"
    renews: str = ""
    card_number: str = ""
    authentication_serial: str = ""
    signature_serial: str = ""
    not_after: datetime | None = None
    letter_due: date | None = None
    handed_over_at: datetime | None = None
    activated_at: datetime | None = None
    closed_at: datetime | None = None
    closing_reason: str = ""
    rejected_by: str = ""
    warnings: tuple[Finding, ...] = ()

    @property
    def holder_number(self) -> str:
        """The number in the subject's serialNumber: the registration number, or Vartti's own for staff."""
        return self.registration_number.value if self.registration_number else self.staff_number

    def as_dict(self) -> dict[str, object]:
        """The order for JSON, without the personal identity code."""
        moments = {
            "ordered_at": self.ordered_at, "changed_at": self.changed_at, "not_after": self.not_after,
            "letter_due": self.letter_due, "handed_over_at": self.handed_over_at, "activated_at": self.activated_at,
            "closed_at": self.closed_at,
        }  # fmt: skip
        employment = self.employment
        return {
            "order": self.id,
            "state": self.state,
            "kind": self.kind,
            "registration_number": self.registration_number.value if self.registration_number else "",
            "right": self.right_code,
            "staff_number": self.staff_number,
            "point": self.point,
            "employer": self.employer.value if self.employer else "",
            "job_title": employment.job_title if employment else "",
            "task": employment.task if employment else "",
            "price": self.price,
            "photo": self.photo,
            "delivery": self.delivery,
            "renews": self.renews,
            "card_number": self.card_number,
            "authentication_serial": self.authentication_serial,
            "signature_serial": self.signature_serial,
            "closing_reason": self.closing_reason,
            "rejected_by": self.rejected_by,
            **{name: moment.isoformat() if moment else "" for name, moment in moments.items()},
            "warnings": [finding.as_dict() for finding in self.warnings],
        }


@dataclass(frozen=True)
class TakenStep:
    """One step in the life of a card: what, by whom, when, and the state it led to."""

    step: str
    state: str
    actor: str
    at: datetime


def order_id(number: int) -> str:
    """The id that people see: ``C`` and six digits or more."""
    return f"C{number:06d}"


def holder_of(row: CardOrderRow) -> str:
    """How the certificate authority's records name the holder of the certificates on an order's card."""
    return f"{row.registration_number or row.staff_number} card {row.card_number}"


def employment_of(row: CardOrderRow) -> Employment | None:
    """The employment that a personnel or actor card is tied to."""
    if not row.job_title:
        return None
    return Employment(row.job_title, row.task, row.employed_from, row.employed_to, row.employment_certificate)


def as_order(row: CardOrderRow, warnings: tuple[Finding, ...] = ()) -> CardOrder:
    """The value of a row."""
    return CardOrder(
        id=order_id(row.number),
        state=row.state,
        kind=row.kind,
        hetu=Hetu(row.hetu),
        registration_number=RegistrationNumber(row.registration_number) if row.registration_number else None,
        right_code=row.right_code,
        point=row.point,
        employer=Oid(row.employer) if row.employer else None,
        ordered_at=row.ordered_at,
        changed_at=row.changed_at,
        employment=employment_of(row),
        staff_number=row.staff_number,
        price=row.price,
        photo=row.has_photo,
        delivery=row.delivery,
        renews=order_id(row.renews) if row.renews else "",
        card_number=row.card_number or "",
        authentication_serial=row.authentication_serial,
        signature_serial=row.signature_serial,
        not_after=row.not_after,
        letter_due=row.letter_due,
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


def held_cards(session: Session, hetu: Hetu, kind: str = PROFESSIONAL, organisation: str = "") -> list[HeldCard]:
    """The person's cards and orders of a kind that are not at an end; those for one organisation, if given."""
    query = (
        select(CardOrderRow.number, CardOrderRow.state, CardOrderRow.profession)
        .where(CardOrderRow.hetu == hetu.value, CardOrderRow.kind == kind, CardOrderRow.slot.is_not(None))
        .order_by(CardOrderRow.number)
    )
    if organisation:
        query = query.where(CardOrderRow.slot.startswith(f"{kind}/{hetu.value}/{organisation}", autoescape=True))
    return [HeldCard(order_id(number), state, profession) for number, state, profession in session.execute(query)]


def history(session: Session, number: int) -> list[TakenStep]:
    """Every step of an order and its card, with its time."""
    rows = session.scalars(select(CardStepRow).where(CardStepRow.order == number).order_by(CardStepRow.id))
    return [TakenStep(row.step, row.state, row.actor, row.at) for row in rows]


def take_step(tx: Transaction, row: CardOrderRow, step: Step, **details: str) -> None:
    """Write a step into the row, the history and the journal; a final state frees the person's slot."""
    take_steps(tx, row, [step], **details)


def take_steps(tx: Transaction, row: CardOrderRow, steps: Sequence[Step], origin: str = "", **details: str) -> None:
    """Write steps that are taken at once: one entry in the journal, one row each in the history.

    ``origin`` is the state before, where the row has the state after them already.
    """
    origin = origin or row.state
    last = steps[-1]
    row.state, row.changed_at = last.target, tx.now
    if last.target == "closing" or last.target in card_machine(row.kind).final_states():
        row.slot, row.sealed_code, row.letter_due = None, None, None
    warnings = [finding.rule for step in steps for finding in step.warnings]
    tx.session.flush()
    tx.session.execute(
        _STEPS,
        [
            {
                "order_number": row.number, "step": one.transition.name, "state": one.target, "actor": tx.actor,
                "at": tx.now,
            }
            for one in steps
        ],
    )  # fmt: skip
    if len(steps) > 1:
        details = {**details, "steps": " ".join(one.transition.name for one in steps)}
    tx.journal(
        f"card-order.{last.transition.name}",
        order_id(row.number),
        from_state=origin,
        to_state=row.state,
        **({"registration_number": row.registration_number} if row.registration_number else {}),
        **({"staff_number": row.staff_number} if row.staff_number else {}),
        **({"warnings": " ".join(warnings)} if warnings else {}),
        **details,
    )
