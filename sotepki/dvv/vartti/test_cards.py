"""Test cards (testikortit) for system developers: five kinds, at most twenty in an order, holders chosen by DVV.

Source: docs/field/registration.md 2, rows test card (confirmed). Each card is made in steps that an interrupted run
leaves resumable: the order is written down, the card is made whole or not at all, then the letter is posted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import func, select

from sotepki.card import Personalisation, new_activation_code, pin_letter
from sotepki.clock import finnish_day
from sotepki.dvv.claims import exclusive
from sotepki.dvv.office_data import office_data
from sotepki.dvv.vartti.acting import DVV
from sotepki.dvv.vartti.card_certification import (
    EC_SUFFIX,
    TEST_CARD_KINDS,
    CardAuthorities,
    certify,
    check_authority,
    ec_kind,
    special_card_rules,
)
from sotepki.dvv.vartti.seams import CardMaker, KeySource
from sotepki.dvv.vartti.special_card_tables import TestCardRow
from sotepki.errors import Refused
from sotepki.evidence import expect_keys, load_yaml
from sotepki.identifiers import Oid, check_character
from sotepki.records import Channel, Posting, Records
from sotepki.resources import package_file
from sotepki.tokens import Pin

MOST_IN_AN_ORDER = 20
_ORDERED, _DELIVERED, _REFUSED = "ordered", "delivered", "refused"
_NUMBER_OFFSET = 90_000_000  # apart from the cards that Vartti orders


class NumberedCardMaker(CardMaker, Protocol):
    """The shelf, which also tells which numbers it has given."""

    def numbers(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class TestCard:
    """One test card of an order; ``identifier`` is what its subject's serialNumber says."""

    __test__ = False  # pytest collects classes by name

    number: str
    order: int
    kind: str
    holder: str
    identifier: str
    state: str


class TestCards:
    """DVV's desk for test cards."""

    __test__ = False

    def __init__(
        self, records: Records, authorities: CardAuthorities, cards: NumberedCardMaker, keys: KeySource
    ) -> None:
        self.records = records
        self._authorities = authorities
        self._cards = cards
        self._keys = keys

    def order(self, kind: str, count: int, *, organisation: Oid, ec: bool = False) -> list[TestCard]:
        """Order test cards of a kind and have them made; the code letters go to the organisation that ordered.

        ``ec``: with P-384 keys and certificates of the EC tree.

        Raises:
            Refused: ``test-card.kind``, ``test-card.count``, ``card-kind.authority``.
        """
        if kind not in TEST_CARD_KINDS:
            raise special_card_rules().refusal(
                "test-card.kind", f"There are no test cards of the kind {kind[:40]!r}."
            )
        if not 1 <= count <= MOST_IN_AN_ORDER:
            raise special_card_rules().refusal("test-card.count", f"An order of {count} test cards is not taken.")
        certification = ec_kind(kind) if ec else kind
        check_authority(self._authorities, certification)
        with self.records.change(office="dvv", actor=DVV) as tx:
            order = (tx.session.scalar(select(func.max(TestCardRow.order))) or 0) + 1
            for _ in range(count):
                row = TestCardRow(
                    order=order, kind=certification, organisation=organisation.value, state=_ORDERED,
                    ordered_at=tx.now, activation_code=new_activation_code(kind).reveal(),
                )  # fmt: skip
                tx.session.add(row)
            tx.session.flush()
            tx.journal("test-card.ordered", f"test-card order {order}", kind=certification, count=str(count))
        if refusals := self._make_waiting()[1]:
            raise refusals[0]
        return self.cards(order=order)

    def resume(self) -> int:
        """Make every card that is ordered, not delivered, and in no other run's hands; returns how many.

        A card whose certificates are refused is given up: a journal line says why, and nothing else is stopped.
        """
        return self._make_waiting()[0]

    def _make_waiting(self) -> tuple[int, list[Refused]]:
        with self.records.look() as session:
            waiting = list(
                session.scalars(
                    select(TestCardRow.number).where(TestCardRow.state == _ORDERED).order_by(TestCardRow.number)
                )
            )
        made, refusals = 0, []
        for number in waiting:
            with exclusive(self.records.outbox_directory.parent / "claims", f"test-card-{number}") as free:
                try:
                    made += free and self._make(number)
                except Refused as refused:
                    self._give_up(number, refused.rule)
                    refusals.append(refused)
        return made, refusals

    def _give_up(self, number: int, rule: str) -> None:
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(TestCardRow, number)
            row.state, row.activation_code = _REFUSED, ""
            tx.journal("test-card.refused", f"test card {_as_card(row).number}", rule=rule, order=str(row.order))

    def cards(self, *, order: int | None = None) -> list[TestCard]:
        """All test cards, or those of an order."""
        query = select(TestCardRow).order_by(TestCardRow.number)
        if order is not None:
            query = query.where(TestCardRow.order == order)
        with self.records.look() as session:
            return [_as_card(row) for row in session.scalars(query)]

    def _make(self, number: int) -> bool:
        with self.records.look() as session:
            row = session.get_one(TestCardRow, number)
            if row.state != _ORDERED:
                return False  # another run was quicker
            card, code, certification = _as_card(row), row.activation_code, row.kind
        if card.number not in self._cards.numbers():
            material = certify(
                self._authorities, self._keys, certification, subject=_subject(card.kind, number),
                holder=f"test card {card.number}", actor=DVV, at=self.records.clock.now(),
            )  # fmt: skip
            self._cards.personalise(
                Personalisation(
                    number=card.number, holder=card.holder, keys=material.keys, certificates=material.certificates,
                    issuers=material.issuers, activation_code=Pin(code), kind=card.kind,
                )
            )  # fmt: skip
        with self.records.change(office="dvv", actor=DVV) as tx:
            row = tx.session.get_one(TestCardRow, number)
            letter = pin_letter(
                holder=card.holder, card_number=card.number, activation_code=Pin(row.activation_code),
                sent=finnish_day(tx.now), address=row.organisation, kind=card.kind,
            )  # fmt: skip
            tx.post(Posting(Channel.LETTER, row.organisation, f"activation-code-{card.number}.txt", letter))
            row.state, row.activation_code = _DELIVERED, ""
            tx.journal("test-card.delivered", f"test card {card.number}", kind=card.kind, order=str(row.order))
        return True


