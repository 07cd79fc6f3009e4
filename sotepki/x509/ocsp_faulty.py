"""OCSP answers that are wrong on purpose: an honest answer with the knobs of ``OcspFaults`` turned."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from sotepki.x509 import der
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp_faults import (
    BodyFault,
    CertificateIdFault,
    NonceFault,
    NullFault,
    OcspFaults,
    ResponderFault,
    ResponderIdFault,
    ResponseFault,
    SignatureFault,
)
from sotepki.x509.ocsp_message import (
    HASHES,
    CertificateId,
    ResponseStatus,
    SingleAnswer,
    encode_single,
    responder_by_key,
    responder_by_name,
    response_data,
    sign_data,
    wrap_basic,
    write_error,
)
from sotepki.x509.status import CertificateState, CertificateStatus

_STATUS = {
    ResponseFault.MALFORMED_REQUEST: ResponseStatus.MALFORMED_REQUEST,
    ResponseFault.INTERNAL_ERROR: ResponseStatus.INTERNAL_ERROR,
    ResponseFault.TRY_LATER: ResponseStatus.TRY_LATER,
    ResponseFault.SIG_REQUIRED: ResponseStatus.SIG_REQUIRED,
    ResponseFault.UNAUTHORIZED: ResponseStatus.UNAUTHORIZED,
}
_SHA1, _SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True)
class Honest:
    """What an honest responder would say; ``issuer`` is the CA asked about, ``delegate`` the signer's certificate."""

    answers: Sequence[SingleAnswer]
    issuer: x509.Certificate
    delegate: x509.Certificate
    key: PrivateKey
    produced_at: datetime
    nonce: bytes | None


def status_fault(faults: OcspFaults) -> bytes | None:
    """The error answer that ``response_status`` asks for, or None."""
    status = _STATUS.get(faults.response_status)
    return None if status is None else write_error(status)


def write_faulty(honest: Honest, faults: OcspFaults) -> bytes:
    """The answer with the faults in it; ``body`` faults included, HTTP faults not."""
    failed = status_fault(faults)
    return spoil_body(failed if failed is not None else _basic(honest, faults), faults)


