"""TLS clients that offer too much or too little, and clients that go where they are sent."""

from __future__ import annotations

import base64
import http.client
import secrets
import socket
import ssl
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets import Delivery, Endpoint, Facet, Trust
from conformance.sut.mutants.clients import CarelessClient, careless, client_of_kind, trusts_anybody
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference_client import HttpAnswer, KantaClient, Unanswered, pem, timeless
from sotepki.journey.sending import client_context
from sotepki.loopback import LOOPBACK


@dataclass(frozen=True)
class Unasking(KantaClient):
    """Does not ask whether the server's certificate is revoked."""

    def look_at(self, secured: ssl.SSLSocket, trust: Trust) -> None:
        return


@dataclass(frozen=True)
class Nameless(CarelessClient):
    """Compares the name itself, after a handshake in which it names none."""

    def server_name(self, host: str) -> str | None:
        return None

    def context(self, trust: Trust) -> ssl.SSLContext:
        context = timeless(client_context(pem(trust.roots), self.identity))
        context.check_hostname = False
        return context

    def look_at(self, secured: ssl.SSLSocket, trust: Trust) -> None:
        names = secured.getpeercert() or {}
        if ("DNS", "localhost") not in names.get("subjectAltName", ()):
            raise ssl.SSLError("The server bears another name.")
        super().look_at(secured, trust)


