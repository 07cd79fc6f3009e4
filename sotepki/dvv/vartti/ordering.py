"""Placing orders at the desk of a registration point, one by one or many in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from sotepki.dvv.office_data import office_data
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.points import Registrar, RegistrationPoints
from sotepki.dvv.vartti.case import CardCase, Employment, IdentityProof, is_dual, organisation_key
from sotepki.dvv.vartti.data import PROFESSIONAL, card_machine, vartti_data, vartti_rules
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.orders import CardOrder, as_order, held_cards, take_steps
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction
from sotepki.states import Step

MOST_IN_A_BATCH = 10_000

_STEPS = {
    "card-order": ("check-identity", "check-right", "place"),
    "staff-card-order": ("check-identity", "check-employment", "place"),
}


@dataclass(frozen=True)
class CardRequest:
    """What a registrar orders.

    Attributes:
        kind: ``professional``, ``personnel`` or ``actor``.
        identity: the identity document that was seen.
        right_code: the right that a professional card shows; who has one right in force only need not name it.
        employer: the organisation on a personnel or actor card; for a professional card, the applicant's
            organisation, which a point that is not public must be of.
        employment: of a personnel or actor card.
        letter_address: where the code letter goes; default the home address.
        photo: JPEG or PNG, if one is to be printed.
    """

    applicant: Hetu
    identity: IdentityProof
    kind: str = PROFESSIONAL
    right_code: str = ""
    employer: Oid | None = None
    employment: Employment | None = None
    letter_address: str = ""
    photo: bytes | None = None


@dataclass(frozen=True)
class Batch:
    """What came of many requests: orders in the order of the requests, and the refused ones by their place."""

    orders: tuple[CardOrder, ...]
    refused: tuple[tuple[int, Refused], ...]


@dataclass(frozen=True)
class CardOrdering:
    """The part of Vartti that takes orders."""

    records: Records
    registers: Registers
    points: RegistrationPoints

    def place(self, request: CardRequest, *, registrar: Hetu, point: str = "") -> CardOrder:
        """See ``Vartti.place_order``."""
        acting = self._acting(registrar, point)
        subject = f"card order at {acting.point.id}"
        with refusals_journalled(self.records, actor=acting.name, step="order", subject=subject):
            trained = self.points.trained(acting.point.id, self.records.clock.now())
            case = self._case(request, acting, self.records.clock.now(), trained)
            with self.records.change(office="dvv", actor=acting.name) as tx:
                return self._place(tx, request, case, subject)

    def place_many(self, requests: Sequence[CardRequest], *, registrar: Hetu, point: str = "") -> Batch:
        """See ``Vartti.place_orders``."""
        acting = self._acting(registrar, point)
        subject = f"card orders at {acting.point.id}"
        with refusals_journalled(self.records, actor=acting.name, step="order", subject=subject):
            if len(requests) > MOST_IN_A_BATCH:
                raise vartti_rules().refusal("order.batch", f"A batch of {len(requests)} orders is not taken.")
        if not requests:
            return Batch((), ())
        now = self.records.clock.now()
        trained = self.points.trained(acting.point.id, now)
        # The registers are asked before the transaction: they are other offices, and answer from their own books.
        cases = [self._case_or_refusal(request, acting, now, trained) for request in requests]
        orders: list[CardOrder] = []
        refusals: list[tuple[int, Refused]] = []
        with self.records.change(office="dvv", actor=acting.name) as tx:
            for place, (request, case) in enumerate(zip(requests, cases, strict=True)):
                try:
                    if isinstance(case, Refused):
                        raise case
                    orders.append(self._place(tx, request, case, subject))
                except Refused as refused:
                    tx.journal("refused", subject, step="order", rule=refused.rule)
                    refusals.append((place, refused))
        return Batch(tuple(orders), tuple(refusals))

    def look_over(self, request: CardRequest, *, registrar: Hetu, point: str = "") -> tuple[Finding, ...]:
        """See ``Vartti.look_over``."""
        now = self.records.clock.now()
        acting = self.points.registrar(registrar, point_id=point, at=now)
        case = self._case(request, acting, now, self.points.trained(acting.point.id, now))
        with self.records.look() as session:
            held = held_cards(session, request.applicant, request.kind, _organisation(request))
        case, machine = replace(case, held=held), card_machine(request.kind)
        steps = (
            machine.objections(name, guards=CARD_GUARDS, case=case, subject=f"card order at {acting.point.id}")
            for name in _STEPS[machine.id]
        )
        return tuple(finding for findings in steps for finding in findings)

    def _acting(self, registrar: Hetu, point: str) -> Registrar:
        name = "a person who is not a registrar"
        with refusals_journalled(self.records, actor=name, step="order", subject="card order"):
            return self.points.registrar(registrar, point_id=point, at=self.records.clock.now())

    def _case(self, request: CardRequest, acting: Registrar, now: datetime, trained: int) -> CardCase:
        card_machine(request.kind)  # refuses a kind that is not ordered here
        case = self.registers.case(
            request.applicant, now, kind=request.kind, right_code=request.right_code, employer=request.employer
        )
        home = case.person.home_address if case.person else ""
        return replace(
            case,
            role="registrar",
            registrar=acting,
            identity=request.identity,
            employment=request.employment,
            authorised=self.registers.authorised(acting, request.employer),
            letter_address=request.letter_address or home,
            photo=request.photo,
            trained=trained,
        )

    def _case_or_refusal(
        self, request: CardRequest, acting: Registrar, now: datetime, trained: int
    ) -> CardCase | Refused:
        try:
            return self._case(request, acting, now, trained)
        except Refused as refused:
            return refused

    def _place(self, tx: Transaction, request: CardRequest, case: CardCase, subject: str) -> CardOrder:
        machine = card_machine(request.kind)
        key = _organisation(request)
        case = replace(case, now=tx.now, held=held_cards(tx.session, request.applicant, request.kind, key))
        steps: list[Step] = []
        state = machine.initial
        for name in _STEPS[machine.id]:
            steps.append(
                machine.step(name, state=state, actor="registrar", guards=CARD_GUARDS, case=case, subject=subject)
            )
            state = steps[-1].target
        row = _row(request, case, state)
        tx.session.add(row)
        try:
            tx.session.flush()
        except IntegrityError:
            rule = "order.one-card" if request.kind == PROFESSIONAL else "staff.one-card"
            raise machine.refusal(
                rule, "Another order for the person was placed at the same time.", subject=subject
            ) from None
        if request.kind != PROFESSIONAL:
            row.staff_number = _staff_number(tx, row, key)
        take_steps(tx, row, steps, machine.initial, point=row.point)
        return as_order(row, tuple(finding for step in steps for finding in step.warnings))


def slot_of(kind: str, hetu: str, part: str, *, beside: str | None = None) -> str:
    """The place of an order among a person's cards; ``beside`` is the slot of the card that it will replace."""
    slot = f"{kind}/{hetu}/{part}"
    return f"{slot}/next" if beside == slot else slot


