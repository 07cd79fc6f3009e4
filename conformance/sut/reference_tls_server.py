"""The TLS endpoint of the reference system: it lets in Kanta and nobody else."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from conformance.sut.facets import Trust
from conformance.sut.facets_tls_server import TlsAddress
from conformance.sut.reference_client import pem
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.loopback import LOOPBACK

_SECONDS = 5.0
_ANSWER = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Spoil = Callable[[ssl.SSLContext], None]


@dataclass(frozen=True)
class TlsServer:
    """Serves with the server certificate of the system; ``spoil`` works on its TLS context first.

    Attributes:
        closes: whether it says goodbye before it cuts the line.
    """

    identity: ServiceIdentity
    name: str
    trust: Callable[[], Trust]
    spoil: Spoil = lambda _context: None
    closes: bool = True

    @contextmanager
    def open(self) -> Iterator[TlsAddress]:
        listening = socket.create_server((LOOPBACK, 0))
        thread = threading.Thread(target=self._serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield TlsAddress(LOOPBACK, listening.getsockname()[1], self.name)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join(_SECONDS)

    def context(self) -> ssl.SSLContext:
        """Which clients it meets, and how."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pem(self.trust().roots))
        context.load_cert_chain(self.identity.chain_file, self.identity.key_file)
        self.spoil(context)
        return context

    def _serve(self, listening: socket.socket) -> None:
        context = self.context()
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.settimeout(_SECONDS)
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(_ANSWER)
                if self.closes:
                    secured.unwrap()
