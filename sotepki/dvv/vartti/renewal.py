"""The holder's own renewal in the self-service (Omakortti, MyCard, Mittkort; earlier WebVartti).

The holder asks for a challenge for the present card, signs it with the card's authentication key, and orders a card
that is the same as the present one. The new card comes by post; when it is taken into use, the old one is closed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from sqlalchemy.exc import IntegrityError

from sotepki.dvv.office_seams import Certification, Issued, in_force
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.vartti.acting import Acting
from sotepki.dvv.vartti.card_certification import card_certifications
from sotepki.dvv.vartti.case import CardCase, PresentCard
from sotepki.dvv.vartti.data import card_machine, vartti_data
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.dvv.vartti.ordering import slot_of
from sotepki.dvv.vartti.orders import CardOrder, as_order, held_cards, holder_of, order_id, row_of_card, take_step
from sotepki.dvv.vartti.registers import Registers
from sotepki.dvv.vartti.subject import subject_of
from sotepki.dvv.vartti.tables import CardOrderRow, ChallengeRow
from sotepki.records import Records, Transaction
from sotepki.x509.serials import serial_text

_PREFIX = b"sotepki TEST MyCard renewal "
_IN_USE = frozenset({"activated", "renewal-open"})
_SHOWN = {
    "title": NameOID.TITLE, "serial_number": NameOID.SERIAL_NUMBER, "given_name": NameOID.GIVEN_NAME,
    "surname": NameOID.SURNAME, "pseudonym": NameOID.PSEUDONYM,
}  # fmt: skip


@dataclass(frozen=True)
class CardRenewal:
    """The part of Vartti that holders use themselves."""

    records: Records
    authorities: Certification
    registers: Registers

    def challenge(self, card_number: str) -> bytes:
        """See ``Vartti.renewal_challenge``."""
        given = secrets.token_bytes(vartti_data().challenge_bytes)
        with self.records.change(office="dvv", actor=f"holder of card {card_number}") as tx:
            row = row_of_card(tx.session, card_number)
            tx.session.add(ChallengeRow(challenge=given.hex(), card_number=card_number, given_at=tx.now))
            tx.session.flush()
            tx.journal("card-order.challenge", order_id(row.number), card=card_number)
        return _PREFIX + given

    def renew(self, card_number: str, challenge: bytes, signature: bytes, letter_address: str = "") -> CardOrder:
        """See ``Vartti.renew``."""
        with self.records.look() as session:
            row = row_of_card(session, card_number)
        machine, subject = card_machine(row.kind), order_id(row.number)
        acting = Acting("holder", f"holder of card {card_number}")
        now = self.records.clock.now()
        with refusals_journalled(self.records, actor=acting.name, step="renew", subject=subject):
            if not vartti_data().kinds[row.kind].renewed_by_holder:
                raise machine.refusal(
                    "renewal.kind", f"The card {card_number} is a {row.kind} card.", subject=card_number
                )
            objection = self._use_up(card_number, challenge, acting.name)
            case = self.registers.case_of(row, now)
            found = self._certificate(row, now)
            present = PresentCard(
                number=card_number,
                in_use=row.state in _IN_USE,
                not_after=row.not_after or now,
                certificate_in_force=found is not None,
                challenge=objection,
                proof=_proof(found, challenge, signature) if found else "The card has no certificate in force.",
                changes=_changes(found.certificate, case) if found else (),
            )
            case = replace(
                case, role="holder", present=present, by_post=True, letter_address=letter_address or _home(case)
            )
            with self.records.change(office="dvv", actor=acting.name) as tx:
                return self._place(tx, row.number, case, subject)

    def _place(self, tx: Transaction, number: int, case: CardCase, subject: str) -> CardOrder:
        old = tx.session.get_one(CardOrderRow, number)
        machine = card_machine(old.kind)
        assert case.present is not None
        case = replace(
            case,
            now=tx.now,
            present=replace(case.present, in_use=old.state in _IN_USE),
            held=[one for one in held_cards(tx.session, case.hetu) if _in_the_way(one.order, one.profession, old)],
        )
        step = machine.step(
            "renew", state=machine.initial, actor="holder", guards=CARD_GUARDS, case=case, subject=subject
        )
        row = _renewing(old, machine.initial, case)
        tx.session.add(row)
        try:
            tx.session.flush()
        except IntegrityError:
            raise machine.refusal(
                "order.one-card", "The card was renewed at the same time in another way.", subject=subject
            ) from None
        take_step(tx, row, step, renews=order_id(old.number))
        return as_order(row, step.warnings)

    def _use_up(self, card_number: str, challenge: bytes, actor: str) -> str:
        """Take a challenge out of use; what is wrong with it, or an empty text. It counts once, good or bad."""
        given = challenge.removeprefix(_PREFIX).hex()
        patience = timedelta(seconds=vartti_data().challenge_seconds)
        with self.records.change(office="dvv", actor=actor) as tx:
            row = tx.session.get(ChallengeRow, given)
            tx.journal("card-order.challenge-answered", f"card {card_number}")
            if row is None or row.card_number != card_number or not challenge.startswith(_PREFIX):
                return "The challenge was not given for this card."
            if row.used_at is not None:
                return "The challenge was answered before."
            row.used_at = tx.now
            if tx.now - row.given_at > patience:
                return f"The challenge is older than {vartti_data().challenge_seconds} seconds."
            return ""

    def _certificate(self, row: CardOrderRow, now: datetime) -> Issued | None:
        authority = card_certifications()[row.kind].authority
        good = in_force(self.authorities.issued(holder=holder_of(row), authority_id=authority), now)
        return next((one for one in good if serial_text(one.serial_number) == row.authentication_serial), None)


def _renewing(old: CardOrderRow, state: str, case: CardCase) -> CardOrderRow:
    """The row of an order for a card like the one of ``old``; it comes by post."""
    part = old.slot.split("/")[2] if old.slot else old.profession
    return CardOrderRow(
        state=state,
        kind=old.kind,
        hetu=old.hetu,
        registration_number=old.registration_number,
        right_code=old.right_code,
        profession=old.profession,
        slot=slot_of(old.kind, old.hetu, part, beside=old.slot),
        point=old.point,
        employer=old.employer,
        photo=old.photo,
        has_photo=old.has_photo,
        identity_document=f"card {old.card_number}",
        delivery="post",
        letter_address=case.letter_address.strip(),
        renews=old.number,
        ordered_at=case.now,
        changed_at=case.now,
    )


def _in_the_way(order: str, profession: str, old: CardOrderRow) -> bool:
    return order != order_id(old.number) and profession in ("", old.profession)


def _home(case: CardCase) -> str:
    return case.person.home_address if case.person else ""


def _proof(found: Issued, challenge: bytes, signature: bytes) -> str:
    key = found.certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, challenge, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, challenge, ec.ECDSA(hashes.SHA256()))
        else:
            return "The card has a key of a strange kind."
    except InvalidSignature:
        return "The challenge was not signed by the authentication key of the card."
    return ""


def _changes(certificate: x509.Certificate, case: CardCase) -> tuple[str, ...]:
    """What would stand otherwise in the certificates of a new card."""
    if case.person is None or case.right is None or case.professional is None:
        return ()  # rules of their own say so
    wanted = subject_of(case)
    changed = []
    for name, oid in _SHOWN.items():
        shown = certificate.subject.get_attributes_for_oid(oid)
        before, after = str(shown[0].value) if shown else "", wanted.get(name, "")
        if before != after:
            changed.append(f"{name} {before!r} would be {after!r}")
    return tuple(changed)