def spoil_body(response: bytes, faults: OcspFaults) -> bytes:
    """What is sent instead of a response, by the knob ``body``."""
    if faults.body is BodyFault.EMPTY:
        return b""
    if faults.body is BodyFault.TRUNCATED:
        return response[: len(response) // 2]
    if faults.body is BodyFault.GARBAGE:
        return bytes((number * 37 + 11) % 256 for number in range(256))
    if faults.body is BodyFault.HTML:
        return b"<!doctype html><title>TEST</title><p>This is a page of a proxy, not an OCSP response.</p>\n"
    if faults.body is BodyFault.TRAILING:
        return response + b"TEST"
    if faults.body is BodyFault.NO_RESPONSE_BYTES:
        return der.sequence(der.enumerated(ResponseStatus.SUCCESSFUL))
    return response


def _basic(honest: Honest, faults: OcspFaults) -> bytes:
    delegate, key = honest.delegate, honest.key
    if faults.responder is ResponderFault.STRANGER:
        delegate, key = _stranger(honest.delegate)
    data = response_data(
        [encode_single(_single(answer, honest, faults)) for answer in honest.answers],
        responder_id=_responder_id(delegate, faults.responder_id),
        produced_at=honest.produced_at + faults.produced_at_shift,
        nonce=_nonce(honest.nonce, faults.nonce),
    )
    algorithm, signature = sign_data(_stranger_key() if faults.signature is SignatureFault.OTHER_KEY else key, data)
    if faults.signature is SignatureFault.BROKEN:
        signature = signature[:-1] + bytes((signature[-1] ^ 1,))
    attached = [] if faults.certificate_missing or delegate == honest.issuer else [delegate]
    return wrap_basic(data, (algorithm, signature), attached)


def _single(answer: SingleAnswer, honest: Honest, faults: OcspFaults) -> SingleAnswer:
    status = answer.status
    if faults.certificate_status is not None:
        revoked = faults.certificate_status is CertificateState.REVOKED
        status = CertificateStatus(faults.certificate_status, answer.this_update if revoked else None)
    next_update = None if answer.next_update is None else answer.next_update + faults.next_update_shift
    return SingleAnswer(
        certificate=_certificate_id(answer.certificate, honest.issuer, faults),
        status=status,
        this_update=answer.this_update + faults.this_update_shift,
        next_update=None if faults.next_update_missing else next_update,
    )


def _certificate_id(asked: CertificateId, issuer: x509.Certificate, faults: OcspFaults) -> CertificateId:
    faulty = _another(asked, issuer, faults.certificate_id)
    if faults.certificate_id is CertificateIdFault.NONE and faults.null_parameters is NullFault.NONE:
        return asked
    algorithm = [der.oid(faulty.hash_oid)]
    if faults.null_parameters is not NullFault.ABSENT:
        algorithm.append(der.NULL)
    encoded = der.sequence(
        der.sequence(*algorithm),
        der.octet_string(faulty.issuer_name_hash),
        der.octet_string(faulty.issuer_key_hash),
        der.integer(faulty.serial_number),
    )
    return replace(faulty, encoded=encoded)


def _another(asked: CertificateId, issuer: x509.Certificate, fault: CertificateIdFault) -> CertificateId:
    """The id with the one part exchanged that ``fault`` names."""
    match fault:
        case CertificateIdFault.SERIAL:
            return replace(asked, serial_number=asked.serial_number + 1)
        case CertificateIdFault.ISSUER_NAME:
            return replace(asked, issuer_name_hash=_changed(asked.issuer_name_hash))
        case CertificateIdFault.ISSUER_KEY:
            return replace(asked, issuer_key_hash=_changed(asked.issuer_key_hash))
        case CertificateIdFault.HASH:
            other = _SHA256 if asked.hash_oid == _SHA1 else _SHA1
            name_hash, key_hash = _hash(other, issuer.subject.public_bytes()), _hash(other, _key_bits(issuer))
            return replace(asked, hash_oid=other, issuer_name_hash=name_hash, issuer_key_hash=key_hash)
        case CertificateIdFault.NONE:
            return asked


def _changed(value: bytes) -> bytes:
    return value[:-1] + bytes((value[-1] ^ 0xFF,)) if value else b"\xff"


def _hash(oid: str, data: bytes) -> bytes:
    digest = hashes.Hash(HASHES[oid]())
    digest.update(data)
    return digest.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    encoded = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der.parse(encoded).children()[1].content[1:]


def _responder_id(delegate: x509.Certificate, fault: ResponderIdFault) -> bytes:
    if fault is ResponderIdFault.NAME:
        return responder_by_name(delegate.subject.public_bytes())
    key_hash = _hash(_SHA1, _key_bits(delegate))
    return responder_by_key(_changed(key_hash) if fault is ResponderIdFault.WRONG else key_hash)


def _nonce(nonce: bytes | None, fault: NonceFault) -> bytes | None:
    if nonce is None or fault is NonceFault.OMIT:
        return None
    return _changed(nonce) if fault is NonceFault.OTHER else nonce


@functools.cache
def _stranger_key() -> ec.EllipticCurvePrivateKey:
    """A key that no CA knows: made when the first fault needs it, kept in memory only."""
    return ec.generate_private_key(ec.SECP256R1())


@functools.lru_cache(maxsize=16)
def _stranger(delegate: x509.Certificate) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A responder with the names, times and usages of ``delegate``, certified by itself."""
    key = _stranger_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(delegate.subject)
        .issuer_name(delegate.issuer)
        .public_key(key.public_key())
        .serial_number(delegate.serial_number)
        .not_valid_before(delegate.not_valid_before_utc)
        .not_valid_after(max(delegate.not_valid_after_utc, delegate.not_valid_before_utc + timedelta(days=1)))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
        .add_extension(x509.OCSPNoCheck(), False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key