@dataclass(frozen=True)
class Chainless(KantaClient):
    """Sends its own certificate alone."""

    def context(self, trust: Trust) -> ssl.SSLContext:
        context = timeless(client_context(pem(trust.roots), None))
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "alone.pem"
            path.write_bytes(self.identity.certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(path, self.identity.key_file)
        return context


@dataclass(frozen=True)
class Insistent(CarelessClient):
    """Speaks only where the server lets it resume the session later."""

    def connected(self, parts: SplitResult, trust: Trust) -> ssl.SSLSocket:
        secured = super().connected(parts, trust)
        if secured.session is None or not secured.session.has_ticket:
            secured.close()
            raise OSError("The server gives no ticket.")
        return secured


@dataclass(frozen=True)
class Follower(KantaClient):
    """Follows redirects."""

    def attempt(self, frame: bytes, endpoint: Endpoint) -> HttpAnswer:
        answer = super().attempt(frame, endpoint)
        return super().attempt(frame, replace(endpoint, url=answer.location)) if answer.location else answer


@dataclass(frozen=True)
class Faller(KantaClient):
    """Sends without TLS when the line is cut in the handshake."""

    def connected(self, parts: SplitResult, trust: Trust) -> ssl.SSLSocket:
        try:
            return super().connected(parts, trust)
        except (ssl.SSLEOFError, ConnectionResetError):
            with socket.create_connection((LOOPBACK, parts.port or 443)) as plain:
                plain.sendall(b"POST /kanta HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            raise


@dataclass(frozen=True)
class Flooder(KantaClient):
    """Sends again at once whenever it did not get what it wanted, very many times."""

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        for _ in range(20):
            delivery = super().send(frame, endpoint)
            if not delivery.connected or delivery.accepted is not None:
                return delivery
        return delivery


@dataclass(frozen=True)
class Renamer(KantaClient):
    """Gives a message a new id each time that it sends it."""

    def attempt(self, frame: bytes, endpoint: Endpoint) -> HttpAnswer:
        first = frame.index(b"<id ")
        fresh = frame[:first] + b"<!-- again --><id " + frame[first + 4 :]
        return super().attempt(fresh + secrets.token_hex(2).encode(), endpoint)


@dataclass(frozen=True)
class Forgetful(KantaClient):
    """Takes a message off its queue when any answer came."""

    def accepted(self, status: int, body: bytes) -> bool | None:
        return super().accepted(status, body) if status == 200 else True


@dataclass(frozen=True)
class Doubler(KantaClient):
    """Sends a message over two connections at once and takes the answer that comes first."""

    def send(self, frame: bytes, endpoint: Endpoint) -> Delivery:
        with ThreadPoolExecutor(2) as lines:
            first, _ = [lines.submit(super(Doubler, self).send, frame, endpoint) for _ in range(2)]
        return first.result()


@dataclass(frozen=True)
class Headed(KantaClient):
    """Writes its certificate into a header line."""

    def attempt(self, frame: bytes, endpoint: Endpoint) -> HttpAnswer:
        shown = base64.b64encode(self.identity.certificate.public_bytes(Encoding.DER)).decode()
        headed = type(self)(self.identity, self.status, self.clock)
        object.__setattr__(headed, "HEADERS", {**self.HEADERS, "X-Client-Cert": shown})
        return KantaClient.attempt(headed, frame, endpoint)


@dataclass(frozen=True)
class Clinger(KantaClient):
    """Keeps a connection where the server did not say that it closes it, and does not look whether it stands."""

    kept: dict[str, http.client.HTTPSConnection] = field(default_factory=dict, compare=False)

    def attempt(self, frame: bytes, endpoint: Endpoint) -> HttpAnswer:
        parts = urlsplit(endpoint.url)
        connection = self.kept.pop(endpoint.url, None)
        if connection is None:
            host, tls = str(parts.hostname), self.context(endpoint.trust)
            connection = http.client.HTTPSConnection(host, parts.port or 443, timeout=self.seconds, context=tls)
            connection.sock = secured = self.connected(parts, endpoint.trust)
            self.look_at(secured, endpoint.trust)
        connection.auto_open = 0
        connection.request("POST", parts.path, body=frame, headers=self.HEADERS)
        try:
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            raise Unanswered(str(error)) from error
        if not response.will_close:
            self.kept[endpoint.url] = connection
        return HttpAnswer(response.status, body, response.headers.get("Location") or "")


@dataclass(frozen=True)
class Rememberer(CarelessClient):
    """Looks at the certificate of a server once, and never again at that of a place that it knows."""

    known: set[str] = field(default_factory=set, compare=False)

    def connected(self, parts: SplitResult, trust: Trust) -> ssl.SSLSocket:
        if parts.netloc in self.known:
            return replace(self, spoil=trusts_anybody).unremembering(parts, trust)
        secured = self.unremembering(parts, trust)
        self.known.add(parts.netloc)
        return secured

    def unremembering(self, parts: SplitResult, trust: Trust) -> ssl.SSLSocket:
        """A connection in which the certificate is looked at as ``spoil`` leaves it."""
        return super().connected(parts, trust)


def _suites(names: str) -> Callable[[ssl.SSLContext], None]:
    def spoil(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(names)

    return spoil


def _newest_only(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def _mutant(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"client-{name}", title, Facet.CLIENT, fault)


MUTANTS = (
    _mutant("asks-no-responder", "Does not ask whether the server is revoked", client_of_kind(Unasking)),
    _mutant("sends-no-server-name", "Does not name the host that it wants", client_of_kind(Nameless)),
    _mutant("offers-broken-suites", "Offers suites without encryption and without certificates",
            careless(_suites("ALL:eNULL:@SECLEVEL=0"))),
    _mutant("without-forward-secrecy", "Offers only suites that a stolen key opens", careless(_suites("kRSA"))),
    _mutant("speaks-newest-only", "Speaks TLS 1.3 only", careless(_newest_only)),
    _mutant("sends-no-chain", "Sends its certificate without the chain", client_of_kind(Chainless)),
    _mutant("insists-on-resumption", "Speaks only to servers that let it resume sessions",
            client_of_kind(Insistent, spoil=_suites("DEFAULT"))),
    _mutant("follows-redirects", "Follows redirects", client_of_kind(Follower)),
    _mutant("falls-back-to-http", "Speaks without TLS when TLS does not work", client_of_kind(Faller)),
    _mutant("floods", "Sends again at once whenever it is told to wait", client_of_kind(Flooder)),
    _mutant("takes-503-for-done", "Forgets a message that a busy Kanta did not take", client_of_kind(Forgetful)),
    _mutant("renames-resent-messages", "Changes a message before it sends it again", client_of_kind(Renamer)),
    _mutant("forgets-lost-answers", "Never sends a message again", client_of_kind(KantaClient, pauses=())),
    _mutant("sends-again-without-pause", "Makes no pause", client_of_kind(KantaClient, pauses=(0.0, 0.0))),
    _mutant("sends-over-several-connections", "Sends over two connections at once", client_of_kind(Doubler)),
    _mutant("clings-to-connections", "Sends over connections that were closed", client_of_kind(Clinger)),
    _mutant("puts-certificate-into-header", "Writes its certificate into a header line", client_of_kind(Headed)),
    _mutant("remembers-servers", "Looks at the certificate of a server once only", client_of_kind(Rememberer)),
    _mutant("has-no-patience", "Waits a fifth of a second for an answer", client_of_kind(KantaClient, patience=0.2)),
)  # fmt: skip
"""In the order of the cases."""
