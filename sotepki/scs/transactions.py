"""Transactions of SCS 1.3 (docs/field/scs.md 9: all secondhand): a signed beginning, a shared key, one execution.

A page sends a JWS with its server's certificate and an ephemeral key; the card signs the answer with an ephemeral key
of the service. The page then sends what is to be signed as a JWE under the key both have agreed on. Where the facts
are silent: the answer to the execution is a JWE under the same key, and a refusal is the plain JSON triple.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sotepki.errors import Refused, SotepkiError
from sotepki.scs.jose import is_jwe, read_jwe, read_jws, write_jwe, write_jws
from sotepki.scs.pending import Begun
from sotepki.scs.request import read_object, read_selector, read_sign_fields
from sotepki.scs.service import PrivateKey, SignatureService, side_by_side
from sotepki.scs.settings import rulebook
from sotepki.x509.extension_lookup import readable_extension

BEGIN_ALGORITHMS = ("RS256", "ES256")
"""What a beginning is signed with (docs/field/scs.md 9, row begin); only the card's reply may be of ES384 too."""


@dataclass
class Transactions:
    """The transactions of one service, which knows the one that is pending."""

    service: SignatureService

    def answer(self, body: bytes, origin: str) -> str | dict[str, Any]:
        """The answer to a request of type application/jwt: a compact JWS or JWE, or the JSON of a refusal."""
        try:
            try:
                text = body.decode("ascii").strip()
            except UnicodeDecodeError:
                raise _refusal("scs.jwt.form", "The request is neither JWS nor JWE.") from None
            with self.service.alone():
                answer = self._execute(text, origin) if is_jwe(text) else self._begin(text, origin)
        except SotepkiError as error:
            refusal = self.service.refusal(error)
            self.service.outcome(origin, refusal["reasonText"])
            return refusal
        self.service.outcome(origin, "Transaction answered")
        return answer

    def _begin(self, text: str, origin: str) -> str:
        jws = read_jws(text)
        if jws.header.get("alg") not in BEGIN_ALGORITHMS:
            raise _refusal("scs.jwt.signature", "The beginning is not signed with RS256 or ES256.")
        row = read_object(jws.payload)
        if row.get("version") != "1.3":
            raise _refusal("scs.jwt.form", "The transaction is not of version 1.3.")
        certificate = _certificate(row)
        jws.verify(certificate.public_key())
        _check_origin(origin, certificate)
        self.service.transaction.check_no_other(origin)
        server_key, shown_key = _server_key(row)
        selector = read_selector(row.get("selector"))
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        selected = self.service.select(selector)
        key = self.service.unlocked(selected, origin)
        answer = {
            **self.service.success(),
            "transaction": base64.b64encode(
                ephemeral.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ).decode("ascii"),
            "chain": self.service.encoded_chain(selected.chain),
        }
        identifier = selected.certificate.fingerprint(hashes.SHA1()).hex().upper()
        header = {"alg": jws_algorithm(key), "typ": "JWT", "kid": identifier}
        signed = write_jws(header, answer, lambda octets: jws_signature(key, octets))
        until = time.monotonic() + self.service.settings.transaction_seconds
        shared = ephemeral.exchange(ec.ECDH(), server_key)
        self.service.transaction.begin(Begun(origin, selector, shown_key, shared, until))
        return signed

    def _execute(self, text: str, origin: str) -> str:
        self.service.transaction.check_no_other(origin)
        pending = self.service.transaction.take()
        row = read_object(read_jwe(text, pending.key))
        try:
            answer = self._signed(row, pending)
        except SotepkiError as error:
            answer = self.service.refusal(error)
            self.service.outcome(origin, answer["reasonText"])
        return write_jwe(answer, pending.key)

    def _signed(self, row: Mapping[str, Any], pending: Begun) -> dict[str, Any]:
        request = read_sign_fields(row, pending.selector, self.service.settings)
        pades = request.signature_type == "cms-pades" and pending.selector.wants_signature_key
        if request.is_digest and not pades:
            raise _refusal("scs.content.digest-unsupported", "A transaction signs a digest only as cms-pades.")
        selected = self.service.select(request.selector, request.signature_algorithm)
        return self.service.answer(request, selected, pending.origin, pending.server_key)


def _certificate(row: Mapping[str, Any]) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(str(row.get("serverCert", "")), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise _refusal("scs.jwt.form", "serverCert is not a certificate.") from None


def _server_key(row: Mapping[str, Any]) -> tuple[ec.EllipticCurvePublicKey, str]:
    shown = str(row.get("serverKey", ""))
    try:
        key = load_der_public_key(base64.b64decode(shown, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _refusal("scs.jwt.form", "serverKey is not a P-256 key.")
    return key, shown


def _check_origin(origin: str, certificate: x509.Certificate) -> None:
    try:
        parts = urlsplit(origin)
    except ValueError:  # brackets without an address between them
        raise _refusal("scs.jwt.origin", "The origin of the page is not an address.") from None
    if parts.scheme != "https" or not parts.hostname:
        raise _refusal("scs.jwt.origin", "A transaction needs an https origin.")
    names = readable_extension(certificate, x509.SubjectAlternativeName)
    named = {str(one.value).lower() for one in names or ()}
    wildcard = "*." + parts.hostname.partition(".")[2]
    if not named & {parts.hostname, wildcard}:
        raise _refusal("scs.jwt.origin", "serverCert does not name the origin of the page.")


def jws_algorithm(key: PrivateKey) -> str:
    """The algorithm that a key signs a JWS with (docs/field/scs.md 9)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return "ES384" if key.curve.key_size == 384 else "ES256"


def jws_signature(key: PrivateKey, octets: bytes) -> bytes:
    """The signature value of that algorithm (RFC 7518 3.3, 3.4)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    algorithm = hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()
    return side_by_side(key.sign(octets, ec.ECDSA(algorithm)), key)


def _refusal(rule: str, sentence: str) -> Refused:
    return rulebook().refusal(rule, sentence)
