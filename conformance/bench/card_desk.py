"""A desk with readers on which the suite lays cards; it remembers which PINs were typed and which were presented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from conformance.bench.errands import CardInHand
from conformance.bench.forging import forged, with_attribute
from conformance.sut.facets import StatusQuestion, SystemFailed
from conformance.sut.facets_card import CardKey
from sotepki.card import InsertedCard
from sotepki.dvv import SOTE_PERSONS
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.journey.card_holder import PIN1, PIN2
from sotepki.tokens import Pin

if TYPE_CHECKING:
    from conformance.bench import Bench

_HOLDER, _CLOSED = "dentist", "geronomi"
_TEST_SATU = "99902038C"
_PINS: Mapping[CardKey, Pin] = {CardKey.AUTHENTICATION: PIN1, CardKey.SIGNATURE: PIN2}
_COUNTERS = {CardKey.AUTHENTICATION: "pin1", CardKey.SIGNATURE: "pin2"}
_MOST_QUESTIONS = 8


@dataclass
class LentCard:
    """A card with what was done to it.

    Attributes:
        certificates: what lies on it; a key that is missing has none.
        described: what it is, for a person who lays a like card into a reader; empty if nobody could in time.
        leaves_before_signing: the person pulls the card after the PIN.
        presented: the keys whose PIN was given, with the digits' number only.
    """

    inserted: InsertedCard
    certificates: Mapping[CardKey, x509.Certificate]
    described: str = "your professional test card"
    leaves_before_signing: bool = False
    presented: list[CardKey] = field(default_factory=list)
    signed_with: list[CardKey] = field(default_factory=list)

    def certificate(self, key: CardKey) -> x509.Certificate | None:
        return self.certificates.get(key)

    def verify(self, key: CardKey, pin: Pin) -> None:
        self.presented.append(key)
        if key is CardKey.AUTHENTICATION:
            self.inserted.verify_pin1(pin)
        else:
            self.inserted.verify_pin2(pin)

    def sign(self, key: CardKey, content: bytes) -> bytes:
        if self.leaves_before_signing:
            raise Refused("The card was removed.", rule="card.removed")
        card = self.inserted
        chosen = card.authentication_key if key is CardKey.AUTHENTICATION else card.signature_key
        self.signed_with.append(key)
        if isinstance(chosen, rsa.RSAPrivateKey):
            return chosen.sign(content, padding.PKCS1v15(), hashes.SHA256())
        return chosen.sign(content, ec.ECDSA(hashes.SHA384()))

    def tries(self) -> Mapping[CardKey, int]:
        counters = self.inserted.tries()
        return {key: counters[name] for key, name in _COUNTERS.items()}


@dataclass
class Reader:
    """A reader."""

    name: str
    card: LentCard | None = None


@dataclass
class WatchedDesk:
    """The desk; implements ``facets_card.Desk``.

    Attributes:
        cancels: the person closes every question for a PIN.
        meant: the number of the card that the person chooses.
    """

    readers: Sequence[Reader]
    user: RegistrationNumber | None
    user_name: str
    status: StatusQuestion
    issuers: Sequence[x509.Certificate]
    cancels: bool = False
    meant: int = 0
    typed: list[CardKey] = field(default_factory=list)
    choices: int = 0

    @property
    def scene(self) -> str:
        """What is to be laid where and done, in words; empty if a card cannot be had in time."""
        if any(reader.card and not reader.card.described for reader in self.readers):
            return ""
        lines = [f"{one.name}: {one.card.described if one.card else 'no card'}." for one in self.readers]
        lines.append("You are logged in." if self.user else "Nobody is logged in.")
        if len(self.readers) > 1:
            lines.append(f"You mean the card in {self.readers[self.meant].name}, if you are asked.")
        lines += ["Cancel when a PIN is asked for."] if self.cancels else []
        lines += ["Pull the card out right after typing the PIN."] if self._leaves else []
        return " ".join(lines)

    @property
    def _leaves(self) -> bool:
        return any(reader.card is not None and reader.card.leaves_before_signing for reader in self.readers)

    def issuer(self, certificate: x509.Certificate) -> x509.Certificate | None:
        return next((one for one in self.issuers if one.subject == certificate.issuer), None)

    def ask_pin(self, key: CardKey) -> Pin | None:
        self.typed.append(key)
        if len(self.typed) > _MOST_QUESTIONS:
            raise SystemFailed(f"The system asked for a PIN more than {_MOST_QUESTIONS} times.")
        return None if self.cancels else _PINS[key]

    def choose(self, names: Sequence[str]) -> int:
        self.choices += 1
        return min(self.meant, len(names) - 1)

    @property
    def presented(self) -> list[CardKey]:
        """The PINs that were given to any card."""
        return [key for reader in self.readers if reader.card for key in reader.card.presented]

    def log(self) -> str:
        """What happened, for the report."""
        lines = [f"questions for the PIN of: {', '.join(self.typed) or 'none'}", f"choices of a card: {self.choices}"]
        for reader in self.readers:
            if reader.card is not None:
                used = f"PINs given: {', '.join(reader.card.presented) or 'none'}"
                lines.append(f"{reader.name}: {used}; signed with: {', '.join(reader.card.signed_with) or 'none'}")
        return "\n".join(lines)


class DeskCards:
    """Cards to lay on desks: one chip with the certificates that a case needs."""

    def __init__(self, bench: Bench, resources: ExitStack) -> None:
        self._bench = bench
        self._card = bench.other_card(_HOLDER)
        self.number = self._card.professional.registration_number
        person = self._card.professional.person
        self.name = f"{person.first_name} {person.surname}"
        self.inserted = resources.enter_context(self._card.inserted())

    @cached_property
    def _own(self) -> Mapping[CardKey, x509.Certificate]:
        return {key: self.inserted.certificate(str(key)) for key in CardKey}

    def card(self) -> LentCard:
        """A right card with all its tries."""
        self.unblock()
        return LentCard(self.inserted, self._own)

    def without_signature_certificate(self) -> LentCard:
        """A card that has the certificate for logging in only."""
        kept = {CardKey.AUTHENTICATION: self._own[CardKey.AUTHENTICATION]}
        return replace(
            self.card(), certificates=kept, described="a test card with its authentication certificate only"
        )

    def expired(self) -> LentCard:
        """A card whose certificates ended yesterday."""
        return replace(
            self.card(), certificates=self._expired, described="a test card of yours whose certificates have ended"
        )

    def ending(self, moment: datetime) -> LentCard:
        """A card whose certificates end at a moment; nobody could have one made so soon."""
        authority = self._bench.authority_key(SOTE_PERSONS)
        held = {
            key: forged(one, authority, not_after=moment, serial=one.serial_number) for key, one in self._own.items()
        }
        return replace(self.card(), certificates=held, described="")

    def without_prescriber_id(self) -> LentCard:
        """A card whose certificates lack the prescriber's identifier."""
        return replace(
            self.card(),
            certificates=self._without_prescriber_id,
            described="a test card of yours without prescriber's identifier",
        )

    def identity_card(self) -> LentCard:
        """An identity card of the same person: the same name, another number."""
        return replace(self.card(), certificates=self._identity, described="your own identity card")

    def of_a_colleague(self) -> LentCard:
        """A card with the certificates of another professional."""
        return replace(self.card(), certificates=self._colleagues, described="a colleague's test card")

    def closed(self) -> LentCard:
        """A card whose certificates were revoked as lost."""
        return replace(
            self.card(), certificates=self._revoked, described="a test card of yours that was reported lost"
        )

    def blocked(self) -> LentCard:
        """A card whose PIN2 is locked."""
        card = replace(self.card(), described="a test card of yours whose PIN2 is locked")
        while self.inserted.tries()["pin2"]:
            try:
                self.inserted.verify_pin2(Pin("998877"))
            except Refused:
                continue
        return card

    def unblock(self) -> None:
        """Give every PIN its tries back."""
        tries = self.inserted.tries()
        for name, pin in (("pin1", PIN1), ("pin2", PIN2)):
            if tries[name] < max(tries.values()):
                self.inserted.unblock(self._card.activation_code, name, pin)

    def desk(
        self, *cards: LentCard | None, logged_in: bool = False, cancels: bool = False, meant: int = 0
    ) -> WatchedDesk:
        """A desk with a reader for each card; None is an empty reader."""
        trust = self._bench.trust
        assert trust.status is not None
        return WatchedDesk(
            [Reader(f"Reader {number}", card) for number, card in enumerate(cards, 1)],
            self.number if logged_in else None,
            self.name,
            trust.status,
            trust.issuers,
            cancels,
            meant,
        )

    def verifies(self, key: CardKey, signature: bytes, content: bytes) -> bool:
        """Whether a signature over a content was made with a key of the right card."""
        public_key = self._own[key].public_key()
        try:
            if isinstance(public_key, rsa.RSAPublicKey):
                public_key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(public_key, ec.EllipticCurvePublicKey):
                public_key.verify(signature, content, ec.ECDSA(hashes.SHA384()))
            return bool(signature)
        except InvalidSignature:
            return False

    @cached_property
    def _expired(self) -> Mapping[CardKey, x509.Certificate]:
        end = self._bench.clock.now() - timedelta(days=1)
        authority = self._bench.authority_key(SOTE_PERSONS)
        return {
            key: forged(one, authority, not_before=end - timedelta(days=1800), not_after=end)
            for key, one in self._own.items()
        }

    @cached_property
    def _without_prescriber_id(self) -> Mapping[CardKey, x509.Certificate]:
        return self._with_attribute(NameOID.PSEUDONYM, None)

    @cached_property
    def _identity(self) -> Mapping[CardKey, x509.Certificate]:
        return self._with_attribute(NameOID.SERIAL_NUMBER, _TEST_SATU)

    @cached_property
    def _colleagues(self) -> Mapping[CardKey, x509.Certificate]:
        return _certificates(self._bench.card)

    @cached_property
    def _revoked(self) -> Mapping[CardKey, x509.Certificate]:
        card = self._bench.other_card(_CLOSED)
        self._bench.workspace.vartti.close_card(card.number, "lost", "dvv")
        return _certificates(card)

    def _with_attribute(self, oid: x509.ObjectIdentifier, value: str | None) -> Mapping[CardKey, x509.Certificate]:
        authority = self._bench.authority_key(SOTE_PERSONS)
        return {
            key: forged(one, authority, subject=with_attribute(one.subject, oid, value))
            for key, one in self._own.items()
        }


def _certificates(card: CardInHand) -> Mapping[CardKey, x509.Certificate]:
    return {key: card.certificates[key] for key in CardKey}
