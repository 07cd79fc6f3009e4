"""MANAGE SECURITY ENVIRONMENT, PERFORM SECURITY OPERATION and INTERNAL AUTHENTICATE (docs/field/card.md 4.5 to 4.8).

The scheme is chosen here, the key is used by the vault, which may refuse.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sotepki.card.kinds import KeyUse
from sotepki.card.operating import signing
from sotepki.card.operating.apdu import Abort, Answer, Command, Status
from sotepki.card.operating.contents import PublicCard
from sotepki.card.operating.files import SIGNATURE_DIRECTORY
from sotepki.card.operating.partial_hash import finish_hash
from sotepki.card.operating.profiles import CardProfile
from sotepki.card.operating.session import CardSession, Environment
from sotepki.card.seams import Operation
from sotepki.card.vault import Vault
from sotepki.tokens.oaep import decode_oaep

_DONE = Answer(b"", Status.OK)
_SET, _RESTORE = 0x41, 0xF3
_SIGNATURE, _CONFIDENTIALITY, _AUTHENTICATION, _HASH = 0xB6, 0xB8, 0xA4, 0xAA
_ALGORITHM, _FILE, _KEY = 0x80, 0x81, 0x84
_KNOWN = {
    _SIGNATURE: frozenset({0x00, 0x02, 0x04} | {high << 4 | low for high in (1, 3, 4, 5, 6) for low in (2, 4, 5)}),
    _CONFIDENTIALITY: frozenset({0x00, 0x02, 0x1A, 0x4D}),
    _AUTHENTICATION: frozenset({0x00, 0x02, 0x04}),
    _HASH: frozenset({0x10, 0x30, 0x40, 0x50, 0x60}),
}
_OAEP_SHA256 = 0x4D
_RAW = 0x00


def manage_environment(command: Command, session: CardSession, profile: CardProfile, quirks: bool) -> Answer:
    """MSE SET (and RESTORE, which changes nothing). Kept until the next one for the same template, or reset.

    Raises:
        Abort: 6A86, 6A80 bad template or unknown algorithm, 6A88 unknown key.
    """
    if command.p1 == _RESTORE:
        return _DONE
    known = _KNOWN.get(command.p2)
    if command.p1 != _SET or known is None:
        raise Abort(Status.WRONG_PARAMETERS)
    fields = _fields(command.data)
    algorithm: int | None = None
    if _ALGORITHM in fields:
        algorithm = _one_byte(fields[_ALGORITHM])
        if algorithm not in known:
            raise Abort(Status.WRONG_DATA)
    use = None if command.p2 == _HASH else _key(fields, profile)
    if quirks and use is KeyUse.SIGNATURE and session.directory[-1:] != (SIGNATURE_DIRECTORY,):
        raise Abort(Status.NO_REFERENCE)  # key 82 is local to DF.ESIGN, which must be current
    session.environments[command.p2] = Environment(algorithm, use)
    return _DONE


def perform(command: Command, session: CardSession, vault: Vault, public: PublicCard) -> Answer:
    """PSO: HASH, COMPUTE DIGITAL SIGNATURE, DECIPHER.

    Raises:
        Abort: 6A86, 6A80, 6985.
        Refused: what the vault says.
    """
    match (command.p1, command.p2):
        case (0x9E, 0x9A):
            return Answer(_compute_signature(command.data, session, vault, public), Status.OK)
        case (0x90, 0xA0):
            session.loaded_hash = _external_hash(command.data)
            return _DONE
        case (0x90, 0x80):
            session.loaded_hash = _own_hash(command.data, session)
            return _DONE
        case (0x80, 0x86):
            return Answer(_decipher(command.data, session, vault, public), Status.OK)
        case _:
            raise Abort(Status.WRONG_PARAMETERS)


def internal_authenticate(command: Command, session: CardSession, vault: Vault, public: PublicCard) -> Answer:
    """INTERNAL AUTHENTICATE: sign what the host sends; without an environment by the authentication key.

    Raises:
        Abort: 6A86, 6A80, 6700.
        Refused: what the vault says.
    """
    if command.p1 or command.p2:
        raise Abort(Status.WRONG_PARAMETERS)
    if not command.data:
        raise Abort(Status.WRONG_LENGTH)
    environment = session.environments.get(_AUTHENTICATION)
    use = environment.key if environment else None
    plan = signing.plan(public, use or KeyUse.AUTHENTICATION, signing.PLAIN, command.data)
    return Answer(plan.run(vault), Status.OK)


def _compute_signature(data: bytes, session: CardSession, vault: Vault, public: PublicCard) -> bytes:
    environment = session.environments.get(_SIGNATURE)
    if environment is None or environment.key is None:
        raise Abort(Status.NOT_SATISFIED)
    loaded = not data
    if loaded:
        if session.loaded_hash is None:
            raise Abort(Status.NOT_SATISFIED)
        data = session.loaded_hash
    signature = signing.plan(public, environment.key, environment.algorithm, data).run(vault)
    if loaded:
        session.loaded_hash = None
    return signature


def _decipher(data: bytes, session: CardSession, vault: Vault, public: PublicCard) -> bytes:
    environment = session.environments.get(_CONFIDENTIALITY)
    if environment is None or environment.key is None:
        raise Abort(Status.NOT_SATISFIED)
    use = environment.key
    if use is KeyUse.SIGNATURE or use not in public.moduli:  # before the data: they may not fit this key by chance
        raise Abort(Status.NOT_SATISFIED)
    modulus = public.moduli[use]
    length = public.sizes[use][1] // 8
    if len(data) == length + 1 and data[0] in (0x00, 0x81):
        data = data[1:]  # the padding indicator
    if len(data) != length or int.from_bytes(data, "big") >= modulus:
        raise Abort(Status.WRONG_DATA)
    if environment.algorithm == _OAEP_SHA256:
        algorithm = hashes.SHA256()
        scheme = padding.OAEP(padding.MGF1(algorithm), algorithm, None)
        try:
            return decode_oaep(vault.use_key(use, Operation.DECRYPT_RAW, data), scheme)
        except InvalidTag:
            raise Abort(Status.WRONG_DATA) from None
    operation = Operation.DECRYPT_RAW if environment.algorithm == _RAW else Operation.DECRYPT_PKCS1
    return vault.use_key(use, operation, data)


def _external_hash(data: bytes) -> bytes:
    """A digest of the host: ``90 len digest``; or one to finish: ``90 len interim counter 80 len rest``."""
    if len(data) < 2 or data[0] != 0x90 or len(data) < 2 + data[1]:
        raise Abort(Status.WRONG_DATA)
    value, more = data[2 : 2 + data[1]], data[2 + data[1] :]
    if not more:
        if len(value) not in signing.DIGEST_LENGTHS:
            raise Abort(Status.WRONG_DATA)
        return value
    if len(more) < 2 or more[0] != 0x80 or len(more) != 2 + more[1]:
        raise Abort(Status.WRONG_DATA)
    try:
        return finish_hash(value[:-8], int.from_bytes(value[-8:], "big"), more[2:])
    except ValueError:
        raise Abort(Status.WRONG_DATA) from None


def _own_hash(data: bytes, session: CardSession) -> bytes:
    environment = session.environments.get(_HASH)
    if environment is None or environment.algorithm is None:
        raise Abort(Status.NOT_SATISFIED)
    return hashlib.new(signing.HASHES[environment.algorithm >> 4][0], data).digest()


def _key(fields: dict[int, bytes], profile: CardProfile) -> KeyUse | None:
    reference = _one_byte(fields[_KEY]) if _KEY in fields else 0
    if reference:
        use = profile.numbering.key(reference)
        if use is None:
            raise Abort(Status.NO_REFERENCE)
        return use
    # Drivers that number no keys name the last file of the key's path (myeid, setcos).
    if _FILE in fields:
        signature = fields[_FILE] == SIGNATURE_DIRECTORY.to_bytes(2, "big")
        return KeyUse.SIGNATURE if signature else KeyUse.AUTHENTICATION
    if _KEY in fields:
        return KeyUse.AUTHENTICATION  # myeid with an empty key path
    raise Abort(Status.WRONG_DATA)


def _fields(data: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Abort(Status.WRONG_DATA)
        fields[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return fields


def _one_byte(value: bytes) -> int:
    if len(value) != 1:
        raise Abort(Status.WRONG_DATA)
    return value[0]
