"""Spare cards (varakortit): blanks at a registration point, personalised on the spot, emptied on return and reused.

Source: docs/field/registration.md 2 and 5, rows spare card (confirmed); docs/field/pki.md 5.6. The registrar's own
card is in one reader, the spare card in the other; the holder types the PINs, so no letter is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sotepki.card import Personalisation, new_activation_code
from sotepki.clock import end_of_finnish_day, finnish_day
from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_data import office_data, office_rules
from sotepki.dvv.office_seams import revoke_all
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.points import Registrar, RegistrationPoints
from sotepki.dvv.vartti.card_certification import (
    SPARE,
    CardAuthorities,
    card_certifications,
    certify,
    check_authority,
    special_card_rules,
)
from sotepki.dvv.vartti.guards import CARD_GUARDS, CardCase, IdentityProof, chosen_right
from sotepki.dvv.vartti.production import subject_of
from sotepki.dvv.vartti.seams import KeySource
from sotepki.dvv.vartti.special_card_tables import SpareCardRow
from sotepki.evidence import RuleBook
from sotepki.identifiers import Hetu
from sotepki.records import Records
from sotepki.registers import PopulationRegister, RightsRegister
from sotepki.resources import package_file
from sotepki.states import StateMachine
from sotepki.tokens import Pin
from sotepki.tokens.storage import locked, private_directory

LONGEST_DAYS = 14
REGISTRAR = "registrar"
_NUMBER_OFFSET = 80_000_000


@cache
def spare_machine() -> StateMachine:
    """The life of a spare card, from blank to blank."""
    rules = RuleBook.join([office_rules(), special_card_rules()])
    return StateMachine.load(package_file("dvv", "vartti", "states", "spare-card.yaml"), rules)


class SpareShelf(Protocol):
    """The shelf with blanks."""

    def has(self, number: str) -> bool: ...

    def add_blank(self, number: str, kind: str = "professional") -> None: ...

    def personalise_blank(self, order: Personalisation) -> None: ...

    def empty(self, number: str) -> None: ...


@dataclass(frozen=True)
class SpareCard:
    """A spare card; ``activation_code`` is there only in the answer to ``issue``, for the desk."""

    number: str
    point: str
    state: str
    registration_number: str = ""
    not_after: datetime | None = None
    activation_code: Pin | None = None


class SpareCards:
    """The spare cards of all registration points."""

    def __init__(
        self,
        records: Records,
        authorities: CardAuthorities,
        population: PopulationRegister,
        rights: RightsRegister,
        cards: SpareShelf,
        keys: KeySource,
    ) -> None:
        self.records = records
        self._authorities = authorities
        self._population = population
        self._rights = rights
        self._cards = cards
        self._keys = keys
        self._points = RegistrationPoints(records)

    def receive_blanks(self, count: int, *, registrar: Hetu, point: str = "") -> list[SpareCard]:
        """A delivery of blanks to a registration point (1 to 100).

        Raises:
            Refused: the registrar may not; rule ``spare.state`` for another count.
        """
        if not 1 <= count <= 100:
            raise special_card_rules().refusal(
                "spare.state", f"A delivery has 1 to 100 blanks, not {count}.", advice="Give a number from 1 to 100."
            )
        acting = self._acting(registrar, point)
        case = CardCase(now=self.records.clock.now(), hetu=registrar, registrar=acting)
        state = _step("receive", spare_machine().initial, case, acting.point.id)
        with self.records.change(office="dvv", actor=acting.name) as tx:
            # Deliveries are never undone, so the count of rows gives numbers that nobody has.
            first = (tx.session.scalar(select(func.count()).select_from(SpareCardRow)) or 0) + 1
            start = office_data().card_number_start + _NUMBER_OFFSET + first
            numbers = [str(start + step) for step in range(count)]
            for number in numbers:
                row = SpareCardRow(number=number, point=acting.point.id, state=state, changed_at=tx.now)
                tx.session.add(row)
            tx.session.flush()
            tx.journal("spare.received", acting.point.id, count=str(count))
        self.lay_out()
        return [card for card in self.cards() if card.number in numbers]

    def lay_out(self) -> None:
        """Put blanks on the shelf that are in the books and not there yet (an interrupted delivery)."""
        with self.records.look() as session:
            lying = SpareCardRow.state == spare_machine().initial
            blanks = list(session.scalars(select(SpareCardRow.number).where(lying)))
        if all(self._cards.has(number) for number in blanks):
            return
        with locked(private_directory(self.records.outbox_directory.parent / "claims") / "spare-lay-out.lock"):
            for number in blanks:
                if not self._cards.has(number):
                    self._cards.add_blank(number)

    def issue(
        self,
        number: str,
        *,
        registrar: Hetu,
        holder: Hetu,
        identity: IdentityProof,
        days: int = LONGEST_DAYS,
        right_code: str = "",
        point: str = "",
    ) -> SpareCard:
        """Personalise a blank for a professional whose own card is lost, broken or forgotten.

        An issue that was interrupted is begun again in the same way. The answer has the activation code, with which
        the holder sets the PINs at the desk; it is kept nowhere. ``right_code`` is the right that the card shows; who
        has one right in force only need not name it.

        Raises:
            Refused: a registrar's, an identity or a right's rule; ``spare.*``; ``card-kind.authority``.
        """
        now = self.records.clock.now()
        acting = self._acting(registrar, point)
        subject = f"spare card {number[:40]}"
        professional = self._rights.professional_of(holder)
        rights = tuple(self._rights.rights_in_force(professional.registration_number, now)) if professional else ()
        case = CardCase(
            now=now, hetu=holder, registrar=acting, person=self._population.person(holder), professional=professional,
            identity=identity, rights=rights, right_code=right_code, right=chosen_right(rights, right_code),
        )  # fmt: skip
        with refusals_journalled(self.records, actor=acting.name, step="issue-spare", subject=subject):
            with self.records.look() as session:
                row = _row(session, number)
            _step("issue", row.state, case, subject)
            if not 1 <= days <= LONGEST_DAYS:
                raise special_card_rules().refusal("spare.days", f"A spare card is not issued for {days} days.")
            check_authority(self._authorities, SPARE)
            with self._alone(number):
                begun = self._begin(number, holder, case, acting)
                return self._personalise(begun, case, acting, finnish_day(now) + timedelta(days=days - 1))

    def take_back(self, number: str, *, registrar: Hetu, point: str = "") -> SpareCard:
        """Revoke the certificates of a card that came back, empty it, and lay it with the blanks.

        Raises:
            Refused: the registrar may not; ``spare.unknown``, ``spare.state``; the card is in a reader.
        """
        acting = self._acting(registrar, point)
        subject = f"spare card {number[:40]}"
        with (
            refusals_journalled(self.records, actor=acting.name, step="return-spare", subject=subject),
            self._alone(number),
        ):
            case = CardCase(now=self.records.clock.now(), hetu=registrar, registrar=acting)
            with self.records.change(office="dvv", actor=acting.name) as tx:
                row = _row(tx.session, number)
                row.state, row.changed_at = _step("take-back", row.state, case, subject), tx.now
                tx.journal("spare.returned", subject, registration_number=row.registration_number)
                holder = _holder(row)
            revoke_all(
                self._authorities, card_certifications()[SPARE].authority, holder,
                reason=office_data().closing_reasons["returned"], actor=acting.name, at=self.records.clock.now(),
            )  # fmt: skip
            self._cards.empty(number)
            with self.records.change(office="dvv", actor=acting.name) as tx:
                row = _row(tx.session, number)
                row.state, row.changed_at = _step("empty", row.state, case, subject), tx.now
                row.hetu, row.registration_number, row.not_after = None, "", None
                tx.journal("spare.emptied", subject)
                return _as_card(row)

    def cards(self, *, point: str = "") -> list[SpareCard]:
        """All spare cards, or those of a registration point."""
        query = select(SpareCardRow).order_by(SpareCardRow.number)
        with self.records.look() as session:
            rows = session.scalars(query.where(SpareCardRow.point == point) if point else query)
            return [_as_card(row) for row in rows]

    def _begin(self, number: str, holder: Hetu, case: CardCase, acting: Registrar) -> SpareCardRow:
        assert case.professional is not None
        with self.records.change(office="dvv", actor=acting.name) as tx:
            row = _row(tx.session, number)
            state = _step("issue", row.state, case, f"spare card {number}")
            if row.hetu not in (None, holder.value):
                raise special_card_rules().refusal(
                    "spare.state", f"The spare card {number} is being issued to somebody else."
                )
            if row.hetu is None:
                row.issue += 1
            row.state, row.hetu, row.changed_at = state, holder.value, tx.now
            row.registration_number = case.professional.registration_number.value
            try:
                tx.session.flush()
            except IntegrityError:
                raise special_card_rules().refusal("spare.one-card", "The person has a spare card already.") from None
            tx.journal("spare.issuing", f"spare card {number}", registration_number=row.registration_number)
        with self.records.look() as session:
            return _row(session, number)

    def _personalise(self, row: SpareCardRow, case: CardCase, acting: Registrar, last_day: date) -> SpareCard:
        assert case.person is not None
        self._cards.empty(row.number)  # what an interrupted issue may have left
        code = new_activation_code()
        end = end_of_finnish_day(last_day)
        material = certify(
            self._authorities, self._keys, SPARE, subject=subject_of(case), holder=_holder(row), actor=acting.name,
            at=case.now, not_after=end,
        )  # fmt: skip
        self._cards.personalise_blank(
            Personalisation(
                number=row.number, holder=f"{case.person.first_name} {case.person.surname}", keys=material.keys,
                certificates=material.certificates, issuers=material.issuers, activation_code=code,
            )
        )  # fmt: skip
        with self.records.change(office="dvv", actor=acting.name) as tx:
            now = _row(tx.session, row.number)
            now.state = _step("hand-over", now.state, case, f"spare card {row.number}")
            now.not_after, now.changed_at = end, tx.now
            tx.journal(
                "spare.issued", f"spare card {row.number}", registration_number=now.registration_number,
                not_after=end.isoformat(),
            )  # fmt: skip
            return SpareCard(now.number, now.point, now.state, now.registration_number, now.not_after, code)

    def _acting(self, registrar: Hetu, point: str) -> Registrar:
        name = "a person who is not a registrar"
        with refusals_journalled(self.records, actor=name, step="spare", subject="spare card"):
            return self._points.registrar(registrar, point_id=point, at=self.records.clock.now())

    @contextmanager
    def _alone(self, number: str) -> Iterator[None]:
        """One run at a time has a spare card; another one is refused."""
        safe = number[:40] if number.isascii() and number.isalnum() else "unknown"
        with exclusive(self.records.outbox_directory.parent / "claims", f"spare-{safe}") as free:
            if not free:
                raise special_card_rules().refusal("spare.state", f"Another run is at the spare card {safe}.")
            yield


def _step(name: str, state: str, case: CardCase, subject: str) -> str:
    """The state after a step of a registrar; every rule of the step has been asked."""
    machine = spare_machine()
    return machine.step(name, state=state, actor=REGISTRAR, guards=CARD_GUARDS, case=case, subject=subject).target


def _row(session: Session, number: str) -> SpareCardRow:
    row = session.get(SpareCardRow, number)
    if row is None:
        raise special_card_rules().refusal("spare.unknown", f"There is no spare card {number[:40]!r}.")
    return row


def _holder(row: SpareCardRow) -> str:
    return f"{row.registration_number} spare card {row.number} issue {row.issue}"


def _as_card(row: SpareCardRow) -> SpareCard:
    return SpareCard(row.number, row.point, row.state, row.registration_number, row.not_after)
