"""The reference system's Signature Creation Service, and its pages that call one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from conformance.bench import Bench
from conformance.bench.errands import CardInHand
from conformance.bench.scs import ORIGIN, cancelled, running_service, typed
from conformance.sut.facets_scs import ScsAddress, ScsUse, Situation
from sotepki.card import InsertedCard
from sotepki.errors import Refused, SotepkiError
from sotepki.journey.card_holder import PIN2
from sotepki.scs import PinRequest, SignatureService
from sotepki.scs.answers import ScsAnswer
from sotepki.scs.client import AUTHENTICATION, SIGNATURE, ScsClient
from sotepki.scs.settings import ScsSettings, load_settings
from sotepki.tokens import Pin
from sotepki.x509.issuer import issuer_among
from sotepki.x509.purposes import key_usages

_WRONG = Pin("998877")
_SECONDS = 60.0
_NONCE_BYTES = 48


@dataclass(frozen=True)
class ReferenceScs:
    """The service with the system's own card in its reader.

    Attributes:
        service: makes the service; a mutant brings a broken one.
        settings: the settings of a version; a mutant changes them.
        application: makes the web application; None takes the package's.
    """

    bench: Bench
    hand: CardInHand
    card: InsertedCard
    service: Callable[..., SignatureService] = SignatureService
    settings: Callable[[str], ScsSettings] = load_settings
    application: Callable[[SignatureService], Any] | None = None

    def versions(self) -> Sequence[str]:
        return ("1.1", "1.2", "1.3")

    @contextmanager
    def situated(self, situation: Situation, version: str) -> Iterator[ScsAddress]:
        card = None if situation is Situation.NO_CARD else self.card
        if situation is Situation.LOCKED:
            self._lock()
        service = self.service(lambda: card, _person(situation), self.bench.trust.issuers, self.settings(version))
        try:
            with running_service(self.bench, service, self.application) as address:
                yield address
        finally:
            if situation in (Situation.LOCKED, Situation.WRONG_PIN):
                self.card.unblock(self.hand.activation_code, "pin2", PIN2)

    def _lock(self) -> None:
        while self.card.tries()["pin2"]:
            try:
                self.card.verify_pin2(_WRONG)
            except Refused:
                continue


def _person(situation: Situation) -> Callable[[PinRequest], Pin | None]:
    if situation is Situation.CANCELS:
        return cancelled
    return (lambda _request: _WRONG) if situation is Situation.WRONG_PIN else typed


@dataclass(frozen=True)
class ScsPages:
    """Pages that log in and sign over a service; nothing that comes back is believed unverified."""

    bench: Bench
    origin: str = ORIGIN

    def log_in(self, scs: ScsAddress) -> ScsUse:
        nonce = self.nonce()
        content = f"{self.bound_to()}\n{nonce}".encode()
        return self.used(scs, content, self.login_usage())

    def sign(self, scs: ScsAddress, content: bytes) -> ScsUse:
        return self.used(scs, content, self.signature_usage())

    def nonce(self) -> str:
        """A fresh challenge."""
        return secrets.token_hex(_NONCE_BYTES)

    def bound_to(self) -> str:
        """The origin in the login challenge."""
        return self.origin

    def login_usage(self) -> str:
        """The key usage that a login selects."""
        return AUTHENTICATION

    def signature_usage(self) -> str:
        """The key usage that a signature selects."""
        return SIGNATURE

    def used(self, scs: ScsAddress, content: bytes, usage: str) -> ScsUse:
        """Ask the service and judge what it answers."""
        try:
            client = ScsClient(scs.url, scs.tls, self.origin, _SECONDS)
            self.judge(client.sign(content, key_usage=usage), content, usage)
        except SotepkiError as error:
            return ScsUse(False, error.sentence)
        return ScsUse(True)

    def judge(self, answer: ScsAnswer, content: bytes, usage: str) -> None:
        """Everything that must hold before the answer counts.

        Raises:
            Refused: it does not.
        """
        self.judge_signature(answer, content)
        self.judge_certificate(answer, usage)

    def judge_signature(self, answer: ScsAnswer, content: bytes) -> None:
        """The answer is a signature over what was sent."""
        answer.verify(content)

    def judge_certificate(self, answer: ScsAnswer, usage: str) -> None:
        """The certificate comes from a trusted authority and has the usage that was selected."""
        certificate = answer.certificate
        self.judge_issuer(answer)
        if usage.lower() not in {one.lower() for one in key_usages(certificate) or ()}:
            raise Refused("The certificate is not for this use.", rule="scs.answer.refused")

    def judge_issuer(self, answer: ScsAnswer) -> None:
        """The certificate was issued by one of the authorities."""
        if issuer_among(answer.certificate, self.bench.trust.issuers) is None:
            raise Refused("The certificate is of nobody whom the system trusts.", rule="scs.answer.refused")
