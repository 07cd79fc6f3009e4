"""A TLS endpoint that watches how a client behaves: what it offers, what it presents, whether it sends anything.

It plays a Kanta at the door only; nothing is archived here. Each listener takes one way of being right or wrong.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conformance.bench.listener_hello import Hello, read_hello
from sotepki.x509.names import readable

LOOPBACK = "127.0.0.1"
_SECONDS = 5.0
_MAX_REQUEST = 32 * 1024 * 1024
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n")


@dataclass(frozen=True)
class Contact:
    """One connection attempt of a client.

    Attributes:
        offered: names of the TLS versions in its hello, oldest first; with the hello form before TLS 1.3 only the
            newest that it offers is known.
        handshake: whether the handshake was completed from both sides.
        version: the version agreed on.
        certificate: what the client presented, DER; None if nothing.
        request: number of bytes of its request.
        alert: what the TLS library said when the handshake failed.
        hello: what the client's first message says.
        body: of its request.
        head: of its request, up to the empty line.
        plain: number of bytes that it sent without TLS.
        beside: how many other connections waited for an answer when this one began.
        begun, ended: seconds of a clock that only runs forward.
    """

    offered: tuple[str, ...] = ()
    handshake: bool = False
    version: str = ""
    certificate: bytes | None = None
    request: int = 0
    alert: str = ""
    hello: Hello = field(default_factory=Hello)
    body: bytes = b""
    head: bytes = b""
    plain: int = 0
    beside: int = 0
    begun: float = 0.0
    ended: float = field(default_factory=time.monotonic)

    def text(self) -> str:
        """The contact in a few lines, for a report."""
        presented = "none"
        if self.certificate:
            presented = readable(x509.load_der_x509_certificate(self.certificate).subject)
        return "\n".join(
            [
                f"versions offered    {', '.join(self.offered) or 'unknown'}",
                f"handshake           {f'completed with {self.version}' if self.handshake else 'not completed'}",
                f"client certificate  {presented}",
                f"request             {self.request} bytes",
                *([f"host asked for      {self.hello.server_name}"] if self.hello.server_name else []),
                *([f"without TLS         {self.plain} bytes"] if self.plain else []),
                *([f"alert               {self.alert}"] if self.alert else []),
            ]
        )


@dataclass(frozen=True)
class ServerIdentity:
    """Certificate, chain and key that a listener shows."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def pem(self) -> tuple[str, str]:
        """Certificate with its chain, and the key."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return "".join(_pem(one) for one in (self.certificate, *self.chain)), key


class Listener:
    """A listening endpoint; ``contacts`` grows with each connection attempt."""

    def __init__(self, context: ssl.SSLContext, answers: Sequence[bytes], *, slams: bool, seconds: float) -> None:
        self._context = context
        self._answers = answers
        self._slams = slams
        self._seconds = seconds
        self._socket = socket.create_server((LOOPBACK, 0))
        self._socket.settimeout(0.05)
        self._contacts: dict[int, Contact] = {}
        self._unanswered: set[int] = set()
        self._meetings: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="conformance-listener", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address; the name is ``localhost``."""
        return f"https://localhost:{self._socket.getsockname()[1]}/kanta"

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Every contact so far, in the order in which they began; one that is under way is waited for."""
        with self._changed:
            meetings = tuple(self._meetings)
        for meeting in meetings:
            meeting.join(_SECONDS)
        with self._changed:
            return tuple(contact for _, contact in sorted(self._contacts.items()))

    def wait_for_contact(self, seconds: float) -> bool:
        """Wait until somebody has tried to connect, whatever came of it; False if nobody did in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._contacts), seconds)

    def close(self) -> None:
        self._stopping = True
        self._thread.join()
        self._socket.close()
        for meeting in self._meetings:
            meeting.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except (TimeoutError, OSError):
                if self._stopping:
                    return
                continue
            begun, number = time.monotonic(), len(self._meetings)
            meeting = threading.Thread(target=self._note, args=(connection, number, begun), daemon=True)
            with self._changed:  # whoever asks for the contacts must not find a thread that was not started yet
                self._meetings.append(meeting)
                meeting.start()

    def _note(self, connection: socket.socket, number: int, begun: float) -> None:
        with self._changed:
            beside = len(self._unanswered)
            self._unanswered.add(number)
        contact = replace(self._meet(connection, number), begun=begun, beside=beside)
        with self._changed:
            self._unanswered.discard(number)
            self._contacts[number] = contact
            self._changed.notify_all()

    def _meet(self, connection: socket.socket, number: int) -> Contact:
        connection.settimeout(_SECONDS)
        hello = Hello()
        try:
            first = connection.recv(4096, socket.MSG_PEEK)
            hello = read_hello(first)
            if not hello.versions or self._slams:
                return Contact(hello.versions, hello=hello, plain=0 if hello.versions else len(first))
            with self._context.wrap_socket(connection, server_side=True) as secured:
                request = self._read_request(secured)
                self._reply(secured, number)
                version = (secured.version() or "").replace("v", " ")
                head, body = _parts(request)
                presented = secured.getpeercert(True)
                return Contact(
                    hello.versions, bool(request), version, presented, len(request), hello=hello, body=body, head=head
                )
        except (OSError, ValueError) as error:
            return Contact(hello.versions, alert=getattr(error, "reason", None) or str(error), hello=hello)
        finally:
            connection.close()

    def _reply(self, secured: ssl.SSLSocket, number: int) -> None:
        """The answer of this contact, the last one again when there are no more; empty: none, the line is cut."""
        time.sleep(self._seconds)
        answer = self._answers[min(number, len(self._answers) - 1)]
        with self._changed:
            self._unanswered.discard(number)
        with suppress(OSError):
            secured.sendall(answer)

    def _read_request(self, secured: ssl.SSLSocket) -> bytes:
        """Read one HTTP request; empty if the client closed without sending, as when it refuses TLS 1.3 late."""
        data = bytearray()
        with suppress(OSError):
            while len(data) < _MAX_REQUEST and not _is_whole(data):
                chunk = secured.recv(65536)
                if not chunk:
                    break
                data += chunk
        return bytes(data)


