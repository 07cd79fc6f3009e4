"""Software that gets one step with the cards on a desk wrong."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

from cryptography import x509

from conformance.sut.facets import Facet
from conformance.sut.facets_card import CardKey, CardTrouble, Desk, DeskCard, DeskOutcome, DeskTask, WayOut
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference_card import CardDesk, holder_name
from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.tokens import Pin


class _LogsInWithSignatureKey(CardDesk):
    def key(self, task: DeskTask, card: DeskCard) -> CardKey:
        return CardKey.SIGNATURE


class _SignsWithAuthenticationKey(CardDesk):
    def key(self, task: DeskTask, card: DeskCard) -> CardKey:
        usable = card.certificate(CardKey.SIGNATURE) is not None and card.tries()[CardKey.SIGNATURE] > 0
        return CardKey.AUTHENTICATION if usable and task is DeskTask.SIGN else super().key(task, card)


class _FallsBackToAuthenticationKey(CardDesk):
    def key(self, task: DeskTask, card: DeskCard) -> CardKey:
        usable = card.certificate(CardKey.SIGNATURE) is not None
        return super().key(task, card) if usable else CardKey.AUTHENTICATION


class _GuessesAPin(CardDesk):
    def signed(self, key: CardKey, desk: Desk, card: DeskCard, content: bytes) -> DeskOutcome:
        if key is CardKey.AUTHENTICATION:
            with contextlib.suppress(Refused):
                card.verify(key, Pin("0000"))
        return super().signed(key, desk, card, content)


class _NagsAfterCancel(CardDesk):
    def signed(self, key: CardKey, desk: Desk, card: DeskCard, content: bytes) -> DeskOutcome:
        outcome = super().signed(key, desk, card, content)
        again = outcome.trouble is CardTrouble.CANCELLED
        return super().signed(key, desk, card, content) if again else outcome


class _AsksALockedCard(CardDesk):
    def lock(self, task: DeskTask, card: DeskCard) -> CardTrouble | None:
        return None


class _WantsANewCard(CardDesk):
    def refusal(self, trouble: CardTrouble) -> DeskOutcome:
        return DeskOutcome(trouble=trouble, way_out=WayOut.NEW_CARD)


class _IgnoresRemoval(CardDesk):
    def work(self, task: DeskTask, desk: Desk, content: bytes) -> DeskOutcome:
        outcome = super().work(task, desk, content)
        return replace(outcome, trouble=None) if outcome.trouble is CardTrouble.REMOVED else outcome


@dataclass(frozen=True)
class _KeepsPin1(CardDesk):
    kept: list[Pin] = field(default_factory=list)

    def signed(self, key: CardKey, desk: Desk, card: DeskCard, content: bytes) -> DeskOutcome:
        if key is not CardKey.AUTHENTICATION or not self.kept:
            pin = desk.ask_pin(key)
            if pin is None:
                return DeskOutcome(trouble=CardTrouble.CANCELLED)
            if key is CardKey.AUTHENTICATION:
                self.kept.append(pin)
        else:
            pin = self.kept[0]
        card.verify(key, pin)
        return DeskOutcome(card.sign(key, content))


class _IgnoresExpiry(CardDesk):
    def in_time(self, certificate: x509.Certificate) -> bool:
        return True

    def in_force(self, desk: Desk, certificate: x509.Certificate) -> bool:
        return not super().in_time(certificate) or super().in_force(desk, certificate)


class _LooksAtTheEndAtLoginOnly(CardDesk):
    def trouble(self, task: DeskTask, desk: Desk, card: DeskCard) -> CardTrouble | None:
        found = super().trouble(task, desk, card)
        return None if found is CardTrouble.EXPIRED and task is not DeskTask.LOGIN else found


class _AsksNoStatus(CardDesk):
    def in_force(self, desk: Desk, certificate: x509.Certificate) -> bool:
        return True


class _PrescribesWithoutId(CardDesk):
    def may_prescribe(self, certificate: x509.Certificate) -> bool:
        return True


class _NeverPrescribes(CardDesk):
    def may_prescribe(self, certificate: x509.Certificate) -> bool:
        return False


class _TakesAnyCard(CardDesk):
    def is_the_user(self, desk: Desk, certificate: x509.Certificate) -> bool:
        unknown: Desk = _Nobody(desk)  # type: ignore[assignment]
        return super().is_the_user(unknown, certificate)


@dataclass(frozen=True)
class _Nobody:
    """A desk at which nobody is logged in."""

    desk: Desk
    user: None = None


class _ComparesNames(CardDesk):
    def is_the_user(self, desk: Desk, certificate: x509.Certificate) -> bool:
        if desk.user is None:
            return super().is_the_user(desk, certificate)
        return holder_name(certificate) == desk.user_name

    def in_force(self, desk: Desk, certificate: x509.Certificate) -> bool:
        return desk.user is not None or super().in_force(desk, certificate)


class _TakesTheFirstCard(CardDesk):
    def card(self, desk: Desk) -> DeskCard | None:
        return next((reader.card for reader in desk.readers if reader.card is not None), None)


class _KnowsOneReader(CardDesk):
    def card(self, desk: Desk) -> DeskCard | None:
        return super().card(desk) if desk.readers[0].card is not None else None


_FAULTS: tuple[tuple[str, str, type[CardDesk]], ...] = (
    ("logs-in-with-signature-key", "Logs in with the signature key", _LogsInWithSignatureKey),
    ("signs-with-authentication-key", "Signs documents with the authentication key", _SignsWithAuthenticationKey),
    ("guesses-a-pin", "Tries a factory PIN before it asks", _GuessesAPin),
    ("nags-after-cancel", "Asks again when the person cancels", _NagsAfterCancel),
    ("asks-a-locked-card", "Asks for a PIN that is locked", _AsksALockedCard),
    ("wants-a-new-card", "Sends the person for a new card when a PIN is locked", _WantsANewCard),
    ("ignores-removal", "Holds a task for done when the card was pulled", _IgnoresRemoval),
    ("keeps-pin1", "Keeps PIN1 for the next login", _KeepsPin1),
    ("ignores-expiry", "Does not look at the end of a certificate", _IgnoresExpiry),
    ("looks-at-the-end-at-login-only", "Looks at the end of a certificate at login only", _LooksAtTheEndAtLoginOnly),
    ("asks-no-status", "Does not ask whether a certificate is revoked", _AsksNoStatus),
    ("falls-back-to-authentication-key", "Takes the other key where there is no signature certificate",
     _FallsBackToAuthenticationKey),
    ("prescribes-without-id", "Prescribes without the prescriber's identifier", _PrescribesWithoutId),
    ("never-prescribes", "Does not find the prescriber's identifier", _NeverPrescribes),
    ("takes-any-card", "Signs with whatever professional card is in the reader", _TakesAnyCard),
    ("compares-names", "Compares the holder's name instead of the number", _ComparesNames),
    ("takes-the-first-card", "Takes the first of several cards", _TakesTheFirstCard),
    ("knows-one-reader", "Looks into the first reader only", _KnowsOneReader),
)  # fmt: skip


def _mutant(name: str, title: str, kind: type[CardDesk]) -> Mutant:
    def broken(clock: Clock) -> dict[str, CardDesk]:
        return {"card_desk": kind(clock)}

    return Mutant(f"desk-{name}", title, Facet.CARD_DESK, lambda reference: broken(reference.bench.clock))


MUTANTS = tuple(_mutant(*row) for row in _FAULTS)