_IDENTITY_KEYS = frozenset(
    {"given_names", "surname", "organisation", "titles", "job_title", "registration_number_start",
     "personnel_number_prefix", "satu_start"}
)  # fmt: skip


@cache
def _identities() -> Mapping[str, Any]:
    raw: Mapping[str, Any] = load_yaml(package_file("dvv", "vartti", "test_identities.yaml"))
    expect_keys(raw, _IDENTITY_KEYS, "test_identities.yaml")
    return raw


def _subject(kind: str, number: int) -> dict[str, str]:
    """The subject of a test card; its content is that of a production card of the kind (docs/field/pki.md 5)."""
    facts = _identities()
    given, surname, identifier = _given_name(number), str(facts["surname"]), _identifier(kind, number)
    if kind == "citizen":  # citizen certificates have the name in capitals (docs/field/pki.md 5.16)
        given, surname = given.upper(), surname.upper()
    subject = {"country": "FI", "serial_number": identifier, "given_name": given, "surname": surname}
    if kind == "professional":
        subject["title"] = str(facts["titles"][number % len(facts["titles"])])
    elif kind != "citizen":
        subject |= {"organisation": str(facts["organisation"]), "title": str(facts["job_title"])}
    return {**subject, "common_name": f"{surname} {given} {identifier}"}


def _identifier(kind: str, number: int) -> str:
    facts = _identities()
    if kind == "professional":
        return str(int(facts["registration_number_start"]) + number)
    if kind == "citizen":
        digits = str(int(facts["satu_start"]) + number)
        return digits + check_character(int(digits))
    return f"{facts['personnel_number_prefix']}{number:06d}"


def _given_name(number: int) -> str:
    names = _identities()["given_names"]
    return str(names[number % len(names)])


def _as_card(row: TestCardRow) -> TestCard:
    return TestCard(
        number=str(office_data().card_number_start + _NUMBER_OFFSET + row.number),
        order=row.order,
        kind=row.kind.removesuffix(EC_SUFFIX),
        holder=f"{_given_name(row.number)} {_identities()['surname']}",
        identifier=_identifier(row.kind.removesuffix(EC_SUFFIX), row.number),
        state=row.state,
    )
