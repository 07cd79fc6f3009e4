"""An OCSP responder: any bytes in, a response out (RFC 6960; nonce by RFC 9654)."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sotepki.clock import Clock
from sotepki.errors import SotepkiError
from sotepki.x509 import der
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults
from sotepki.x509.ocsp_faulty import Honest, spoil_body, status_fault, write_faulty
from sotepki.x509.ocsp_message import (
    HASHES,
    CertificateId,
    Request,
    ResponseStatus,
    SingleAnswer,
    read_request,
    write_error,
    write_response,
)
from sotepki.x509.status import CertificateState, CertificateStatus, StatusSource

#: How long an answer may be kept unless the authority sets another; DVV's is not known
#: (docs/field/pki.md 5.13: a choice).
DEFAULT_VALIDITY = timedelta(hours=1)


@dataclass(frozen=True)
class Answered:
    """A response and what it says, for whoever keeps books or a cache.

    ``statuses`` go with ``request.certificates``; both are empty unless ``outcome`` is successful. ``until`` is the
    nextUpdate of the answers. ``faulty``: it was spoilt on purpose.
    """

    response: bytes
    outcome: ResponseStatus
    request: Request | None = None
    statuses: tuple[CertificateStatus, ...] = ()
    until: datetime | None = None
    faulty: bool = False

    @property
    def lasting(self) -> bool:
        """Whether the same bytes may answer the same request again: no nonce, nothing that issuing would change."""
        return (
            not self.faulty
            and self.outcome is ResponseStatus.SUCCESSFUL
            and self.request is not None
            and self.request.nonce is None
            and all(status.state is not CertificateState.UNKNOWN for status in self.statuses)
        )


@dataclass(frozen=True, eq=False)
class Responder:
    """Answers for one CA, signed by a delegated responder or by the CA itself.

    A certificate of another CA is answered with ``unknown``; bytes that are no request with malformedRequest; records
    that cannot be read with internalError. ``validity`` None leaves nextUpdate out.
    """

    issuer_certificate: x509.Certificate
    responder_certificate: x509.Certificate
    key: PrivateKey
    status: StatusSource
    clock: Clock
    validity: timedelta | None = DEFAULT_VALIDITY
    _hashes: dict[str, tuple[bytes, bytes]] = field(default_factory=dict, init=False, repr=False)

    def respond(self, request_der: bytes) -> bytes:
        """The DER OCSPResponse to a request; never raises for what a client sends."""
        return self.answer(request_der).response

    def answer(self, request_der: bytes, faults: OcspFaults = NO_FAULTS) -> Answered:
        """The response with what it says; ``faults`` spoil it on purpose (not those of HTTP)."""
        spoilt = bool(faults)
        try:
            request = read_request(request_der)
        except der.DerError:
            return self._refused(ResponseStatus.MALFORMED_REQUEST, None, faults)
        if spoilt and (failed := status_fault(faults)) is not None:
            outcome = ResponseStatus(failed[-1])
            return Answered(spoil_body(failed, faults), outcome, request, faulty=True)
        try:
            return self._answer(request, faults)
        except SotepkiError:
            return self._refused(ResponseStatus.INTERNAL_ERROR, request, faults)

    def _refused(self, outcome: ResponseStatus, request: Request | None, faults: OcspFaults) -> Answered:
        return Answered(spoil_body(write_error(outcome), faults), outcome, request, faulty=bool(faults))

    @functools.cached_property
    def _key_hash(self) -> bytes:
        return key_hash(self.responder_certificate, hashes.SHA1())

    def _answer(self, request: Request, faults: OcspFaults) -> Answered:
        now = self.clock.now().replace(microsecond=0)
        until = None if self.validity is None else now + self.validity
        statuses = tuple(self._status(asked) for asked in request.certificates)
        answers = [
            SingleAnswer(asked, status, now, until)
            for asked, status in zip(request.certificates, statuses, strict=True)
        ]
        if faults:
            issuer, delegate = self.issuer_certificate, self.responder_certificate
            honest = Honest(answers, issuer, delegate, self.key, now, request.nonce)
            response = write_faulty(honest, faults)
            return Answered(response, ResponseStatus.SUCCESSFUL, request, statuses, until, faulty=True)
        response = write_response(
            answers,
            key=self.key,
            responder_key_hash=self._key_hash,
            certificates=self._attached,
            produced_at=now,
            nonce=request.nonce,
        )
        return Answered(response, ResponseStatus.SUCCESSFUL, request, statuses, until)

    @functools.cached_property
    def _attached(self) -> list[x509.Certificate]:
        delegated = self.responder_certificate != self.issuer_certificate
        return [self.responder_certificate] if delegated else []

    @functools.cached_property
    def _issuer_key_id(self) -> bytes:
        return subject_key_id(self.issuer_certificate)

    def _status(self, asked: CertificateId) -> CertificateStatus:
        if asked.hash_oid not in HASHES:
            return CertificateStatus(CertificateState.UNKNOWN)
        if asked.hash_oid not in self._hashes:
            algorithm = HASHES[asked.hash_oid]()
            self._hashes[asked.hash_oid] = (
                name_hash(self.issuer_certificate.subject, algorithm),
                key_hash(self.issuer_certificate, algorithm),
            )
        if self._hashes[asked.hash_oid] != (asked.issuer_name_hash, asked.issuer_key_hash):
            return CertificateStatus(CertificateState.UNKNOWN)
        return self.status.status(self._issuer_key_id, asked.serial_number)


def subject_key_id(certificate: x509.Certificate) -> bytes:
    """The subject key identifier of a CA, by which status records know it."""
    found = extension_of(certificate, x509.SubjectKeyIdentifier)
    return found.digest if found is not None else key_hash(certificate, hashes.SHA1())


def name_hash(name: x509.Name, algorithm: hashes.HashAlgorithm) -> bytes:
    """The hash of an encoded name, as a CertID has it."""
    digest = hashes.Hash(algorithm)
    digest.update(name.public_bytes())
    return digest.finalize()


def key_hash(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> bytes:
    """The hash of the key bits (without tag, length and unused bits), as a CertID or a responder id has it."""
    encoded = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(algorithm)
    digest.update(der.parse(encoded).children()[1].content[1:])
    return digest.finalize()
