"""OCSP messages as bytes: requests read, responses written (RFC 6960 4.1, 4.2).

pyca's builder takes the machine's time for ``producedAt``, allows one certificate per message and no extension on a
single response; a responder under an injected clock needs all three, so the few structures are written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sotepki.x509 import der
from sotepki.x509.keys import PrivateKey, signing_hash
from sotepki.x509.status import CertificateState, CertificateStatus

NONCE = "1.3.6.1.5.5.7.48.1.2"
BASIC = "1.3.6.1.5.5.7.48.1.1"

#: A request with more certificates, or longer than this, is answered with malformedRequest.
MAX_CERTIFICATES = 64
MAX_REQUEST = 64 * 1024

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}

_SIGNATURES = {
    ("rsa", "sha512"): der.sequence(der.oid("1.2.840.113549.1.1.13"), der.NULL),
    ("rsa", "sha256"): der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL),
    ("ec", "sha384"): der.sequence(der.oid("1.2.840.10045.4.3.3")),
    ("ec", "sha256"): der.sequence(der.oid("1.2.840.10045.4.3.2")),
}


class ResponseStatus(IntEnum):
    """OCSPResponseStatus."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6


@dataclass(frozen=True)
class CertificateId:
    """Which certificate is asked about; ``encoded`` is the CertID as it stood in the request."""

    hash_oid: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int
    encoded: bytes


@dataclass(frozen=True)
class Request:
    """A request: the certificates asked about, and the nonce (None: absent)."""

    certificates: tuple[CertificateId, ...]
    nonce: bytes | None = None


@dataclass(frozen=True)
class SingleAnswer:
    """The answer about one certificate; ``next_update`` None leaves it out."""

    certificate: CertificateId
    status: CertificateStatus
    this_update: datetime
    next_update: datetime | None


def read_request(data: bytes) -> Request:
    """Read a DER OCSPRequest.

    Raises:
        DerError: it is not one, asks about nothing or too much, repeats an extension, or has a nonce of 0 or more
            than 128 octets (RFC 9654 2.1).
    """
    if len(data) > MAX_REQUEST:
        raise der.DerError("the request is too long")
    request = der.parse(data).expect(der.Tag.SEQUENCE).children()
    if not 1 <= len(request) <= 2:
        raise der.DerError("a request has one or two parts")
    parts = request[0].expect(der.Tag.SEQUENCE).children()
    lists = [part for part in parts if part.tag == der.Tag.SEQUENCE]
    if len(lists) != 1:
        raise der.DerError("a request has one list of certificates")
    singles = lists[0].children()
    if not 1 <= len(singles) <= MAX_CERTIFICATES:
        raise der.DerError("the list of certificates is empty or too long")
    certificates = tuple(_certificate_id(single.children()[0]) for single in singles if single.children())
    if len(certificates) != len(singles):
        raise der.DerError("an entry of the list of certificates is empty")
    tails = [part for part in parts if part.tag == 0xA2]
    return Request(certificates, _nonce(tails[0]) if tails else None)


def _certificate_id(element: der.Element) -> CertificateId:
    parts = element.expect(der.Tag.SEQUENCE).children()
    if len(parts) != 4:
        raise der.DerError("a certificate id has four parts")
    algorithm = parts[0].expect(der.Tag.SEQUENCE).children()
    if not algorithm or [part.raw for part in algorithm[1:]] not in ([], [der.NULL]):
        raise der.DerError("a certificate id names no hash, or one with parameters")
    return CertificateId(
        hash_oid=der.read_oid(algorithm[0]),
        issuer_name_hash=parts[1].expect(der.Tag.OCTET_STRING).content,
        issuer_key_hash=parts[2].expect(der.Tag.OCTET_STRING).content,
        serial_number=der.read_integer(parts[3]),
        encoded=element.raw,
    )


