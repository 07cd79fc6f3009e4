"""Signatures that people make with their cards for DVV: over a challenge to log in, over a contract to sign it.

A signature counts when its certificate was issued here for the card's key, is in force, is meant for the purpose,
and belongs to the person. The bytes are hashed with SHA-256 (RSA, PKCS #1 v1.5) or SHA-384 (ECDSA), so that any tool
that reaches the card's key can make one: ``openssl dgst``, ``pkcs11-tool``, or ``sotepki`` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from sotepki.dvv.office_seams import Certification, Issued
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.identifiers import Hetu
from sotepki.x509.chains import in_time
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState


class SignedFor(StrEnum):
    """What the signature is for, which decides which of the card's two keys may have made it."""

    LOGIN = "login"
    CONTRACT = "contract"


@dataclass(frozen=True)
class CardSignature:
    """A certificate of the card (DER or PEM) and the signature that its key made."""

    certificate: bytes
    signature: bytes


@dataclass(frozen=True)
class CardSigner:
    """Whose card signed, with which certificate."""

    hetu: Hetu
    name: str
    serial: str
    certificate: bytes


def sign_with_card(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """The signature over ``data`` in the form that is verified here; ``key`` may live in a card."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA384()))


def signer_of(
    given: CardSignature,
    data: bytes,
    purpose: SignedFor,
    *,
    authorities: Certification,
    session: Session,
    at: datetime,
) -> CardSigner | str:
    """Who signed ``data``, or a sentence that says why the signature does not count."""
    certificate = _read(given.certificate)
    if certificate is None:
        return "The certificate of the signature cannot be read."
    ours = _issued_here(certificate, authorities)
    if ours is None:
        return "The certificate of the signature was not issued here."
    if ours.status.state is not CertificateState.GOOD:
        return f"The certificate {serial_text(ours.serial_number)} is revoked."
    if not in_time(certificate, at):
        return f"The certificate {serial_text(ours.serial_number)} is not valid at {at:%Y-%m-%d %H:%M} UTC."
    if not _meant_for(certificate, purpose):
        return f"The certificate {serial_text(ours.serial_number)} is not the card's {_KEY[purpose]} certificate."
    if not _verifies(certificate, given.signature, data):
        return "The signature does not verify over these bytes with the key of the certificate."
    hetu = _holder(session, ours)
    if hetu is None:
        return f"The certificate {serial_text(ours.serial_number)} is on no card of a person."
    name = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return CardSigner(
        hetu=hetu,
        name=str(name[0].value) if name else "",
        serial=serial_text(ours.serial_number),
        certificate=certificate.public_bytes(Encoding.DER),
    )


_KEY = {SignedFor.LOGIN: "authentication", SignedFor.CONTRACT: "signature"}


def _read(data: bytes) -> x509.Certificate | None:
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError:
        return None


def _issued_here(certificate: x509.Certificate, authorities: Certification) -> Issued | None:
    found = authorities.issued(serial_number=certificate.serial_number)
    return next((one for one in found if one.certificate == certificate), None)


def _meant_for(certificate: x509.Certificate, purpose: SignedFor) -> bool:
    usage = readable_extension(certificate, x509.KeyUsage)
    if usage is None:
        return False
    return usage.content_commitment if purpose is SignedFor.CONTRACT else usage.digital_signature


def _verifies(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA384()))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _holder(session: Session, issued: Issued) -> Hetu | None:
    serial = serial_text(issued.serial_number)
    found = session.scalars(
        select(CardOrderRow.hetu).where(
            or_(CardOrderRow.authentication_serial == serial, CardOrderRow.signature_serial == serial)
        )
    ).first()
    return Hetu(found) if found else None
