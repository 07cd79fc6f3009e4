"""Signing a document with a key that is on somebody's desk: prepare here, sign there, complete here.

What is signed (SignedInfo) does not depend on the certificate, which the SCS tells only together with the signature.
So the document is signed twice over in the same form: first with a key that only notes what it was asked to sign,
then with one that gives back the value that the card made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

from sotepki.documents import SignatureKind, Signer, sign_as_professional, sign_document
from sotepki.errors import Fault
from sotepki.reference_system.surroundings import rules
from sotepki.registers import Professional
from sotepki.scs.answers import ScsAnswer
from sotepki.tokens.keys import KeyHandle, TokenEcPrivateKey, TokenRsaPrivateKey

HASH_NAME = "SHA256"


@dataclass(frozen=True)
class Prepared:
    """A document on its way to be signed.

    Attributes:
        document: unsigned.
        at: the moment that goes into signatureTimestamp; it is part of what is signed.
        signed_info: the canonical octets of SignedInfo: what the card signs, hashed with SHA-256.
    """

    document: bytes
    professional: Professional
    at: datetime
    signed_info: bytes


def prepare(document: bytes, professional: Professional, login: x509.Certificate, at: datetime) -> Prepared:
    """What the professional's card has to sign.

    Args:
        login: the certificate they logged in with: both keys of a card are of one kind, and the kind decides the
            signature method, which is signed too.

    Raises:
        Refused: the document is of no family (``xml.*``, ``doc.*``).
    """
    noted: list[bytes] = []

    def note(octets: bytes) -> bytes:
        noted.append(octets)
        return b""

    key = _key_elsewhere(login, note)
    sign_document(document, Signer(SignatureKind.PROFESSIONAL, key, login, professional), at)
    return Prepared(document, professional, at, noted[0])


def complete(prepared: Prepared, answer: ScsAnswer) -> bytes:
    """The signed document, from what the SCS answered.

    Raises:
        Refused: ``scs.answer.*``: there is no signature, or it is not of these octets; ``doc.*``: the certificate is
            not the author's signature certificate; ``ref.document.signature``: another hash was used.
    """
    answer.verify(prepared.signed_info)
    if answer.hash_name != HASH_NAME:
        raise rules().refusal("ref.document.signature", f"The SCS signed with {answer.signature_algorithm[:40]}.")
    return sign_as_professional(
        prepared.document,
        key=_key_elsewhere(answer.certificate, lambda _octets: answer.signature),
        certificate=answer.certificate,
        professional=prepared.professional,
        at=prepared.at,
    )


def _key_elsewhere(
    certificate: x509.Certificate, answer: Callable[[bytes], bytes]
) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """A private key of the kind in ``certificate`` whose signatures ``answer`` gives: the value, or nothing yet."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return _RsaElsewhere(key, answer)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _EcElsewhere(key, answer)
    raise Fault("The card has a key of a strange kind.", rule="card.content")


_NO_HANDLE = cast(KeyHandle, None)  # nothing but sign() is ever asked of these keys


class _RsaElsewhere(TokenRsaPrivateKey):
    def __init__(self, key: rsa.RSAPublicKey, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(_NO_HANDLE, key)
        self._answer = answer

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:
        return self._answer(bytes(data))


class _EcElsewhere(TokenEcPrivateKey):
    def __init__(self, key: ec.EllipticCurvePublicKey, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(_NO_HANDLE, key)
        self._answer = answer

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        value = self._answer(bytes(data)) or utils.encode_dss_signature(1, 1)
        half = (self.key_size + 7) // 8
        if len(value) != 2 * half:
            return value
        return utils.encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