def _organisation(request: CardRequest) -> str:
    if request.kind == PROFESSIONAL or request.employer is None:
        return ""
    return str(organisation_key(request.employer))


def _row(request: CardRequest, case: CardCase, state: str) -> CardOrderRow:
    assert case.registrar is not None  # the guards of the steps saw to it
    kind = vartti_data().kinds[request.kind]
    row = CardOrderRow(
        state=state,
        kind=kind.id,
        hetu=case.hetu.value,
        point=case.registrar.point.id,
        registrar=case.registrar.id,
        employer=case.employer.value if case.employer else "",
        photo=case.photo,
        has_photo=case.photo is not None,
        identity_document=str(case.identity),
        delivery=kind.delivery,
        letter_address=case.letter_address.strip(),
        ordered_at=case.now,
        changed_at=case.now,
    )
    if kind.id == PROFESSIONAL:
        assert case.right is not None and case.professional is not None
        row.registration_number = case.professional.registration_number.value
        row.right_code = case.right.code
        row.profession = office_data().profession_of(case.right.title_fi)
        row.slot = slot_of(kind.id, row.hetu, row.profession if is_dual(case.rights) else "")
        row.price = kind.price_of("")
    else:
        assert case.employment is not None
        row.job_title, row.task = case.employment.job_title.strip(), case.employment.task
        row.employed_from, row.employed_to = case.employment.since, case.employment.until
        row.employment_certificate = case.employment.certificate.strip()
        row.slot = slot_of(kind.id, row.hetu, _organisation(request))
        row.price = kind.price_of(row.task)
    return row


def _staff_number(tx: Transaction, row: CardOrderRow, organisation: str) -> str:
    """The number of the person's earlier card of the kind in the organisation, or a new one."""
    earlier = select(CardOrderRow.staff_number, CardOrderRow.employer).where(
        CardOrderRow.hetu == row.hetu, CardOrderRow.kind == row.kind, CardOrderRow.number != row.number
    )
    for number, employer in tx.session.execute(earlier):
        if str(organisation_key(Oid(employer))) == organisation:
            return str(number)
    return f"{vartti_data().staff_number_prefix}{row.number:06d}"
