"""Whatever happens to cards in whatever order, what a registrar relies on holds.

``SOTEPKI_VARTTI_EXAMPLES`` sets how many random histories are tried (24 unless told).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from office_world import COLLEAGUE, COUNTY, DUAL, NURSE, PHYSICIAN, REGISTRAR, WITHOUT_RIGHT, Crash
from sqlalchemy import select
from vartti_world import make_office

from sotepki.dvv.vartti.office import CardOrder, IdentityProof
from sotepki.dvv.vartti.orders import held_cards
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.records import JournalEntry, first_break
from sotepki.x509.status import CertificateState

PROFESSIONALS = (PHYSICIAN, NURSE, DUAL)
PEOPLE = st.sampled_from((*PROFESSIONALS, WITHOUT_RIGHT))
DESK = st.sampled_from((REGISTRAR, COLLEAGUE))
PROOF = IdentityProof("police-identification")
IN_FORCE = {"activated", "renewal-open"}
ENDED = {"closed", "expired", "cancelled", "rejected"}
WITH_A_CARD = {"delivered", "handed-out", *IN_FORCE, "closing", "closed", "expired"}


class Cards(RuleBasedStateMachine):
    """Four people, two registrars, every kind of card, rights that come and go, a clock that only goes forward."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.place = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.office = make_office(Path(self.place.name))
        self.rights = {one: list(self.office.world.rights.held[one]) for one in PROFESSIONALS}
        self.ended: set[str] = set()
        self.journal_checked = 0

    def teardown(self) -> None:
        self.office.world.records.database.close()
        self.place.cleanup()

    def orders(self, *states: str) -> list[CardOrder]:
        return [one for one in self.office.vartti.orders() if not states or one.state in states]

    def pick(self, data: st.DataObject, *states: str) -> CardOrder | None:
        found = self.orders(*states)
        return data.draw(st.sampled_from(found)) if found else None

    @rule(applicant=PEOPLE, registrar=DESK, kind=st.sampled_from(["professional", "personnel", "actor"]))
    def order(self, applicant: Hetu, registrar: Hetu, kind: str) -> None:
        with suppress(Refused):
            if kind == "professional":
                self.office.order(applicant, registrar, identity=PROOF)
            else:
                self.office.staff_order(applicant, registrar, kind=kind, identity=PROOF)

    @rule(registrar=DESK, code=st.sampled_from(["001", "T02"]))
    def order_one_of_two(self, registrar: Hetu, code: str) -> None:
        with suppress(Refused):
            self.office.order(DUAL, registrar, identity=PROOF, right_code=code)

    @rule(data=st.data(), crash=st.sampled_from(["", "before-issue", "after-issue", "before-card", "after-card"]))
    def personalise(self, data: st.DataObject, crash: str) -> None:
        order = self.pick(data, "ordered", "in-production")
        if order is None:
            return
        self.crash_at(crash)
        with suppress(Refused, Crash):
            self.office.vartti.personalise(order.id)
        self.crash_at("")

    @rule(data=st.data(), registrar=DESK)
    def hand_over(self, data: st.DataObject, registrar: Hetu) -> None:
        if order := self.pick(data, *WITH_A_CARD):
            with suppress(Refused):
                self.office.vartti.hand_over(order.card_number, registrar=registrar, identity=PROOF)

    @rule(data=st.data())
    def activate(self, data: st.DataObject) -> None:
        if order := self.pick(data, *WITH_A_CARD):
            with suppress(Refused):
                self.office.vartti.note_activation(order.card_number, actor=order.hetu)

    @rule(data=st.data(), registrar=DESK)
    def cancel(self, data: st.DataObject, registrar: Hetu) -> None:
        if order := self.pick(data):
            with suppress(Refused):
                self.office.vartti.cancel_order(order.id, actor=registrar)

    @rule(
        data=st.data(),
        reason=st.sampled_from(["lost", "broken", "employment-ended", "right-removed"]),
        by_holder=st.booleans(),
        crash=st.sampled_from(["", "before-revoke", "after-revoke"]),
    )
    def close(self, data: st.DataObject, reason: str, by_holder: bool, crash: str) -> None:
        if order := self.pick(data, *WITH_A_CARD):
            self.crash_at(crash)
            with suppress(Refused, Crash):
                self.office.vartti.close_card(order.card_number, reason, order.hetu if by_holder else "dvv")
            self.crash_at("")

    @rule(data=st.data())
    def find(self, data: st.DataObject) -> None:
        if order := self.pick(data, *WITH_A_CARD):
            with suppress(Refused):
                self.office.vartti.report_found(order.card_number, order.hetu)

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        if order := self.pick(data, *IN_FORCE, "closed", "expired"):
            with suppress(Refused):
                self.office.renew(order.card_number)

    @rule(data=st.data(), registrar=DESK)
    def new_code(self, data: st.DataObject, registrar: Hetu) -> None:
        if order := self.pick(data, *WITH_A_CARD):
            with suppress(Refused):
                self.office.vartti.order_new_code(order.card_number, registrar=registrar, identity=PROOF)

    @rule(person=st.sampled_from(PROFESSIONALS))
    def take_right(self, person: Hetu) -> None:
        self.office.world.rights.held[person] = []

    @rule(person=st.sampled_from(PROFESSIONALS))
    def give_right(self, person: Hetu) -> None:
        self.office.world.rights.held[person] = list(self.rights[person])

    @rule(registrar=DESK, person=PEOPLE)
    def end_employment(self, registrar: Hetu, person: Hetu) -> None:
        with suppress(Refused):
            self.office.vartti.end_employment(person, COUNTY, registrar=registrar)

    @rule(value=st.sampled_from(["on", "off"]))
    def switch(self, value: str) -> None:
        self.office.vartti.policies.set("revoke-on-removal", value, actor="trainer")

    @rule(value=st.sampled_from(["0", "4"]))
    def letter_days(self, value: str) -> None:
        self.office.vartti.policies.set("code-letter-working-days", value, actor="trainer")

    @rule(days=st.sampled_from([1, 7, 30, 365, 1500]))
    def time_passes(self, days: int) -> None:
        self.office.world.clock.advance(timedelta(days=days))
        self.office.vartti.follow_time()

    @precondition(lambda self: self.orders("in-production", "closing"))
    @rule()
    def restart(self) -> None:
        self.office.vartti.resume()
        for order in self.orders("in-production", "closing"):
            raise AssertionError(f"{order.id} is still {order.state} after a restart")

    def crash_at(self, point: str) -> None:
        def at(name: str) -> None:
            if point and name == point:
                raise Crash(name)

        self.office.world.authorities.at = self.office.world.shelf.at = at

    @invariant()
    def one_card_of_a_kind_in_force(self) -> None:
        """A physician who is a dentist has two, nobody else has more than one in force of a kind."""
        seen: dict[tuple[str, str, str], str] = {}
        with self.office.world.records.look() as session:
            for row in session.scalars(select(CardOrderRow).where(CardOrderRow.state.in_(IN_FORCE))):
                key = (row.kind, row.hetu, row.profession)
                assert key not in seen, f"{row.card_number} and {seen[key]}"
                seen[key] = row.card_number or ""
            for person in PROFESSIONALS:
                for kind in ("professional", "personnel", "actor"):
                    assert len(held_cards(session, person, kind)) <= (4 if person == DUAL else 2)

    @invariant()
    def certificates_and_cards_agree(self) -> None:
        """No good certificate without its card, and none that is good on a card that was closed."""
        made = self.office.world.shelf.made
        by_number = {one.card_number: one for one in self.orders() if one.card_number}
        for one in self.office.world.authorities.ledger:
            order = by_number[one.holder.rsplit(" ", 1)[1]]
            good = one.status.state is CertificateState.GOOD
            if order.state in {"closed", "rejected"}:
                assert not good, f"{order.id} is {order.state} and has a good certificate"
            if good and order.state in WITH_A_CARD:
                serials = {leaf.contents.serial_number for leaf in made[order.card_number].leaves.values()}
                assert one.serial_number in serials, f"{order.id} has a certificate that is on no card"

    @invariant()
    def ended_stays_ended(self) -> None:
        """A closed card never opens, nor does anything else that has ended."""
        now = {one.id for one in self.orders(*ENDED)}
        assert self.ended <= now
        self.ended = now

    @invariant()
    def no_letter_is_lost(self) -> None:
        """Every card that can be taken into use has its letter, or the day on which it will be written."""
        sent = [path.name for path in self.office.world.outbox("letters")]
        for one in self.orders("delivered", "handed-out", *IN_FORCE):
            there = any(f"activation-code-{one.card_number}" in name for name in sent)
            assert there or one.letter_due, one.card_number
            assert not (one.letter_due and one.letter_due < self.office.world.clock.now().date())

    @invariant()
    def journal_verifies(self) -> None:
        """The chain is whole, and names nobody by an identity code."""
        with self.office.world.records.look() as session:
            assert first_break(session) is None
            new = session.scalars(select(JournalEntry).where(JournalEntry.sequence > self.journal_checked))
            for entry in new:
                self.journal_checked = entry.sequence
                text = f"{entry.actor} {entry.subject} {entry.details}"
                assert not any(one.value in text for one in (*PROFESSIONALS, WITHOUT_RIGHT, REGISTRAR))


TestCards = Cards.TestCase
TestCards.settings = settings(
    max_examples=int(os.environ.get("SOTEPKI_VARTTI_EXAMPLES", "24")),
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking a history of cards takes many minutes
    suppress_health_check=list(HealthCheck),
)