def _nonce(tail: der.Element) -> bytes | None:
    found: dict[str, bytes] = {}
    for extension in der.parse(tail.content).expect(der.Tag.SEQUENCE).children():
        parts = extension.expect(der.Tag.SEQUENCE).children()
        if not 2 <= len(parts) <= 3:
            raise der.DerError("an extension has two or three parts")
        name = der.read_oid(parts[0])
        if name in found:
            raise der.DerError("an extension stands twice")
        found[name] = parts[-1].expect(der.Tag.OCTET_STRING).content
    if NONCE not in found:
        return None
    nonce = der.parse(found[NONCE]).expect(der.Tag.OCTET_STRING).content
    if not 1 <= len(nonce) <= 128:
        raise der.DerError("a nonce has 1 to 128 octets")
    return nonce


def write_error(status: ResponseStatus) -> bytes:
    """A response without an answer."""
    return der.sequence(der.enumerated(status))


def write_response(
    answers: Sequence[SingleAnswer],
    *,
    key: PrivateKey,
    responder_key_hash: bytes,
    certificates: Sequence[x509.Certificate],
    produced_at: datetime,
    nonce: bytes | None,
) -> bytes:
    """A signed basic response; the responder is named by the SHA-1 of its key."""
    data = response_data(
        [encode_single(answer) for answer in answers],
        responder_id=responder_by_key(responder_key_hash),
        produced_at=produced_at,
        nonce=nonce,
    )
    return wrap_basic(data, sign_data(key, data), certificates)


def responder_by_key(key_hash: bytes) -> bytes:
    """A ResponderID that names the responder by the SHA-1 of its key."""
    return der.explicit(2, der.octet_string(key_hash))


def responder_by_name(name: bytes) -> bytes:
    """A ResponderID that names the responder by its encoded distinguished name."""
    return der.explicit(1, name)


def response_data(
    singles: Sequence[bytes], *, responder_id: bytes, produced_at: datetime, nonce: bytes | None
) -> bytes:
    """ResponseData, the part of a basic response that is signed."""
    parts = [responder_id, der.generalized_time(produced_at), der.sequence(*singles)]
    if nonce is not None:
        value = der.octet_string(der.octet_string(nonce))
        parts.append(der.explicit(1, der.sequence(der.sequence(der.oid(NONCE), value))))
    return der.sequence(*parts)


def wrap_basic(data: bytes, signature: tuple[bytes, bytes], certificates: Sequence[x509.Certificate]) -> bytes:
    """The whole OCSPResponse around signed ResponseData; ``signature`` as ``sign_data`` gives it."""
    basic = [data, *signature]
    if certificates:
        encoded = (certificate.public_bytes(serialization.Encoding.DER) for certificate in certificates)
        basic.append(der.explicit(0, der.sequence(*encoded)))
    body = der.sequence(der.oid(BASIC), der.octet_string(der.sequence(*basic)))
    return der.sequence(der.enumerated(ResponseStatus.SUCCESSFUL), der.explicit(0, body))


def encode_single(answer: SingleAnswer) -> bytes:
    """A SingleResponse."""
    parts = [answer.certificate.encoded, _status(answer.status), der.generalized_time(answer.this_update)]
    if answer.next_update is not None:
        parts.append(der.explicit(0, der.generalized_time(answer.next_update)))
    return der.sequence(*parts)


def _status(status: CertificateStatus) -> bytes:
    if status.state is CertificateState.GOOD:
        return der.tlv(0x80)
    if status.state is CertificateState.UNKNOWN or status.revoked_at is None:
        return der.tlv(0x82)
    parts = [der.generalized_time(status.revoked_at)]
    code = _REASONS.get(status.reason) if status.reason is not None else None
    if code is not None:
        parts.append(der.explicit(0, der.enumerated(code)))
    return der.tlv(0xA1, *parts)


#: CRLReason codes (RFC 5280 5.3.1); unspecified is left out, as in revocation lists.
_REASONS = {
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.privilege_withdrawn: 9,
    x509.ReasonFlags.aa_compromise: 10,
}


def sign_data(key: PrivateKey, data: bytes) -> tuple[bytes, bytes]:
    """Algorithm identifier and signature, both encoded."""
    algorithm = signing_hash(key)
    if isinstance(key, rsa.RSAPrivateKey):
        return _SIGNATURES["rsa", algorithm.name], der.bit_string(key.sign(data, padding.PKCS1v15(), algorithm))
    return _SIGNATURES["ec", algorithm.name], der.bit_string(key.sign(data, ec.ECDSA(algorithm)))
