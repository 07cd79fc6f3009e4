"""A desk with card readers, as a system meets it: the suite lays the cards there and sits at the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cryptography import x509

from conformance.sut.facets import StatusQuestion
from sotepki.identifiers import RegistrationNumber
from sotepki.tokens import Pin


class CardKey(StrEnum):
    """The two keys of a card: PIN1 guards the first, PIN2 the second."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"


class DeskTask(StrEnum):
    """What the person wants to do."""

    LOGIN = "login"
    SIGN = "sign"
    PRESCRIBE = "prescribe"


class CardTrouble(StrEnum):
    """Why it was not done, as the system tells the person."""

    NO_CARD = "no-card"
    CANCELLED = "cancelled"
    WRONG_PIN = "wrong-pin"
    BLOCKED = "blocked"
    REMOVED = "removed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NO_SIGNATURE_CERTIFICATE = "no-signature-certificate"
    NO_PRESCRIBER_ID = "no-prescriber-id"
    OTHER_HOLDER = "other-holder"
    OTHER = "other"


class WayOut(StrEnum):
    """What the system tells the person to do about it."""

    NONE = "none"
    ACTIVATION_CODE = "activation-code"
    NEW_CARD = "new-card"
    OTHER_CARD = "other-card"
    AGAIN = "again"


@dataclass(frozen=True)
class DeskOutcome:
    """How a task ended: a signature over the content, or a trouble and the way out of it."""

    signature: bytes = b""
    trouble: CardTrouble | None = None
    way_out: WayOut = WayOut.NONE


class DeskCard(Protocol):
    """A card in a reader. Each use raises ``Refused``: ``card.removed``, ``card.pin.wrong``, ``card.pin.locked``."""

    def certificate(self, key: CardKey) -> x509.Certificate | None:
        """The certificate of a key; None if the card has none."""
        ...

    def verify(self, key: CardKey, pin: Pin) -> None:
        """Give the PIN of a key to the card."""
        ...

    def sign(self, key: CardKey, content: bytes) -> bytes:
        """Sign with a key whose PIN was given: RSA PKCS #1 v1.5 with SHA-256, or ECDSA with SHA-384."""
        ...

    def tries(self) -> Mapping[CardKey, int]:
        """Tries left; looking costs none."""
        ...


class DeskReader(Protocol):
    """A reader with or without a card."""

    @property
    def name(self) -> str: ...

    @property
    def card(self) -> DeskCard | None: ...


class Desk(Protocol):
    """What stands on the desk, and who sits there.

    ``user`` is who is logged in, for tasks after the login; ``status`` asks for the state of a certificate, and
    ``issuer`` gives the certificate of its authority. ``scene`` tells a person in words what to lay there and what
    to do; it is empty for what no person can set up in time.
    """

    @property
    def scene(self) -> str: ...

    @property
    def readers(self) -> Sequence[DeskReader]: ...

    @property
    def user(self) -> RegistrationNumber | None: ...

    @property
    def user_name(self) -> str: ...

    @property
    def status(self) -> StatusQuestion: ...

    def issuer(self, certificate: x509.Certificate) -> x509.Certificate | None: ...

    def ask_pin(self, key: CardKey) -> Pin | None:
        """One question for a PIN on the screen; None if the person cancels."""
        ...

    def choose(self, names: Sequence[str]) -> int:
        """Ask the person which of several cards is meant."""
        ...


class WorksAtDesk(Protocol):
    """Does a task with the cards on a desk; ``content`` is the challenge of a login or what is to be signed."""

    def work(self, task: DeskTask, desk: Desk, content: bytes) -> DeskOutcome: ...
