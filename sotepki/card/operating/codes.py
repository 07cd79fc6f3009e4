"""VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (docs/field/card.md 4.3 and 4.4)."""

from __future__ import annotations

from sotepki.card.kinds import Credential
from sotepki.card.operating.apdu import Abort, Answer, Command, Status
from sotepki.card.operating.profiles import CardProfile
from sotepki.card.vault import Vault
from sotepki.tokens.pin import Pin

_DONE = Answer(b"", Status.OK)
# OpenSC's MaskTech driver unblocks with these numbers whatever the card says (docs/field/card.md 4.4).
_MASKTECH_PUK, _MASKTECH_PIN1 = 0x83, 0x91


def verify(command: Command, vault: Vault, profile: CardProfile) -> Answer:
    """VERIFY with a PIN, or the probe without one, which never costs a try.

    Raises:
        Abort: 6A86, 6A88; the probe's answer 63Cx or 6983.
        Refused: what the vault says.
    """
    if command.p1:
        raise Abort(Status.WRONG_PARAMETERS)
    numbering = profile.numbering
    credential = numbering.credential(command.p2)
    if credential is None and command.data and command.p2 == _MASKTECH_PUK and not profile.citizen:
        credential = Credential.PUK
    if credential is None:
        raise Abort(Status.NO_REFERENCE)
    if not command.data:
        return _probe(vault, credential)
    pin = _pin(command.data, credential, vault, profile)
    if credential is Credential.PUK:
        vault.verify_code(pin)
    else:
        vault.verify(credential, pin)
    return _DONE


def change(command: Command, vault: Vault, profile: CardProfile) -> Answer:
    """CHANGE REFERENCE DATA: old and new PIN (P1 00), or the new one of a verified PIN (P1 01).

    Raises:
        Abort: 6A86, 6A88, 6982 (the activation code is never changed), 6A80, 6700.
        Refused: what the vault says.
    """
    block = profile.numbering.block
    credential = _settable(command, profile, forms=(0x00, 0x01))
    if command.p1 == 0x01:
        vault.change_verified_pin(credential, _new_pin(command.data, credential, vault, profile))
    elif block:
        if len(command.data) != 2 * block:
            raise Abort(Status.WRONG_LENGTH)
        new = _new_pin(command.data[block:], credential, vault, profile)
        old = _pin(command.data[:block], credential, vault, profile)
        if old is None:
            raise Abort(Status.WRONG_DATA)
        vault.change_pin(credential, old, new)
    else:
        if len(command.data) > 2 * _stored_length(credential, vault, profile):
            raise Abort(Status.WRONG_LENGTH)
        if not command.data.isdigit():
            raise Abort(Status.WRONG_DATA)
        vault.change_pin_joined(credential, command.data.decode())
    return _DONE


def reset(command: Command, vault: Vault, profile: CardProfile) -> Answer:
    """RESET RETRY COUNTER: activation code and new PIN (P1 00), or the new PIN while the code is verified (P1 02).

    Raises:
        Abort: 6A86, 6A88, 6982, 6A80, 6700.
        Refused: what the vault says.
    """
    credential = _settable(command, profile, forms=(0x00, 0x02))
    if command.p1 == 0x02:
        if not vault.verified(Credential.PUK):
            raise Abort(Status.NOT_ALLOWED)
        vault.set_by_verified_code(credential, _new_pin(command.data, credential, vault, profile))
        return _DONE
    length = profile.numbering.block or vault.kind.lengths[Credential.PUK][1]
    new = _new_pin(command.data[length:], credential, vault, profile)
    vault.set_by_code(credential, _pin(command.data[:length], Credential.PUK, vault, profile), new)
    return _DONE


def spent(reference: int, rule: str, profile: CardProfile) -> Credential:
    """Which credential a wrong code cost a try."""
    if rule == "card.code.wrong":
        return Credential.PUK
    return profile.numbering.credential(reference) or Credential.PIN1


def _probe(vault: Vault, credential: Credential) -> Answer:
    state = vault.state
    if vault.verified(credential):
        return _DONE
    left = state.tries[credential]
    if not left or (credential is not Credential.PUK and not state.is_set(credential)):
        raise Abort(Status.BLOCKED)
    raise Abort(Status.TRIES_LEFT | left)


def _settable(command: Command, profile: CardProfile, *, forms: tuple[int, int]) -> Credential:
    """PIN1 or PIN2, if the command has one of the ``forms`` (P1), names one of them and carries a body."""
    reference = command.p2
    if command.p1 not in forms:
        raise Abort(Status.WRONG_PARAMETERS)
    credential = profile.numbering.credential(reference)
    if credential is None and reference == _MASKTECH_PIN1 and not profile.citizen:
        return Credential.PIN1
    if credential is None:
        raise Abort(Status.NO_REFERENCE)
    if credential is Credential.PUK:
        raise Abort(Status.NOT_ALLOWED)
    if not command.data:
        raise Abort(Status.WRONG_LENGTH)
    return credential


def _pin(block: bytes, credential: Credential, vault: Vault, profile: CardProfile) -> Pin | None:
    """The PIN in a block as this card expects it; None for what no PIN can be, which costs a try all the same."""
    if profile.numbering.block:
        if len(block) != profile.numbering.block:
            raise Abort(Status.WRONG_LENGTH)
        block = block.rstrip(b"\0")
    if not block.isdigit() or len(block) > _stored_length(credential, vault, profile):
        return None
    return Pin(block.decode())


def _stored_length(credential: Credential, vault: Vault, profile: CardProfile) -> int:
    return profile.numbering.stored_length(vault.kind.lengths[credential][1])


def _new_pin(block: bytes, credential: Credential, vault: Vault, profile: CardProfile) -> Pin:
    pin = _pin(block, credential, vault, profile)
    if pin is None:
        raise Abort(Status.WRONG_DATA)
    return pin
