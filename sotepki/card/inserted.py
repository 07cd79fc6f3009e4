"""A card in a reader of this process."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sotepki.card.kinds import CardKind, Credential, KeyUse, card_kind
from sotepki.card.seams import Operation
from sotepki.card.state import CardState, Phase
from sotepki.card.wire import Message
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens.keys import PrivateKey, token_private_key
from sotepki.tokens.pin import Pin
from sotepki.x509.lenient import DerCertificate


class Link(Protocol):
    """The line to a chip: ``ChipLink`` to another process, ``ChipHere`` to this one."""

    @property
    def process_id(self) -> int | None: ...

    def ask(self, request: Message) -> Message: ...

    def close(self) -> None: ...


class InsertedCard:
    """The card as middleware sees it: certificates to read, PINs to give, keys to use.

    The keys are pyca private keys. PIN1 serves until the card is removed; PIN2 is consumed by every signature.
    """

    def __init__(
        self,
        state: CardState,
        leaves: Mapping[KeyUse, DerCertificate],
        issuers: tuple[x509.Certificate, ...],
        link: Link,
    ) -> None:
        self._state = state
        self._leaves = leaves
        self._issuers = issuers
        self._link = link
        self._keys = {use: self._key(use) for use in KeyUse}

    @property
    def number(self) -> str:
        """The card number."""
        return self._state.number

    @property
    def holder(self) -> str:
        """The name on the card."""
        return self._state.holder

    @property
    def kind(self) -> CardKind:
        """The kind of card, with the lengths of its PINs."""
        return card_kind(self._state.kind)

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates on the card, the issuing CA first."""
        return self._issuers

    @property
    def chip_process(self) -> int | None:
        """The process of the chip, while the card is inserted and the chip is not in this process."""
        return self._link.process_id

    @property
    def link(self) -> Link:
        """The line to the chip, for the other doors of the same card."""
        return self._link

    def certificate(self, use: KeyUse | str) -> x509.Certificate:
        """The certificate of a use, ``authentication`` or ``signature``; free to read.

        Raises:
            Refused: rule ``cert.null-parameters``: pyca does not read it; ``leaf`` has it.
        """
        return self.leaf(use).exact()

    def leaf(self, use: KeyUse | str) -> DerCertificate:
        """The certificate of a use by its bytes, also one that strict readers refuse."""
        return self._leaves[_use(use)]

    @property
    def authentication_key(self) -> PrivateKey:
        """The authentication and decipherment key; works while PIN1 is verified."""
        return self._keys[KeyUse.AUTHENTICATION]

    @property
    def signature_key(self) -> PrivateKey:
        """The signature key; works once after each verification of PIN2."""
        return self._keys[KeyUse.SIGNATURE]

    def phase(self) -> Phase:
        """Where the card is in its life, asked from the chip."""
        return Phase(self._link.ask({"do": "state"})["phase"])

    def condition(self) -> str:
        """The phase, or what is locked (see ``CardState.condition``), asked from the chip."""
        return str(self._link.ask({"do": "state"})["condition"])

    def tries(self) -> dict[str, int]:
        """Tries left: ``{"pin1": 5, "pin2": 5, "puk": 5}``. Looking costs none."""
        return {name: int(count) for name, count in self._link.ask({"do": "state"})["tries"].items()}

    def activate(self, code: Pin, pin1: Pin, pin2: Pin) -> None:
        """Take the card into use with the code of the letter, choosing both PINs.

        Raises:
            Refused: ``card.already-active``, ``card.pin.form``, ``card.code.wrong``, ``card.code.locked``.
        """
        self._link.ask({"do": "activate", "code": code.reveal(), "pin1": pin1.reveal(), "pin2": pin2.reveal()})

    def verify_pin1(self, pin: Pin) -> None:
        """Verify PIN1 (perustunnusluku), until the card is removed.

        Raises:
            Refused: ``card.not-activated``, ``card.pin.wrong``, ``card.pin.locked``.
        """
        self._link.ask({"do": "verify", "credential": Credential.PIN1, "pin": pin.reveal()})

    def verify_pin2(self, pin: Pin) -> None:
        """Verify PIN2 (allekirjoitustunnusluku), for one signature.

        Raises:
            Refused: ``card.not-activated``, ``card.pin.wrong``, ``card.pin.locked``.
        """
        self._link.ask({"do": "verify", "credential": Credential.PIN2, "pin": pin.reveal()})

    def change_pin(self, which: Credential | str, old: Pin, new: Pin) -> None:
        """Change ``pin1`` or ``pin2`` by the old one.

        Raises:
            Refused: as ``verify_pin1``; ``card.pin.form`` (no try spent).
        """
        self._link.ask({"do": "change-pin", "credential": _pin(which), "old": old.reveal(), "new": new.reveal()})

    def unblock(self, code: Pin, which: Credential | str, new: Pin) -> None:
        """Set ``pin1`` or ``pin2`` by the activation code, whether it is locked or only forgotten.

        Raises:
            Refused: ``card.not-activated``, ``card.pin.form`` (no try spent), ``card.code.wrong``,
                ``card.code.locked``.
        """
        self._link.ask({"do": "unblock", "credential": _pin(which), "code": code.reveal(), "new": new.reveal()})

    def remove(self) -> None:
        """Take the card out: its chip ends and forgets every PIN. Removing twice is no error."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _key(self, use: KeyUse) -> PrivateKey:
        public_key = self._leaves[use].public_key
        if not isinstance(public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise Fault(f"The {use} certificate of the card {self.number} has a key of a strange kind.")
        return token_private_key(_ChipKey(self._link, use), public_key)


class _ChipKey:
    """``KeyHandle`` of a key inside the chip."""

    def __init__(self, link: Link, use: KeyUse) -> None:
        self._link = link
        self._use = use

    def sign_pkcs1(self, digest_info: bytes) -> bytes:
        return self._ask(Operation.SIGN_PKCS1, digest_info)

    def sign_pss(self, digest: bytes, hash_name: str, salt_length: int) -> bytes:
        return self._ask(Operation.SIGN_PSS, digest, hash=hash_name, salt=salt_length)

    def sign_ecdsa(self, digest: bytes) -> bytes:
        return self._ask(Operation.SIGN_ECDSA, digest)

    def sign_raw(self, encoded: bytes) -> bytes:
        return self._ask(Operation.SIGN_RAW, encoded)

    def decrypt_pkcs1(self, cryptogram: bytes) -> bytes:
        return self._decrypt(Operation.DECRYPT_PKCS1, cryptogram)

    def decrypt_raw(self, cryptogram: bytes) -> bytes:
        return self._decrypt(Operation.DECRYPT_RAW, cryptogram)

    def _decrypt(self, operation: Operation, cryptogram: bytes) -> bytes:
        try:
            return self._ask(operation, cryptogram)
        except Refused as refusal:
            if refusal.rule == "card.cryptogram":
                raise ValueError("Decryption failed") from None
            raise

    def _ask(self, operation: Operation, data: bytes, **more: str | int) -> bytes:
        request = {"do": "use-key", "use": self._use, "operation": operation, "data": data.hex(), **more}
        return bytes.fromhex(self._link.ask(request)["data"])


def _use(name: KeyUse | str) -> KeyUse:
    try:
        return KeyUse(name)
    except ValueError:
        raise Misuse(f"A card has no {name!r} certificate; it has authentication and signature.") from None


def _pin(name: Credential | str) -> Credential:
    try:
        return Credential(name)
    except ValueError:
        raise Misuse(f"A card has no {name!r}; it has pin1 and pin2.") from None
