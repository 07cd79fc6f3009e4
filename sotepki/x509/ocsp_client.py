"""Asking an OCSP responder over HTTP, and judging its answer (RFC 6960 3.2, appendix A.1; RFC 9654)."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sotepki.errors import Refused
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.http_exchange import HttpStatus, TooLong, exchange
from sotepki.x509.issuer import issued_by
from sotepki.x509.ocsp import key_hash, name_hash
from sotepki.x509.status import CertificateState, CertificateStatus

MAX_RESPONSE = 1024 * 1024
#: How far the clocks of client and responder may differ.
SKEW = timedelta(seconds=60)


@dataclass(frozen=True)
class Asked:
    """A status with the response that proves it."""

    status: CertificateStatus
    response: ocsp.OCSPResponse


def request_ocsp(
    url: str,
    certificate: x509.Certificate,
    issuer_certificate: x509.Certificate,
    *,
    timeout: float = 10.0,
    algorithm: hashes.HashAlgorithm | None = None,
    nonce: bytes | None = None,
) -> ocsp.OCSPResponse:
    """Ask about one certificate by POST, with a fresh 32-octet nonce unless one is given.

    The response is parsed and its nonce compared; whether it is to be believed says ``verified_status``.

    Raises:
        Misuse: the address is not an http address.
        Refused: no answer in ``timeout`` seconds, an HTTP error, an answer that is no OCSP response, another nonce.
    """
    sent = os.urandom(32) if nonce is None else nonce
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer_certificate, algorithm or hashes.SHA256())
    request = builder.add_extension(x509.OCSPNonce(sent), critical=False).build()
    body = _post(url, request.public_bytes(Encoding.DER), timeout)
    try:
        response = ocsp.load_der_ocsp_response(body)
        if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
            _compare_nonce(response, sent, url)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(
            f"The answer of {url} is not an OCSP response.", rule="ocsp.response.form", subject=url
        ) from None
    return response


def ask_status(
    url: str,
    certificate: x509.Certificate,
    issuer_certificate: x509.Certificate,
    *,
    at: datetime,
    timeout: float = 10.0,
) -> Asked:
    """Ask, and return the verified status together with the response; see ``request_ocsp``, ``verified_status``."""
    response = request_ocsp(url, certificate, issuer_certificate, timeout=timeout)
    return Asked(verified_status(response, certificate, issuer_certificate, at=at), response)


def verified_status(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer_certificate: x509.Certificate,
    *,
    at: datetime,
) -> CertificateStatus:
    """The status that a response proves at a moment.

    Raises:
        Refused: the responder reports an error, answers about another certificate, is not authorised by the issuer,
            its signature does not verify, or the answer is not current at ``at``. Rule ids ``ocsp.response.*``.
    """
    return _status(response, certificate, issuer_certificate, lambda single: at)


def kept_status(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer_certificate: x509.Certificate,
    *,
    at: datetime | None,
) -> CertificateStatus:
    """The status that a response proves which was kept, perhaps made long after the moment in question.

    Args:
        at: the moment that the answer must be current at; one that was made later (thisUpdate) must be current at its
            own time. None: it must have been current at its own time, however old it is.

    Raises:
        Refused: as ``verified_status``.
    """

    def moment(single: ocsp.OCSPSingleResponse) -> datetime:
        return single.this_update_utc if at is None else max(at, single.this_update_utc)

    return _status(response, certificate, issuer_certificate, moment)


def ocsp_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """The responder addresses in a certificate; empty if it names none or cannot be read."""
    try:
        access = extension_of(certificate, x509.AuthorityInformationAccess)
    except ValueError:
        return ()
    return tuple(
        str(entry.access_location.value)
        for entry in access or ()
        if entry.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    )


def _status(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer_certificate: x509.Certificate,
    moment: Callable[[ocsp.OCSPSingleResponse], datetime],
) -> CertificateStatus:
    try:
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            word = response.response_status.name.lower().replace("_", " ")
            raise Refused(f"The responder answers: {word}.", rule="ocsp.response.status")
        single = _single(response, certificate, issuer_certificate)
        at = moment(single)
        _verify(response, issuer_certificate, at)
        _current(single, at)
    except (ValueError, UnsupportedAlgorithm, TypeError):
        raise Refused("The OCSP response cannot be read.", rule="ocsp.response.form") from None
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return CertificateStatus(CertificateState.REVOKED, single.revocation_time_utc, single.revocation_reason)
    good = single.certificate_status is ocsp.OCSPCertStatus.GOOD
    return CertificateStatus(CertificateState.GOOD if good else CertificateState.UNKNOWN)


def _post(url: str, body: bytes, timeout: float) -> bytes:
    headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
    try:
        return exchange(url, body=body, headers=headers, timeout=timeout, limit=MAX_RESPONSE)
    except HttpStatus as error:
        raise Refused(f"{url} answers {error}.", rule="ocsp.http", subject=url) from None
    except TooLong:
        raise Refused(f"The answer of {url} is longer than 1 MiB.", rule="ocsp.response.form", subject=url) from None
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise Refused(
            f"The responder {url} does not answer: {reason}.",
            rule="ocsp.http",
            advice="Check that the service runs and the address is right.",
            subject=url,
        ) from None


def _compare_nonce(response: ocsp.OCSPResponse, sent: bytes, url: str) -> None:
    try:
        received = response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return  # RFC 9654 allows a responder to leave the nonce out; thisUpdate and nextUpdate still bind
    if received != sent:
        raise Refused(f"The answer of {url} carries another nonce.", rule="ocsp.response.nonce", subject=url)


def _single(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer_certificate: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    for single in response.responses:
        algorithm = single.hash_algorithm
        if (
            single.serial_number == certificate.serial_number
            and single.issuer_name_hash == name_hash(certificate.issuer, algorithm)
            and single.issuer_key_hash == key_hash(issuer_certificate, algorithm)
        ):
            return single
    raise Refused("The OCSP response is about another certificate.", rule="ocsp.response.certificate")


def _verify(response: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> None:
    signer = _signer(response, issuer)
    if signer != issuer:
        _authorised(signer, issuer, at)
    algorithm = response.signature_hash_algorithm
    if algorithm is None or not _signed(signer, response.signature, response.tbs_response_bytes, algorithm):
        raise Refused("The signature of the OCSP response does not verify.", rule="ocsp.response.signature")


def _signer(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    for candidate in (issuer, *response.certificates):
        if response.responder_key_hash is not None:
            if response.responder_key_hash == key_hash(candidate, hashes.SHA1()):
                return candidate
        elif response.responder_name == candidate.subject:
            return candidate
    raise Refused("The certificate of the responder is missing.", rule="ocsp.response.responder")


def _authorised(signer: x509.Certificate, issuer: x509.Certificate, at: datetime) -> None:
    usages = extension_of(signer, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        raise Refused("The responder's certificate is not for OCSP signing.", rule="ocsp.response.responder")
    if not issued_by(signer, issuer):
        raise Refused("The responder's certificate is not from the CA asked about.", rule="ocsp.response.responder")
    # Differences, since a sum may leave the calendar: a certificate without end names the year 9999.
    if signer.not_valid_before_utc - at > SKEW or at - signer.not_valid_after_utc > SKEW:
        raise Refused("The responder's certificate is not valid at this time.", rule="ocsp.response.responder")


def _signed(signer: x509.Certificate, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    key = signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _current(single: ocsp.OCSPSingleResponse, at: datetime) -> None:
    if single.this_update_utc - at > SKEW:
        raise Refused("The OCSP response is from the future.", rule="ocsp.response.time")
    until = single.next_update_utc
    if until is not None and at - until > SKEW:
        raise Refused(f"The OCSP response was good until {until:%Y-%m-%d %H:%M:%SZ}.", rule="ocsp.response.time")
