"""A card client: reads FINEID cards and uses their keys by the organisational sequences, over any channel.

It shares no code with the emulated card and works with a real one in any PC/SC reader. It spends no tries to look,
remembers PINs that were refused, and stops before a card locks (docs/field/card.md 3.3, 4.3, 4.8: secondhand).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec

from sotepki.card.client.channel import APPLICATION, SIGNATURE_DIRECTORY, CardTalk, Channel
from sotepki.card.client.content import CardObjects, read_objects_of_card
from sotepki.card.client.memory import WrongPins
from sotepki.card.client.numbering import CITIZEN, ORGANISATIONAL, Numbering, Role
from sotepki.card.client.proof import Proof, algorithm_reference, checked_signature, signature_length
from sotepki.errors import Fault, Refused
from sotepki.tokens.pin import Pin
from sotepki.x509.lenient import DerCertificate

RETRY_FLOOR = 2
"""With this many tries or fewer left, a PIN is not tried unless the caller insists."""
_NO_ANSWER = 0


class PinStanding(StrEnum):
    """What a probe says about a PIN."""

    READY = "ready"
    VERIFIED = "verified"
    LOCKED = "locked"
    NOT_SET = "not-set"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PinStatus:
    """One PIN of the card; ``tries`` is None where the card does not say."""

    role: Role
    reference: int
    standing: PinStanding
    tries: int | None = None


class CardClient:
    """One card over one channel. ``wrong_pins`` keeps what the card has refused."""

    def __init__(self, channel: Channel, *, wrong_pins: WrongPins | None = None) -> None:
        self._channel = channel
        self._talk = CardTalk(channel)
        self._wrong_pins = wrong_pins or WrongPins()
        self._numbering: Numbering | None = None
        self._objects: CardObjects | None = None

    @property
    def commands(self) -> int:
        """How many commands were sent to the card."""
        return self._talk.commands

    def numbering(self) -> Numbering:
        """Which numbers the card's PINs and keys have, asked by probes that cost no try.

        Raises:
            Refused: rule ``card.client.foreign``: there is no PKCS#15 application; not a FINEID card.
        """
        if self._numbering is None:
            if not self._talk.select_name(APPLICATION):
                raise Refused(
                    "The card has no PKCS#15 application, so it is no FINEID card.", rule="card.client.foreign"
                )
            citizen = self._probe(CITIZEN.pins[Role.PIN1])
            known = self._probe(ORGANISATIONAL.pins[Role.PIN1]) != 0x6A88
            self._numbering = ORGANISATIONAL if citizen == 0x6A88 and known else CITIZEN
        return self._numbering

    def objects(self) -> CardObjects:
        """What is on the card: its description and certificates. Free to read; read once.

        Raises:
            Refused: rule ``card.client.foreign``.
            Fault: the card answers what no card does.
        """
        if self._objects is None:
            numbering = self.numbering()
            with self._alone():
                self._objects = read_objects_of_card(self._talk, numbering)
        return self._objects

    def certificate(self, role: Role) -> DerCertificate:
        """The certificate of the key that PIN1 or PIN2 guards.

        Raises:
            Refused: rule ``card.client.no-certificate``.
        """
        found = self.objects().certificate(role)
        if found is None:
            raise Refused(f"The card has no readable certificate for {role}.", rule="card.client.no-certificate")
        return found

    def pins(self) -> tuple[PinStatus, ...]:
        """PIN1, PIN2 and the activation code with their tries. Looking costs none."""
        numbering = self.numbering()
        with self._alone():
            self._talk.select_name(APPLICATION)
            first = [self._status(role, numbering) for role in (Role.PIN1, Role.PUK)]
            if self._enter_signature_directory():
                second = self._status(Role.PIN2, numbering)
            else:
                second = PinStatus(Role.PIN2, numbering.pins[Role.PIN2], PinStanding.UNREADABLE)
        return first[0], second, first[1]

    def verify(self, role: Role, pin: Pin, *, insist: bool = False) -> None:
        """Give PIN1 or PIN2 to the card.

        ``insist``: also when few tries are left, and when the card has refused this PIN before.

        Raises:
            Refused: ``card.client.known-wrong`` and ``card.client.few-tries`` (the card was not asked),
                ``card.pin.wrong``, ``card.pin.locked``.
        """
        with self._alone():
            self._enter(role)
            self._guard(role, pin, insist)
            self._judge(role, pin, self._offer(role, pin))

    def authenticate(self, challenge: bytes, pin: Pin, *, insist: bool = False) -> Proof:
        """Sign a challenge with the authentication key, as a login does, and verify the answer.

        Raises:
            Refused: as ``verify``; ``card.client.signature``: the answer is not of the certificate's key.
        """
        certificate = self.certificate(Role.PIN1)
        name = "sha384" if isinstance(certificate.public_key, ec.EllipticCurvePublicKey) else "sha256"
        return self.sign_digest(hashlib.new(name, challenge).digest(), name, pin, role=Role.PIN1, insist=insist)

    def sign_digest(
        self,
        digest: bytes,
        hash_name: str,
        pin: Pin,
        *,
        role: Role = Role.PIN2,
        scheme: str = "",
        insist: bool = False,
    ) -> Proof:
        """Sign a digest: verify the PIN, name algorithm and key, sign; the signature is checked before it is given.

        Args:
            digest: of the length of the hash.
            hash_name: ``sha256``, ``sha384`` or ``sha512`` (``sha1`` and ``sha224`` as far as the card has them).
            role: which key: PIN2 signs, PIN1 authenticates.
            scheme: ``pkcs1``, ``pss`` or ``ecdsa``; by default what fits the key.

        Raises:
            Misuse: no such hash or scheme, it does not fit the key, or the digest is of another length.
            Refused: as ``verify``; ``card.client.signature``; what the card says no to.
        """
        numbering = self.numbering()
        certificate = self.certificate(role)
        scheme = scheme or ("ecdsa" if isinstance(certificate.public_key, ec.EllipticCurvePublicKey) else "pkcs1")
        algorithm = algorithm_reference(hash_name, scheme, digest, certificate.public_key)
        with self._alone():
            self._enter(role)
            with self._verified(role, pin, insist):
                key = bytes((0x80, 1, algorithm, 0x84, 1, numbering.keys[role]))
                self._expect(self._talk.send(0x22, 0x41, 0xB6, key)[1], "MSE SET")
                if numbering.loads_hash:
                    loaded = bytes((0x90, len(digest))) + digest
                    self._expect(self._talk.send(0x2A, 0x90, 0xA0, loaded)[1], "PSO HASH")
                    answer, status = self._talk.send(0x2A, 0x9E, 0x9A, expected=256)
                else:
                    length = signature_length(certificate.public_key)
                    answer, status = self._talk.send(0x2A, 0x9E, 0x9A, digest, expected=length)
                self._expect(status, "PSO COMPUTE DIGITAL SIGNATURE")
        signature = checked_signature(certificate.public_key, answer, digest, hash_name, scheme)
        return Proof(signature, f"{scheme}-{hash_name}", certificate)

    def change_pin(self, role: Role, old: Pin, new: Pin, *, insist: bool = False) -> None:
        """Change PIN1 or PIN2 by the present one.

        Raises:
            Refused: as ``verify``; ``card.pin.form`` if the card does not take the new one.
        """
        numbering = self.numbering()
        with self._alone():
            self._enter(role)
            self._guard(role, old, insist)
            body = numbering.block(old) + numbering.block(new)
            self._judge(role, old, self._talk.send(0x24, 0x00, numbering.pins[role], body)[1])

    def unblock(self, role: Role, code: Pin, new: Pin, *, insist: bool = False) -> None:
        """Set PIN1 or PIN2 by the activation code, in two steps. The first setting of a new card is the same.

        Raises:
            Refused: as ``verify``, for the activation code; ``card.pin.form``.
        """
        numbering = self.numbering()
        with self._alone():
            self._enter(role)
            with self._verified(Role.PUK, code, insist):
                status = self._talk.send(0x2C, 0x02, numbering.pins[role], numbering.block(new))[1]
                if status in (0x6A80, 0x6700):
                    raise Refused("The card does not take the new PIN.", rule="card.pin.form")
                self._expect(status, "RESET RETRY COUNTER")
            self._wrong_pins.forget(self._card_id(), numbering.pins[role])

    def reset(self) -> None:
        """Have the card forget its PINs, where the channel can (PC/SC); waits until no other program is at the card.

        For a PIN that was given by ``verify`` and whose use did not come about.
        """
        with suppress(Fault), self._alone():
            self._reset()

    # --- what is behind it -----------------------------------------------------------------------------------

    def _offer(self, role: Role, pin: Pin) -> int:
        numbering = self.numbering()
        return self._talk.send(0x20, 0x00, numbering.pins[role], numbering.block(pin))[1]

    @contextmanager
    def _verified(self, role: Role, pin: Pin, insist: bool) -> Iterator[None]:
        """Give a PIN for what is done inside; if that fails, the card is reset.

        It would keep PIN2 or the activation code verified, for any other program to use. PIN1 stays so in any case.
        """
        self._guard(role, pin, insist)
        status = _NO_ANSWER
        try:
            status = self._offer(role, pin)
            self._judge(role, pin, status)
            yield
        except BaseException:  # Ctrl-C and a broken connection are failures, too
            if role is not Role.PIN1 and status in (_NO_ANSWER, 0x9000):
                self._reset()
            raise

    def _reset(self) -> None:
        """Have the card forget its PINs, where the channel can."""
        reset = getattr(self._channel, "reset", None)
        if reset is not None:
            with suppress(Fault):  # a card that is gone has forgotten its PINs
                reset()

    def _guard(self, role: Role, pin: Pin, insist: bool) -> None:
        """Refuse before the card is asked: locked, known to be wrong, few tries."""
        numbering = self.numbering()
        status = self._status(role, numbering)
        if status.standing is PinStanding.LOCKED:
            raise _locked(role)
        if status.standing is PinStanding.UNKNOWN:
            raise Refused(f"The card has no {role}.", rule="card.client.foreign")
        if insist:
            return
        if self._wrong_pins.known(self._card_id(), numbering.pins[role], pin):
            raise Refused(
                f"The card has refused this {role} before; it was not asked again.",
                rule="card.client.known-wrong",
                advice="Give the right one, or insist if the PIN was changed elsewhere.",
            )
        if status.tries is not None and status.tries <= RETRY_FLOOR:
            raise Refused(
                f"Only {status.tries} {'try is' if status.tries == 1 else 'tries are'} left for {role}; "
                "the card was not asked.",
                rule="card.client.few-tries",
                advice="Insist if you are certain of the PIN.",
            )

    def _judge(self, role: Role, pin: Pin, status: int) -> None:
        reference = self.numbering().pins[role]
        if status == 0x9000:
            self._wrong_pins.forget(self._card_id(), reference)
            return
        if status & 0xFFF0 == 0x63C0 or status == 0x6300:
            self._wrong_pins.remember(self._card_id(), reference, pin)
            left = f"; tries left: {status & 0xF}" if status != 0x6300 else ""
            raise Refused(f"Wrong {role}{left}.", rule="card.code.wrong" if role is Role.PUK else "card.pin.wrong")
        if status == 0x6983:
            self._wrong_pins.remember(self._card_id(), reference, pin)
            raise _locked(role)
        if status in (0x6A80, 0x6700):
            raise Refused("The card does not take a PIN of this form.", rule="card.pin.form")
        self._expect(status, f"VERIFY {role}")

    def _status(self, role: Role, numbering: Numbering) -> PinStatus:
        reference = numbering.pins[role]
        status = self._probe(reference)
        if status & 0xFFF0 == 0x63C0:
            return PinStatus(role, reference, PinStanding.READY, status & 0xF)
        standing = {
            0x9000: PinStanding.VERIFIED,
            0x6983: PinStanding.LOCKED,
            0x6984: PinStanding.NOT_SET,
            0x6A88: PinStanding.UNKNOWN,
        }.get(status, PinStanding.UNREADABLE)
        return PinStatus(role, reference, standing, 0 if standing is PinStanding.LOCKED else None)

    def _probe(self, reference: int) -> int:
        """VERIFY without data: the card says how things stand and counts nothing."""
        return self._talk.send(0x20, 0x00, reference)[1]

    def _enter(self, role: Role) -> None:
        self.objects()  # read before: reading goes to other directories
        if role is Role.PIN2:
            if not self._enter_signature_directory():
                raise Refused("The card has no signature directory.", rule="card.client.foreign")
        else:
            self._talk.select_name(APPLICATION)

    def _enter_signature_directory(self) -> bool:
        if self.numbering() is CITIZEN:
            return self._talk.select_name(APPLICATION)
        return self._talk.select_master() and self._talk.select_name(SIGNATURE_DIRECTORY)

    def _card_id(self) -> str:
        return self.objects().serial_number or "card"

    def _expect(self, status: int, step: str) -> None:
        if status == 0x9000:
            return
        if status == 0x6982:
            raise Refused(f"The card refuses {step}: a PIN is missing.", rule="card.client.refused")
        if status == 0x6A88:
            raise Refused(f"The card does not know what {step} names.", rule="card.client.refused")
        raise Refused(f"The card answers {status:04X} to {step}.", rule="card.client.refused")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other programs out where the channel can (PC/SC), so that nobody signs with our PIN."""
        begin, end = getattr(self._channel, "begin", None), getattr(self._channel, "end", None)
        if begin is None or end is None:
            yield
            return
        begin()
        try:
            yield
        finally:
            end()


def _locked(role: Role) -> Refused:
    if role is Role.PUK:
        return Refused("The activation code is locked.", rule="card.code.locked", advice="Order a new card.")
    return Refused(
        f"{role} is locked, or was never set.",
        rule="card.pin.locked",
        advice="Set a new one with the activation code; on a new card this is the activation.",
    )
