"""A card that is lent to the system under test, and a person at the keyboard; both remember what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509

from conformance.bench.errands import CardInHand
from conformance.sut.facets import SystemFailed
from sotepki.card import InsertedCard
from sotepki.clock import Clock
from sotepki.documents import sign_as_professional
from sotepki.errors import Refused
from sotepki.journey.card_holder import PIN2
from sotepki.registers import Professional
from sotepki.tokens import Pin

WRONG_PIN2 = "998877"
_MOST_QUESTIONS = 20


@dataclass
class WatchedCard:
    """The inserted card behind a notebook: every use is written down, PINs are not."""

    inserted: InsertedCard
    professional: Professional
    clock: Clock
    events: list[str]
    wrong_attempts: int = 0

    def certificate(self, which: str) -> x509.Certificate:
        """The certificate of a use, ``authentication`` or ``signature``."""
        self.events.append(f"card: read the {which} certificate")
        return self.inserted.certificate(which)

    def verify_pin2(self, pin: Pin) -> None:
        """Give PIN2 to the card.

        Raises:
            Refused: ``card.pin.wrong`` or ``card.pin.locked``.
        """
        try:
            self.inserted.verify_pin2(pin)
        except Refused as error:
            self.wrong_attempts += 1
            self.events.append(f"card: PIN2 refused ({error.rule})")
            raise
        self.events.append("card: PIN2 accepted")

    def sign(self, document: bytes) -> bytes:
        """Sign a document with the signature key.

        Raises:
            Refused: ``card.pin2.not-verified``: PIN2 was not given since the last signature.
        """
        signed = sign_as_professional(
            document,
            key=self.inserted.signature_key,
            certificate=self.inserted.certificate("signature"),
            professional=self.professional,
            at=self.clock.now(),
        )
        self.events.append("card: signature made")
        return signed

    def tries(self) -> Mapping[str, int]:
        """Tries left for each PIN."""
        return self.inserted.tries()


@dataclass
class Keyboard:
    """The person who enters PIN2: first the wrong one as often as was agreed, then the right one."""

    wrong_pins: int
    events: list[str]
    questions: int = 0

    def pin2(self) -> Pin:
        """One question on the screen and its answer.

        Raises:
            SystemFailed: the system asks without end.
        """
        self.questions += 1
        if self.questions > _MOST_QUESTIONS:
            raise SystemFailed(f"The system asked for PIN2 more than {_MOST_QUESTIONS} times.")
        wrong = self.questions <= self.wrong_pins
        self.events.append(f"person: enters {'a wrong' if wrong else 'the right'} PIN2")
        return Pin(WRONG_PIN2) if wrong else PIN2


@dataclass
class CardSession:
    """One loan of the card."""

    card: WatchedCard
    pin_pad: Keyboard
    make_document: Callable[[], bytes]
    events: list[str] = field(default_factory=list)

    def documents(self, count: int) -> Sequence[bytes]:
        """Unsigned documents whose author is the holder of the card."""
        return [self.make_document() for _ in range(count)]

    def log(self) -> str:
        """What happened, one line each, in order."""
        return "\n".join(self.events) or "nothing happened"


@contextmanager
def card_session(
    card: CardInHand,
    inserted: InsertedCard,
    clock: Clock,
    make_document: Callable[[], bytes],
    *,
    wrong_pins: int = 0,
) -> Iterator[CardSession]:
    """Lend the card with all tries left; what the system spoils is mended for the next one."""
    events: list[str] = []
    _restore(inserted, card)
    try:
        yield CardSession(
            WatchedCard(inserted, card.professional, clock, events),
            Keyboard(wrong_pins, events),
            make_document,
            events,
        )
    finally:
        _restore(inserted, card)


def _restore(inserted: InsertedCard, card: CardInHand) -> None:
    if inserted.tries()["pin2"] < inserted.tries()["pin1"]:
        inserted.unblock(card.activation_code, "pin2", PIN2)
