"""The vault of a card: private keys behind PINs, PINs behind counters.

Everything that decides whether a key may be used is here, and only here. Commands reach it as requests over a pipe
(``chip``); a card operating system that speaks APDUs stands in front of the same methods and adds files and status
words, not rights. What is below, ``KeyStore``, compares PINs and signs, and counts nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from sotepki.card import refusals
from sotepki.card.kinds import PIN_NAMES, CardKind, Credential, KeyUse, card_kind, card_layout
from sotepki.card.seams import DECRYPTION, KeyStore, Operation, StateKeeper
from sotepki.card.state import CardState, Phase
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens.keys import PSS_HASHES, KeyHandle
from sotepki.tokens.pin import Pin


class Vault:
    """One card with power. PINs that were verified are forgotten when it goes.

    A try is written to the disk before the PIN is looked at, and given back after success: pulling the card, or
    killing its process, never gives a try back.
    """

    def __init__(self, file: StateKeeper, store: KeyStore) -> None:
        self._file = file
        self._store = store
        self._state = file.load()
        self._verified: set[Credential] = set()
        self._code: Pin | None = None

    @property
    def state(self) -> CardState:
        """The state as it is on the disk."""
        return self._state

    @property
    def kind(self) -> CardKind:
        """The kind of card."""
        return card_kind(self._state.kind)

    def verified(self, credential: Credential) -> bool:
        """Whether a PIN counts as verified now."""
        return credential in self._verified

    def activate(self, code: Pin, pin1: Pin, pin2: Pin) -> None:
        """Take a personalised card into use: the holder's activation code sets both PINs.

        Raises:
            Refused: ``card.already-active``, ``card.pin.form`` (no try spent), ``card.code.wrong``,
                ``card.code.locked``.
        """
        if self._state.phase is Phase.ACTIVE:
            raise refusals.already_active(self._state)
        self._require_phase(Phase.PERSONALISED)
        self._check_forms(code, {Credential.PIN1: pin1, Credential.PIN2: pin2})
        self._forget(Credential.PIN1)  # one of them may have been set over the wire before
        self._forget(Credential.PIN2)
        self._try(
            Credential.PUK,
            lambda: (
                self._store.set_pin(Credential.PIN1, code, pin1) and self._store.set_pin(Credential.PIN2, code, pin2)
            ),
            lambda state: state.restore(Credential.PIN1).restore(Credential.PIN2).in_phase(Phase.ACTIVE),
        )

    def verify(self, credential: Credential, pin: Pin | None) -> None:
        """Check PIN1 or PIN2. A PIN that was verified before is not any more if this one is wrong.

        ``None`` stands for something that cannot be a PIN (padding, letters); it costs a try as a wrong PIN does.

        Raises:
            Refused: ``card.not-activated``, ``card.pin.wrong``, ``card.pin.locked``.
        """
        self._require_pin(credential)
        self._require_set(credential)
        self._try(credential, lambda: pin is not None and self._store.check_pin(credential, pin))
        self._verified.add(credential)

    def verify_code(self, code: Pin | None) -> None:
        """Check the activation code: the first step of setting a PIN in two. A verified PIN2 is forgotten.

        Raises:
            Refused: ``card.code.wrong``, ``card.code.locked``, ``card.out-of-use``.
        """
        self._require_life()
        self._forget(Credential.PIN2)
        self._try(Credential.PUK, lambda: code is not None and self._store.check_code(code))
        self._verified.add(Credential.PUK)
        self._code = code

    def set_by_verified_code(self, credential: Credential, new: Pin) -> None:
        """The second step: set PIN1 or PIN2 while the activation code is verified, which it is not afterwards.

        On a card that is not activated yet this is the activation; it is active when both PINs are set.

        Raises:
            Refused: ``card.code.not-verified``, ``card.pin.form`` (the code stays verified).
        """
        self._require_pin(credential)
        code = self._code
        if code is None:
            raise refusals.code_not_verified()
        self.kind.check_form(credential, new)
        self._set_by_code(credential, code, new)

    def set_by_code(self, credential: Credential, code: Pin | None, new: Pin) -> None:
        """Set PIN1 or PIN2 by the activation code in one step, before the activation (it is one) or later.

        Raises:
            Refused: ``card.pin.form`` of the new PIN (no try spent), ``card.code.wrong``, ``card.code.locked``.
        """
        self._require_pin(credential)
        self._require_life()
        self.kind.check_form(credential, new)
        self._set_by_code(credential, code, new)

    def change_pin(self, credential: Credential, old: Pin, new: Pin) -> None:
        """Change PIN1 or PIN2 by the old one; it is not in verified state afterwards.

        Raises:
            Refused: as ``verify``; ``card.pin.form`` for the new one (no try spent).
        """
        self._require_pin(credential)
        self._require_set(credential)
        self.kind.check_form(credential, new)
        self._try(credential, lambda: self._store.change_pin(credential, old, new))

    def change_pin_joined(self, credential: Credential, digits: str) -> None:
        """Change PIN1 or PIN2 by the old one with the new one directly behind it; the chip finds where one ends.

        Raises:
            Refused: ``card.pin.form``: no split gives a new PIN of a right length (no try spent), or the old PIN was
                right and the new one is too short or too long; otherwise as ``verify``.
        """
        self._require_pin(credential)
        self._require_set(credential)
        shortest, longest = self.kind.lengths[credential]
        splits = [(digits[:cut], digits[cut:]) for cut in range(shortest, longest + 1) if cut < len(digits)]
        fitting = [(Pin(old), Pin(new)) for old, new in splits if shortest <= len(new) <= longest]
        if not fitting:
            self.kind.check_form(credential, Pin(digits[shortest:] or "0"))
            raise Refused("These digits are not an old and a new PIN.", rule="card.pin.form")
        others = [(Pin(old), Pin(new)) for old, new in splits if not shortest <= len(new) <= longest]
        unfit: list[Pin] = []

        def attempt() -> bool:
            if any(self._store.change_pin(credential, old, new) for old, new in fitting):
                return True
            unfit.extend(new for old, new in others if self._store.check_pin(credential, old))
            self._store.close(credential)
            return bool(unfit)

        self._try(credential, attempt)
        for new in unfit:
            self.kind.check_form(credential, new)

    def change_verified_pin(self, credential: Credential, new: Pin) -> None:
        """Change PIN1 or PIN2 that is verified; it is not in verified state afterwards.

        Raises:
            Refused: ``card.pin1.not-verified``, ``card.pin2.not-verified``, ``card.pin.form``.
        """
        self._require_pin(credential)
        self._require_verified(credential)
        self.kind.check_form(credential, new)
        if not self._store.change_open_pin(credential, new):
            raise Fault(f"The token does not change the {PIN_NAMES[credential]}.")
        self._forget(credential)

    def lower_tries(self, credential: Credential, count: int) -> None:
        """Leave a PIN with at most this many tries, as if somebody had tried. Never gives a try."""
        if 0 <= count < self._state.tries[credential]:
            if not count:
                self._forget(credential)
            self._keep(self._state.lower(credential, count), durable=True)

    def unblock(self, code: Pin, credential: Credential, new: Pin) -> None:
        """Set PIN1 or PIN2 by the activation code and give it all its tries; it is not verified afterwards.

        Raises:
            Refused: ``card.not-activated``, ``card.pin.form`` (no try spent), ``card.code.wrong``,
                ``card.code.locked``.
        """
        self._require_pin(credential)
        self._require_phase(Phase.ACTIVE)
        self._check_forms(code, {credential: new})
        self._set_by_code(credential, code, new)

    def use_key(
        self, use: KeyUse, operation: Operation, data: bytes, *, hash_name: str = "", salt_length: int = 0
    ) -> bytes:
        """Sign or decrypt. ``hash_name`` and ``salt_length`` (bytes) belong to PSS.

        PIN1 serves until the card loses power; PIN2 is consumed by each signature that is made.

        Raises:
            Refused: ``card.pin1.not-verified``, ``card.pin2.not-verified``, ``card.key.use``, ``card.cryptogram``.
            Misuse: a PSS hash that the card does not know.
            Fault: the token did not do it; then PIN2 is not consumed.
        """
        credential = card_layout().places[use].credential
        self._require_set(credential)
        if use is KeyUse.SIGNATURE and operation in DECRYPTION:
            raise Refused("The signature key of a card signs and does nothing else.", rule="card.key.use")
        self._require_verified(credential)
        try:
            answer = self._perform(self._store.key(use), operation, data, hash_name, salt_length)
        except ValueError as error:
            raise Refused("The cryptogram does not decrypt.", rule="card.cryptogram") from error
        if credential is Credential.PIN2:
            self._forget(credential)
        return answer

    def power_off(self) -> None:
        """Forget every PIN."""
        for credential in list(self._verified):
            self._forget(credential)
        self._store.power_off()

    def _perform(self, key: KeyHandle, operation: Operation, data: bytes, hash_name: str, salt_length: int) -> bytes:
        match operation:
            case Operation.SIGN_PKCS1:
                return key.sign_pkcs1(data)
            case Operation.SIGN_PSS:
                if hash_name not in PSS_HASHES or salt_length < 0:
                    raise Misuse(f"The card does not do PSS with the hash {hash_name!r}.")
                return key.sign_pss(data, hash_name, salt_length)
            case Operation.SIGN_ECDSA:
                return key.sign_ecdsa(data)
            case Operation.SIGN_RAW:
                return key.sign_raw(data)
            case Operation.DECRYPT_PKCS1:
                return key.decrypt_pkcs1(data)
            case Operation.DECRYPT_RAW:
                return key.decrypt_raw(data)

    def _try(
        self,
        credential: Credential,
        attempt: Callable[[], bool],
        success: Callable[[CardState], CardState] | None = None,
    ) -> None:
        """Spend a try, look, and give the tries back if it was right."""
        if not self._state.tries[credential]:
            raise refusals.locked(self._state, credential)
        self._forget(credential)
        self._keep(self._state.spend(credential), durable=True)
        if not attempt():
            if not self._state.tries[credential]:
                raise refusals.locked(self._state, credential)
            raise refusals.wrong(self._state, credential)
        state = self._state.restore(credential)
        try:
            # If a power cut loses this, the holder has one try fewer, never one more.
            self._keep(success(state) if success else state, durable=success is not None)
        except BaseException:
            self._store.close(credential)
            raise

    def _keep(self, state: CardState, *, durable: bool) -> None:
        self._file.save(state, durable=durable)
        self._state = state

    def _set_by_code(self, credential: Credential, code: Pin | None, new: Pin) -> None:
        self._forget(credential)
        self._try(
            Credential.PUK,
            lambda: code is not None and self._store.set_pin(credential, code, new),
            lambda state: state.restore(credential).with_pin_set(credential),
        )

    def _forget(self, credential: Credential) -> None:
        self._verified.discard(credential)
        if credential is Credential.PUK:
            self._code = None
        else:
            self._store.close(credential)

    def _check_forms(self, code: Pin, new: dict[Credential, Pin]) -> None:
        self.kind.check_form(Credential.PUK, code)
        for credential, pin in new.items():
            self.kind.check_form(credential, pin)

    def _require_pin(self, credential: Credential) -> None:
        if credential is Credential.PUK:
            raise refusals.code_is_fixed()

    def _require_verified(self, credential: Credential) -> None:
        if credential not in self._verified:
            raise refusals.not_verified(credential)

    def _require_set(self, credential: Credential) -> None:
        if not self._state.is_set(credential):
            self._require_phase(Phase.ACTIVE)

    def _require_life(self) -> None:
        if self._state.phase not in (Phase.PERSONALISED, Phase.ACTIVE):
            self._require_phase(Phase.ACTIVE)

    def _require_phase(self, phase: Phase) -> None:
        if self._state.phase is not phase:
            raise refusals.out_of_phase(self._state)
