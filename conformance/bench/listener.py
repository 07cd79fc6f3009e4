"""A TLS endpoint that watches how a client behaves: what it offers, what it presents, whether it sends anything.

It plays a Kanta at the door only; nothing is archived here. Each listener takes one way of being right or wrong.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LOOPBACK = "127.0.0.1"
_SECONDS = 5.0
_MAX_REQUEST = 32 * 1024 * 1024

_VERSION_NAMES = {0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


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
    """

    offered: tuple[str, ...] = ()
    handshake: bool = False
    version: str = ""
    certificate: bytes | None = None
    request: int = 0
    alert: str = ""

    def text(self) -> str:
        """The contact in a few lines, for a report."""
        presented = "none"
        if self.certificate:
            presented = x509.load_der_x509_certificate(self.certificate).subject.rfc4514_string()
        return "\n".join(
            [
                f"versions offered    {', '.join(self.offered) or 'unknown'}",
                f"handshake           {f'completed with {self.version}' if self.handshake else 'not completed'}",
                f"client certificate  {presented}",
                f"request             {self.request} bytes",
                *([f"alert               {self.alert}"] if self.alert else []),
            ]
        )


@dataclass(frozen=True)
class ServerIdentity:
    """Certificate, chain and key that a listener shows."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Listener:
    """A listening endpoint; ``contacts`` grows with each connection attempt."""

    def __init__(self, context: ssl.SSLContext, answer: bytes) -> None:
        self._context = context
        self._answer = answer
        self._socket = socket.create_server((LOOPBACK, 0))
        self._socket.settimeout(0.05)
        self._contacts: list[Contact] = []
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
        with self._changed:
            return tuple(self._contacts)

    def wait_for_contact(self, seconds: float) -> bool:
        """Wait until somebody has tried to connect, whatever came of it; False if nobody did in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._contacts), seconds)

    def close(self) -> None:
        self._stopping = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._socket.accept()
            except (TimeoutError, OSError):
                continue
            contact = self._meet(connection)
            with self._changed:
                self._contacts.append(contact)
                self._changed.notify_all()

    def _meet(self, connection: socket.socket) -> Contact:
        connection.settimeout(_SECONDS)
        offered: tuple[str, ...] = ()
        try:
            offered = offered_versions(connection.recv(4096, socket.MSG_PEEK))
            with self._context.wrap_socket(connection, server_side=True) as secured:
                size = self._read_request(secured)
                with suppress(OSError):
                    secured.sendall(self._answer)
                return Contact(
                    offered, size > 0, (secured.version() or "").replace("v", " "), secured.getpeercert(True), size
                )
        except (OSError, ValueError) as error:
            return Contact(offered, alert=getattr(error, "reason", None) or str(error))
        finally:
            connection.close()

    def _read_request(self, secured: ssl.SSLSocket) -> int:
        """Read one HTTP request; 0 if the client closed without sending, as it does when it refuses TLS 1.3 late."""
        data = bytearray()
        with suppress(OSError):
            while len(data) < _MAX_REQUEST:
                head, separator, body = bytes(data).partition(b"\r\n\r\n")
                if separator and len(body) >= _content_length(head):
                    break
                chunk = secured.recv(65536)
                if not chunk:
                    break
                data += chunk
        return len(data)


@contextmanager
def listening(
    identity: ServerIdentity,
    *,
    client_authorities: tuple[x509.Certificate, ...],
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    answer: bytes = b"",
) -> Iterator[Listener]:
    """A listener that asks for a client certificate, takes a client without one too, and notes what came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if oldest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        # The old versions are deprecated, which is just what the client is asked about here.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata="".join(_pem(c) for c in client_authorities))
    _load(context, identity)
    body = answer or b"<html><body>conformance listener</body></html>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    listener = Listener(context, head.encode() + body)
    try:
        yield listener
    finally:
        listener.close()


def offered_versions(hello: bytes) -> tuple[str, ...]:
    """The TLS versions in a ClientHello record, oldest first (RFC 8446 4.1.2 and 4.2.1); empty if it is none."""
    try:
        if hello[0] != 22 or hello[5] != 1:
            return ()
        legacy, position = struct.unpack_from(">H", hello, 9)[0], 9 + 2 + 32
        position += 1 + hello[position]
        position += 2 + struct.unpack_from(">H", hello, position)[0]
        position += 1 + hello[position]
        end = position + 2 + struct.unpack_from(">H", hello, position)[0]
        position += 2
        while position + 4 <= min(end, len(hello)):
            kind, length = struct.unpack_from(">HH", hello, position)
            position += 4
            if kind == 43:
                count = hello[position] // 2
                found = sorted(struct.unpack_from(f">{count}H", hello, position + 1))
                return tuple(_VERSION_NAMES[v] for v in found if v in _VERSION_NAMES)
            position += length
        return (_VERSION_NAMES[legacy],) if legacy in _VERSION_NAMES else ()
    except (IndexError, struct.error):
        return ()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0


def _load(context: ssl.SSLContext, identity: ServerIdentity) -> None:
    """Hand the key to OpenSSL; the ssl module reads it only from a file, which lives for a moment and is private."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "server.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            for certificate in (identity.certificate, *identity.chain):
                stream.write(_pem(certificate).encode())
        context.load_cert_chain(path)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