@contextmanager
def listening(
    identity: ServerIdentity,
    *,
    client_authorities: tuple[x509.Certificate, ...],
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    answers: Sequence[bytes] = (),
    slams: bool = False,
    seconds: float = 0.0,
    tickets: int = 2,
    asks: bool = True,
) -> Iterator[Listener]:
    """A listener that asks for a client certificate, takes a client without one too, and notes what came.

    Args:
        answers: what each contact is told, the last of them also every further one.
        slams: close every connection after the client's first message.
        seconds: how long an answer takes.
        tickets: how many tickets for resuming the session a client gets.
        asks: whether it asks for a client certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Liberal, so that what is wrong with a client's offer is seen in the offer and does not end the connection.
    context.set_ciphers("ALL:@SECLEVEL=0" if oldest < ssl.TLSVersion.TLSv1_2 else "DEFAULT")
    with warnings.catch_warnings():
        # The old versions are deprecated, which is just what the client is asked about here.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest
    context.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
    context.load_verify_locations(cadata="".join(_pem(c) for c in client_authorities))
    load_identity(context, identity)
    context.num_tickets = tickets
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    listener = Listener(context, answers or (_PAGE,), slams=slams, seconds=seconds)
    try:
        yield listener
    finally:
        listener.close()


def http_answer(status: str, body: bytes, *headers: str, close: bool = True) -> bytes:
    """A whole HTTP answer; the connection is closed after it, and says so unless ``close`` is false."""
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if close else []),
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


_PAGE = http_answer("200 OK", b"<html><body>conformance listener</body></html>", "Content-Type: text/html")


def _is_whole(request: bytearray) -> bool:
    """Whether a request has come to its end."""
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(request[:end])
    if _is_chunked(head):
        # Every chunked body ends so; looking at that first spares walking through the chunks again and again.
        return request.endswith(b"\r\n\r\n") and unchunked(request, end + 4) is not None
    length = _field(head, b"content-length")
    return len(request) - end - 4 >= (int(length) if length.isdigit() else 0)


def _parts(request: bytes) -> tuple[bytes, bytes]:
    """Head and body of a request; the body of a chunked one as it was before it was cut into chunks."""
    head, _, body = request.partition(b"\r\n\r\n")
    joined = unchunked(body) if _is_chunked(head) else None
    return head, body if joined is None else joined


def unchunked(data: bytes | bytearray, place: int = 0) -> bytes | None:
    """The content of a chunked body (RFC 9112 7.1) that begins at ``place``; None if it is not whole, or is none."""
    content = bytearray()
    while (size := _CHUNK_SIZE.match(data, place)) is not None:
        length, begin = int(size[1], 16), size.end()
        if length == 0:  # what may follow are further fields, up to an empty line
            ends = data.startswith(b"\r\n", begin) or data.find(b"\r\n\r\n", begin) >= 0
            return bytes(content) if ends else None
        place = begin + length + 2
        if data[place - 2 : place] != b"\r\n":
            return None
        content += data[begin : begin + length]
    return None


def _is_chunked(head: bytes) -> bool:
    return _field(head, b"transfer-encoding").lower().endswith(b"chunked")


def _field(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def load_identity(context: ssl.SSLContext, identity: ServerIdentity) -> None:
    """Hand the key to OpenSSL; the ssl module reads it only from a file, which lives for a moment and is private."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "server.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write("".join(reversed(identity.pem())))
        context.load_cert_chain(path)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
