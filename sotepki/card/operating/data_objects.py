"""GET DATA: the objects that drivers ask for (docs/field/card.md 4.8 and 8.3)."""

from __future__ import annotations

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.operating.apdu import Abort, Answer, Command, Status
from sotepki.card.operating.contents import PublicCard
from sotepki.card.operating.profiles import CardProfile
from sotepki.card.vault import Vault

_GET_DATA, _GET_DATA_BER = 0xCA, 0xCB
# MyEID applet: version 4.5.3 in bytes 5 to 7, change counter in 18 and 19; then what its keys can be.
_MYEID_INFO = bytes.fromhex("0000000000 040503 00000000000000000000 0001")
_MYEID_CAPABILITIES = bytes.fromhex("01 000D 1000 0000 0100 0209")
_PIN_SDO, _KEY_SDO = 0x81, 0x90
_LENGTHS_QUERY, _PUBLIC_QUERY, _ACCESS_QUERY = b"\x7f\x41\x80", b"\x7f\x48\x80", b"\xa0\x80"


def get_data(command: Command, vault: Vault, profile: CardProfile, public: PublicCard) -> Answer:
    """GET DATA with short tags (CA) or a data field (CB).

    Raises:
        Abort: 6A86 for the citizen PIN container on an organisational card, 6A88 for unknown objects.
    """
    parameters = command.p1 << 8 | command.p2
    if command.ins == _GET_DATA_BER and parameters == 0x00FF:
        if not profile.citizen:
            raise Abort(Status.WRONG_PARAMETERS)
        return Answer(_citizen_pin(command.data, vault, profile), Status.OK)
    if not profile.citizen:
        if command.ins == _GET_DATA and not command.data and parameters in (0x01A0, 0x01AA):
            return Answer(_MYEID_INFO if parameters == 0x01A0 else _MYEID_CAPABILITIES, Status.OK)
        if command.ins == _GET_DATA_BER and parameters == 0x3FFF:
            return Answer(_security_object(command.data, vault, profile, public), Status.OK)
    raise Abort(Status.NO_REFERENCE)


def _citizen_pin(query: bytes, vault: Vault, profile: CardProfile) -> bytes:
    if len(query) != 5 or query[:4] != b"\xa0\x03\x83\x01":
        raise Abort(Status.WRONG_DATA)
    credential = profile.numbering.credential(query[4])
    if credential is None:
        raise Abort(Status.NO_REFERENCE)
    left = vault.state.tries[credential]
    longest = max(profile.numbering.block, vault.kind.lengths[credential][1])
    changed = credential is Credential.PUK or vault.state.is_set(credential)
    body = (
        b"\x83\x01"
        + bytes([query[4]])
        + bytes.fromhex("8C04F0000000 9C04F0000000")
        + bytes([0xDF, 0x21, 4, left, 0xFF, 0xA5, 0x03])
        + bytes.fromhex("DF2702FFFF")
        + bytes([0xDF, 0x28, 1, longest, 0xDF, 0x2F, 1, changed])
    )
    return bytes([0xA0, len(body)]) + body


def _security_object(query: bytes, vault: Vault, profile: CardProfile, public: PublicCard) -> bytes:
    """The security data objects of IAS-ECC: ``4D len 70 len BF 81|90 reference len query``."""
    well_formed = (
        len(query) > 9
        and query[0] == 0x4D
        and query[1] == len(query) - 2
        and query[2] == 0x70
        and query[3] == len(query) - 4
        and query[4] == 0xBF
        and query[7] == len(query) - 8
    )
    if not well_formed:
        raise Abort(Status.NO_REFERENCE)
    kind, reference, wanted = query[5], query[6], query[8:]
    if kind == _PIN_SDO:
        body = _pin_object(reference, wanted, vault, profile)
    elif kind == _KEY_SDO:
        body = _key_object(reference, wanted, profile, public)
    else:
        raise Abort(Status.NO_REFERENCE)
    inner = bytes([0xBF, kind, reference, len(body)]) + body
    return bytes([0x70, len(inner)]) + inner


def _pin_object(reference: int, wanted: bytes, vault: Vault, profile: CardProfile) -> bytes:
    credential = profile.numbering.credential(reference & 0x7F)
    if credential is None:
        raise Abort(Status.NO_REFERENCE)
    if wanted == _LENGTHS_QUERY:
        shortest, longest = vault.kind.lengths[credential]
        return bytes([0x7F, 0x41, 6, 0x80, 1, longest, 0x81, 1, shortest])
    if wanted == _ACCESS_QUERY:
        most, left = vault.kind.tries[credential], vault.state.tries[credential]
        stored = profile.numbering.stored_length(vault.kind.lengths[credential][1])
        return bytes.fromhex("A010 8C0470000000") + bytes([0x9A, 1, most, 0x9B, 1, left, 0x80, 2, 0, stored])
    raise Abort(Status.WRONG_DATA)


def _key_object(reference: int, wanted: bytes, profile: CardProfile, public: PublicCard) -> bytes:
    use = {1: KeyUse.AUTHENTICATION, 2: KeyUse.SIGNATURE}.get(reference & 0x7F)
    if use is None:
        raise Abort(Status.NO_REFERENCE)
    if wanted == _PUBLIC_QUERY:
        return bytes.fromhex("7F4803 800100")
    if wanted == _ACCESS_QUERY:
        return bytes.fromhex("A00A 8C0470131313 8002") + (public.sizes[use][1] // 8).to_bytes(2, "big")
    raise Abort(Status.WRONG_DATA)
