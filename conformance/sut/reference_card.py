"""How the reference system does a task with the cards on a desk: look at everything first, then ask for the PIN."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.sut.facets_card import CardKey, CardTrouble, Desk, DeskCard, DeskOutcome, DeskTask, WayOut
from sotepki.clock import Clock
from sotepki.errors import SotepkiError
from sotepki.x509.status import CertificateState

_OF_RULE = {
    "card.pin.wrong": DeskOutcome(trouble=CardTrouble.WRONG_PIN, way_out=WayOut.AGAIN),
    "card.pin.locked": DeskOutcome(trouble=CardTrouble.BLOCKED, way_out=WayOut.ACTIVATION_CODE),
    "card.removed": DeskOutcome(trouble=CardTrouble.REMOVED, way_out=WayOut.AGAIN),
}
_OTHER_CARD = (CardTrouble.EXPIRED, CardTrouble.REVOKED, CardTrouble.NO_SIGNATURE_CERTIFICATE)


@dataclass(frozen=True)
class CardDesk:
    """Does tasks; each step is a method, so that a mutant gets one of them wrong."""

    clock: Clock

    def work(self, task: DeskTask, desk: Desk, content: bytes) -> DeskOutcome:
        card = self.card(desk)
        if card is None:
            return DeskOutcome(trouble=CardTrouble.NO_CARD, way_out=WayOut.AGAIN)
        try:
            trouble = self.trouble(task, desk, card)
            if trouble is not None:
                return self.refusal(trouble)
            return self.signed(self.key(task, card), desk, card, content)
        except SotepkiError as error:
            return _OF_RULE.get(error.rule, DeskOutcome(trouble=CardTrouble.OTHER))

    def card(self, desk: Desk) -> DeskCard | None:
        """The only card, or the one that the person chooses."""
        filled = [reader for reader in desk.readers if reader.card is not None]
        if len(filled) < 2:
            return filled[0].card if filled else None
        return filled[desk.choose([reader.name for reader in filled])].card

    def key(self, task: DeskTask, card: DeskCard) -> CardKey:
        """The authentication key for a login, the signature key for everything else."""
        return CardKey.AUTHENTICATION if task is DeskTask.LOGIN else CardKey.SIGNATURE

    def trouble(self, task: DeskTask, desk: Desk, card: DeskCard) -> CardTrouble | None:
        """What stands against the task before any PIN is asked for."""
        certificate = card.certificate(self.key(task, card))
        if certificate is None:
            return CardTrouble.NO_SIGNATURE_CERTIFICATE
        if not self.is_the_user(desk, certificate):
            return CardTrouble.OTHER_HOLDER
        if not self.in_time(certificate):
            return CardTrouble.EXPIRED
        if task is DeskTask.PRESCRIBE and not self.may_prescribe(certificate):
            return CardTrouble.NO_PRESCRIBER_ID
        if not self.in_force(desk, certificate):
            return CardTrouble.REVOKED
        return self.lock(task, card)

    def is_the_user(self, desk: Desk, certificate: x509.Certificate) -> bool:
        """Whether the card is a professional's, and that of the person who is logged in, by the number."""
        number = _first(certificate, NameOID.SERIAL_NUMBER)
        if desk.user is None:
            return len(number) == 11 and number.isdigit()
        return number == desk.user.value

    def in_time(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate has begun and not ended."""
        return certificate.not_valid_before_utc <= self.clock.now() <= certificate.not_valid_after_utc

    def may_prescribe(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate has a prescriber's identifier."""
        return bool(_first(certificate, NameOID.PSEUDONYM))

    def in_force(self, desk: Desk, certificate: x509.Certificate) -> bool:
        """Whether the authority says that the certificate is good."""
        issuer = desk.issuer(certificate)
        return issuer is not None and desk.status(certificate, issuer).state is CertificateState.GOOD

    def lock(self, task: DeskTask, card: DeskCard) -> CardTrouble | None:
        """Whether the PIN of the task is locked; looking costs no try."""
        return CardTrouble.BLOCKED if card.tries()[self.key(task, card)] == 0 else None

    def refusal(self, trouble: CardTrouble) -> DeskOutcome:
        """What the person is told."""
        if trouble is CardTrouble.BLOCKED:
            return DeskOutcome(trouble=trouble, way_out=WayOut.ACTIVATION_CODE)
        way_out = WayOut.NEW_CARD if trouble in _OTHER_CARD else WayOut.OTHER_CARD
        return DeskOutcome(trouble=trouble, way_out=way_out)

    def signed(self, key: CardKey, desk: Desk, card: DeskCard, content: bytes) -> DeskOutcome:
        """Ask for the PIN once, present it once, sign.

        Raises:
            Refused: the card says no.
        """
        pin = desk.ask_pin(key)
        if pin is None:
            return DeskOutcome(trouble=CardTrouble.CANCELLED)
        card.verify(key, pin)
        return DeskOutcome(card.sign(key, content))


def holder_name(certificate: x509.Certificate) -> str:
    """First name and surname in a certificate."""
    given = _first(certificate, NameOID.GIVEN_NAME).split()
    return f"{given[0] if given else ''} {_first(certificate, NameOID.SURNAME)}".strip()


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
