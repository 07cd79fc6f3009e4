"""Steps of one transaction at the desk: cancel, hand over, receive by post, activate, another code letter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select

from sotepki.clock import finnish_day
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.points import RegistrationPoints
from sotepki.dvv.vartti.acting import DVV, Acting, acting_on
from sotepki.dvv.vartti.case import CardCase, IdentityProof
from sotepki.dvv.vartti.closing import REPLACED, CardClosing
from sotepki.dvv.vartti.codes import CodeSeal, code_letter
from sotepki.dvv.vartti.data import card_machine
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.orders import CardOrder, as_order, order_id, row_of_card, row_of_order, take_steps
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.identifiers import Hetu
from sotepki.records import Records, Transaction
from sotepki.states import Step

_REGISTRARS_OWN = frozenset({"hand-over", "new-code"})


@dataclass(frozen=True)
class CardDesk:
    """The part of Vartti that a registrar and a holder use between the making of a card and its end."""

    records: Records
    registers: Registers
    points: RegistrationPoints
    closing: CardClosing
    seal: CodeSeal

    def cancel(self, order: str, actor: Hetu | str) -> CardOrder:
        """See ``Vartti.cancel_order``."""
        with self.records.look() as session:
            return self._step("cancel", row_of_order(session, order), actor)

    def hand_over(self, card_number: str, registrar: Hetu, identity: IdentityProof) -> CardOrder:
        """See ``Vartti.hand_over``."""
        return self._step("hand-over", self._card(card_number), registrar, identity)

    def new_code(self, card_number: str, registrar: Hetu, identity: IdentityProof, letter_address: str) -> CardOrder:
        """See ``Vartti.order_new_code``."""
        return self._step("new-code", self._card(card_number), registrar, identity, letter_address)

    def note_activation(self, card_number: str, actor: Hetu | str) -> CardOrder:
        """See ``Vartti.note_activation``."""
        done = self._step("activate", self._card(card_number), actor)
        if done.renews:
            with self.records.look() as session:
                old = row_of_order(session, done.renews)
            if old.state == "closing":
                self.closing.retry(old.card_number or "")
        return done

    def _card(self, card_number: str) -> CardOrderRow:
        with self.records.look() as session:
            return row_of_card(session, card_number)

    def _step(
        self,
        name: str,
        row: CardOrderRow,
        actor: Hetu | str,
        identity: IdentityProof | None = None,
        letter_address: str = "",
    ) -> CardOrder:
        now = self.records.clock.now()
        acting = acting_on(row, actor, self.points, now, as_registrar=name in _REGISTRARS_OWN)
        subject, machine = order_id(row.number), card_machine(row.kind)
        with refusals_journalled(self.records, actor=acting.name, step=name, subject=subject):
            if name == "new-code" and acting.role != "registrar":
                raise machine.refusal(
                    "code.actor", f"A new code letter of {subject} is asked for by {acting.name}.", subject=subject
                )
            case = replace(
                self.registers.case_of(row, now),
                role=acting.role,
                registrar=acting.registrar,
                identity=identity,
                letter_address=letter_address or row.letter_address,
            )
            with self.records.change(office="dvv", actor=acting.name) as tx:
                row = tx.session.get_one(CardOrderRow, row.number)
                return self._take(tx, name, row, acting, case)

    def _take(self, tx: Transaction, name: str, row: CardOrderRow, acting: Acting, case: CardCase) -> CardOrder:
        machine = card_machine(row.kind)
        case = replace(case, code_kept=row.sealed_code is not None)
        # A card that came by post is received when its holder takes it into use: nobody was there to write it down.
        received = name == "activate" and row.delivery == "post" and row.state == "delivered"
        steps: list[Step] = []
        state = row.state
        for each in ("receive", name) if received else (name,):
            steps.append(
                machine.step(
                    each, state=state, actor=acting.role, guards=CARD_GUARDS, case=case, subject=order_id(row.number)
                )
            )
            state = steps[-1].target
        if name == "hand-over" or received:
            row.handed_over_at = tx.now
        if name == "activate":
            row.activated_at = tx.now
            self._replace_old(tx, row)
        if name == "new-code":
            assert row.sealed_code is not None and case.person is not None
            row.letter_address, row.letter_due = case.letter_address.strip(), None
            tx.post(code_letter(row, case.person, self.seal.open(row.sealed_code), finnish_day(tx.now)))
        take_steps(tx, row, steps, **({"identity": str(case.identity)} if case.identity else {}))
        return as_order(row, tuple(finding for step in steps for finding in step.warnings))

    def _replace_old(self, tx: Transaction, row: CardOrderRow) -> None:
        if row.renews is None:
            return
        old = tx.session.scalars(select(CardOrderRow).where(CardOrderRow.number == row.renews)).one()
        if old.state in card_machine(old.kind).transitions["replace"].sources:
            self.closing.begin(tx, old.number, REPLACED, Acting("dvv", DVV))
