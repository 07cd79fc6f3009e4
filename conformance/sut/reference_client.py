"""The reference system as client of Kanta: mutual TLS, a look at the certificate, one message, its answer."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import Delivery, Endpoint, StatusQuestion, Trust
from sotepki.clock import Clock
from sotepki.errors import SotepkiError
from sotepki.journey.sending import client_context
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.kela.transport import leave_time_to_the_application
from sotepki.x509.status import CertificateState


@dataclass(frozen=True)
class HttpAnswer:
    """Status, body and the place to which an answer sends on."""

    status: int
    body: bytes
    location: str = ""


class Unanswered(OSError):
    """The message was sent, and the line was cut before an answer."""


@dataclass(frozen=True)
class KantaClient:
    """Sends frames over mutual TLS and reads the acknowledgement.

    Attributes:
        status: asks whether the server's certificate is revoked.
        clock: says whether the server's certificate is in force; OpenSSL knows only the machine's time.
        pauses: seconds before it sends the same message again when the answer was lost.
        seconds, patience: how long it waits for a connection, and for an answer.
    """

    identity: ServiceIdentity
    status: StatusQuestion
    clock: Clock
    pauses: tuple[float, ...] = (0.05, 0.2)
    seconds: float = 10.0
    patience: float = 10.0

    HEADERS: ClassVar = {"Content-Type": "application/xml", "Accept": "application/json"}

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        for pause in (*self.pauses, None):
            try:
                answer = self.attempt(frame, endpoint)
            except Unanswered as error:
                if pause is None:
                    return Delivery(True, None, str(error))
                time.sleep(pause)
                continue
            except (OSError, http.client.HTTPException) as error:
                return Delivery(False, None, str(error))
            return Delivery(True, self.accepted(answer.status, answer.body))
        raise AssertionError("the last attempt returns")

    def attempt(self, frame: bytes, endpoint: Endpoint) -> HttpAnswer:
        """Send once.

        Raises:
            Unanswered: the line was cut after the message was sent.
            OSError, http.client.HTTPException: there was no connection, or none that is to be trusted.
        """
        parts = urlsplit(endpoint.url)
        # The plain class: the other one would load the trust store of the machine, which is not asked here.
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 443, timeout=self.seconds)
        try:
            connection.sock = secured = self.connected(parts, endpoint.trust)
            self.look_at(secured, endpoint.trust)
            secured.settimeout(self.patience)
            connection.request("POST", parts.path, body=frame, headers=self.HEADERS)
            try:
                response = connection.getresponse()
                return HttpAnswer(response.status, response.read(), response.headers.get("Location") or "")
            except (http.client.RemoteDisconnected, ConnectionResetError, TimeoutError) as error:
                raise Unanswered(str(error)) from error
        finally:
            connection.close()

    def connected(self, parts: SplitResult, trust: Trust) -> ssl.SSLSocket:
        """A connection after its handshake, with a server whose certificate is in force.

        Raises:
            OSError: there is none (``ssl.SSLError``: the server is not to be trusted).
        """
        host = str(parts.hostname)
        plain = socket.create_connection((host, parts.port or 443), timeout=self.seconds)
        secured = self.context(trust).wrap_socket(plain, server_hostname=self.server_name(host))
        if secured.context.verify_mode is ssl.CERT_REQUIRED and not self.in_force(secured, trust):
            secured.close()
            raise ssl.SSLError("The certificate of the server, or of an authority above it, is not in force now.")
        return secured

    def in_force(self, secured: ssl.SSLSocket, trust: Trust) -> bool:
        """Whether this is the time of the server's certificate and of those above it."""
        chain, now = [shown_by(secured)], self.clock.now()
        while above := [one for one in trust.issuers if one.subject == chain[-1].issuer and one not in chain]:
            chain.append(above[0])
        return all(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain)

    def server_name(self, host: str) -> str | None:
        """The host that it asks for in the handshake."""
        return host

    def look_at(self, secured: ssl.SSLSocket, trust: Trust) -> None:
        """Whether the server's certificate is revoked; where nobody answers the connection stands.

        Raises:
            ssl.SSLError: it is revoked.
        """
        certificate = shown_by(secured)
        issuers = [issuer for issuer in trust.issuers if issuer.subject == certificate.issuer]
        try:
            revoked = bool(issuers) and self.status(certificate, issuers[0]).state is CertificateState.REVOKED
        except SotepkiError:
            revoked = False
        if revoked:
            raise ssl.SSLError("The certificate of the server is revoked.")

    def context(self, trust: Trust) -> ssl.SSLContext:
        """How the client meets a server."""
        return timeless(client_context(pem(trust.roots), self.identity))

    def accepted(self, status: int, body: bytes) -> bool | None:
        """What the answer says; None if it is not an acknowledgement."""
        try:
            answer = json.loads(body)
            return status == 200 and answer["code"] == "AA"
        except (ValueError, KeyError, TypeError):
            return None


def timeless(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context whose handshake leaves the time to ``KantaClient.in_force``."""
    leave_time_to_the_application(context)
    return context


def shown_by(secured: ssl.SSLSocket) -> x509.Certificate:
    """The certificate of the server at the other end."""
    return x509.load_der_x509_certificate(secured.getpeercert(True) or b"")


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
