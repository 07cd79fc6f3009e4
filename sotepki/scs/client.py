"""A client for any Signature Creation Service on this machine: ours, or the card software of a vendor."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sotepki.errors import Fault, Misuse
from sotepki.scs.answers import ScsAnswer, ScsVersion, answer_rules, read_answer, read_version
from sotepki.scs.challenge import challenge_content
from sotepki.scs.jose import is_jwe, read_jwe, read_jws, write_jwe, write_jws
from sotepki.scs.service import PrivateKey
from sotepki.scs.settings import PORT, ChallengeForm
from sotepki.scs.transactions import jws_algorithm, jws_signature
from sotepki.x509.tls import tls_of

AUTHENTICATION = "digitalSignature"
SIGNATURE = "nonRepudiation"

_HOST = re.compile(rb"[!-~]+")
_USER_SECONDS = 180.0
_LARGEST_ANSWER = 32 * 1024 * 1024


@dataclass(frozen=True)
class ScsClient:
    """Calls one service.

    Attributes:
        url: base address; plain HTTP for the old ports.
        tls: how the service is met, see ``sotepki.x509.tls.tls_of``.
        origin: what a browser would send as Origin; empty sends none.
        seconds: how long an answer may take; the user types a PIN meanwhile.

    Raises:
        Misuse: ``url`` is no address of http or https, or ``origin`` cannot stand in a header.
    """

    url: str = f"https://127.0.0.1:{PORT}"
    tls: ssl.SSLContext = field(default_factory=tls_of, repr=False)
    origin: str = ""
    seconds: float = _USER_SECONDS

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = (parts.hostname or "").encode("idna")
            usable = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(host)) and parts.port != 0
        except ValueError:  # not a port, not an address, or a name with an empty label
            usable = False
        if not usable:
            raise Misuse(
                f"{self.url!r} is no address of an SCS.",
                advice=f"Give it as https://127.0.0.1:{PORT}.",
            )
        if not (self.origin.isascii() and self.origin.isprintable()) or " " in self.origin:
            raise Misuse(f"{self.origin!r} is no origin.", advice="Give it as browsers write it, https://example.fi.")

    def version(self) -> ScsVersion:
        """Ask ``/version``.

        Raises:
            Fault: ``scs.answer.reached``: nobody answers, or TLS fails.
            Refused: ``scs.answer.form``.
        """
        return read_version(self._exchange("GET", "/version"))

    def sign(
        self,
        content: bytes,
        *,
        key_usage: str = SIGNATURE,
        is_digest: bool = False,
        hash_name: str = "SHA256",
        signature_type: str = "signature",
        selector: Mapping[str, Sequence[str]] | None = None,
    ) -> ScsAnswer:
        """Ask ``/sign``. What comes back is not verified: see ``ScsAnswer.verify`` and ``explaining.explain``.

        Args:
            key_usage: ``nonRepudiation`` for the signature key, ``digitalSignature`` for the authentication key.
            is_digest: ``content`` is a digest made with ``hash_name``.
            selector: more of the selector, for example ``{"issuers": [...]}``.

        Raises:
            Fault: ``scs.answer.reached``.
            Refused: ``scs.answer.form``.
        """
        row = {
            "version": "1.1",
            "selector": {"keyusages": [key_usage], **(selector or {})},
            **_to_sign(content, is_digest, hash_name, signature_type),
        }
        return read_answer(self._exchange("POST", "/sign", json.dumps(row).encode()))

    def login(self, nonce: str, form: ChallengeForm = ChallengeForm.LINE) -> ScsAnswer:
        """Have a login challenge signed with the authentication key, bound to ``origin``."""
        return self.sign(challenge_content(self.origin, nonce, form), key_usage=AUTHENTICATION)

    def begin(self, certificate: x509.Certificate, key: PrivateKey, key_usage: str = SIGNATURE) -> Transaction:
        """Begin a transaction of 1.3 in the name of the server that has ``certificate`` and ``key``.

        Raises:
            Misuse: ``scs.jwt.signature``: ``key`` is neither RSA nor of P-256.
            Fault: ``scs.answer.reached``.
            Refused: ``scs.answer.refused``, ``scs.answer.form``; ``scs.jwt.signature``: the answer is not the card's.
        """
        if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, ec.SECP256R1):
            raise Misuse(
                f"A transaction is begun with RS256 or ES256; the server's key is of {key.curve.name}.",
                rule="scs.jwt.signature",
                advice="Take an RSA key or one of P-256, with its certificate.",
            )
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        shown = base64.b64encode(
            ephemeral.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode()
        payload = {
            "version": "1.3",
            "serverKey": shown,
            "serverCert": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
            "strictKeyPolicy": False,
            "selector": {"keyusages": [key_usage]},
        }
        request = write_jws(
            {"alg": jws_algorithm(key), "typ": "JWT"}, payload, lambda octets: jws_signature(key, octets)
        )
        body = self._exchange("POST", "/sign", request.encode(), media_type="application/jwt")
        if body.startswith(b"{"):
            read_answer(body).certificate  # noqa: B018 - raises: the service refused
        jws = read_jws(body.decode("ascii", "replace"))
        try:
            row = json.loads(jws.payload)
            leaf = x509.load_der_x509_certificate(base64.b64decode(row["chain"][0]))
            theirs = load_der_public_key(base64.b64decode(row["transaction"]))
        except (ValueError, KeyError, TypeError, IndexError):
            theirs = None
        if not isinstance(theirs, ec.EllipticCurvePublicKey):
            raise answer_rules().refusal("scs.answer.form", "The answer to the beginning has no chain or no key.")
        jws.verify(leaf.public_key())
        return Transaction(self, ephemeral.exchange(ec.ECDH(), theirs), shown, leaf)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        media_type: str = "application/json; charset=UTF-8",
    ) -> bytes:
        parts = urlsplit(self.url)
        host, port = str(parts.hostname), parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=self.seconds, context=self.tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=self.seconds)
        )
        headers = {"Accept": "application/json", **({"Origin": self.origin} if self.origin else {})}
        try:
            connection.request(method, path, body, {**headers, **({"Content-Type": media_type} if body else {})})
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "verify_message", "") or str(error)
            raise Fault(
                f"The SCS at {self.url} is not reached: {reason}.",
                rule="scs.answer.reached",
                advice=answer_rules()["scs.answer.reached"].advice,
            ) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise answer_rules().refusal("scs.answer.form", f"The SCS answers HTTP {answer.status}, not 200.")
        return content


@dataclass(frozen=True)
class Transaction:
    """A transaction of 1.3 that was begun: it signs once.

    Attributes:
        server_key: as it must stand in a login challenge, ``origin;nonce;serverKey``.
        certificate: the card's certificate that signed the beginning.
    """

    client: ScsClient
    key: bytes = field(repr=False)
    server_key: str
    certificate: x509.Certificate

    def execute(
        self, content: bytes, *, is_digest: bool = False, hash_name: str = "SHA256", signature_type: str = "signature"
    ) -> ScsAnswer:
        """Have something signed; arguments as ``ScsClient.sign``.

        Raises:
            Fault: ``scs.answer.reached``.
            Refused: ``scs.answer.form``, ``scs.jwt.decryption``.
        """
        row: dict[str, Any] = {"version": "1.3", **_to_sign(content, is_digest, hash_name, signature_type)}
        body = self.client._exchange("POST", "/sign", write_jwe(row, self.key).encode(), media_type="application/jwt")
        text = body.decode("ascii", "replace")
        return read_answer(read_jwe(text, self.key) if is_jwe(text) and not text.startswith("{") else body)


def _to_sign(content: bytes, is_digest: bool, hash_name: str, signature_type: str) -> dict[str, str]:
    return {
        "content": base64.b64encode(content).decode("ascii"),
        "contentType": "digest" if is_digest else "data",
        "hashAlgorithm": hash_name,
        "signatureType": signature_type,
    }


__all__ = ["AUTHENTICATION", "SIGNATURE", "ScsClient", "Transaction"]
