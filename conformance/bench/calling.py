"""A TLS client that watches how an endpoint behaves: what it agrees to, what it shows, whom it answers."""

from __future__ import annotations

import socket
import ssl
import warnings
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from conformance.bench.listener import ServerIdentity, load_identity
from conformance.sut.facets import SystemFailed
from conformance.sut.facets_tls_server import TlsAddress

_CONNECTING = 5.0
"""Seconds for a connection, which the machine of the endpoint makes and not the endpoint."""
_IGNORE_UNEXPECTED_EOF = 1 << 7
"""SSL_OP_IGNORE_UNEXPECTED_EOF of OpenSSL 3, which the ssl module names since Python 3.12."""


@dataclass(frozen=True)
class Call:
    """One connection to an endpoint.

    Attributes:
        made: the handshake was completed on this side; with TLS 1.3 the endpoint may still refuse.
        answered: the endpoint sent something back.
        goodbye: it ended the connection with close_notify.
        chain: the certificates that it sent, in its order.
        problem: what the TLS library said when something failed.
    """

    made: bool = False
    answered: bool = False
    goodbye: bool = False
    version: str = ""
    suite: str = ""
    chain: tuple[x509.Certificate, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Caller:
    """Calls one endpoint. The endpoint's own certificate is looked at by cases, not by this client."""

    address: TlsAddress

    def call(self, identity: ServerIdentity | None, *, old: bool = False, suites: str = "") -> Call:
        """Connect, send one request, read to the end.

        Args:
            identity: what to show as client certificate.
            old: offer TLS 1.0 and 1.1 only.
            suites: offer these suites, by TLS 1.2 only.

        Raises:
            SystemFailed: nobody listens there.
        """
        context = _context(identity, old=old, suites=suites)
        try:
            plain = socket.create_connection((self.address.host, self.address.port), timeout=_CONNECTING)
        except OSError as error:
            raise SystemFailed(f"The endpoint cannot be reached: {error}.") from None
        with plain:
            plain.settimeout(self.address.timeout)
            try:
                secured = context.wrap_socket(
                    plain, server_hostname=self.address.server_name, suppress_ragged_eofs=False
                )
            except (OSError, ValueError) as error:
                return Call(problem=str(error))
            with secured:
                return self._talk(secured)

    def _talk(self, secured: ssl.SSLSocket) -> Call:
        # Taken now: an endpoint that refuses the client late takes the connection away, and this with it.
        chain = _chain(secured)
        answer, goodbye, problem = b"", False, ""
        try:
            secured.sendall(
                f"HEAD / HTTP/1.1\r\nHost: {self.address.server_name}\r\nConnection: close\r\n\r\n".encode()
            )
            while chunk := secured.recv(65536):
                answer += chunk
            goodbye = True
        except OSError as error:
            problem = str(error)
        suite = secured.cipher()
        return Call(True, bool(answer), goodbye, secured.version() or "", suite[0] if suite else "", chain, problem)


def _context(identity: ServerIdentity | None, *, old: bool, suites: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # The ssl module tells OpenSSL 3 to take a cut line for an end; here the difference is looked at.
    context.options &= ~_IGNORE_UNEXPECTED_EOF
    if old or suites:
        context.set_ciphers(suites or "ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # The old versions are deprecated, which is just what the endpoint is asked about here.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
            context.maximum_version = ssl.TLSVersion.TLSv1_1 if old else ssl.TLSVersion.TLSv1_2
    if identity is not None:
        load_identity(context, identity)
    return context


def _chain(secured: ssl.SSLSocket) -> tuple[x509.Certificate, ...]:
    """What the endpoint sent, unverified; the ssl module has a public way to it only since Python 3.13."""
    inner: Any = secured._sslobj  # type: ignore[attr-defined]
    return tuple(
        x509.load_pem_x509_certificate(c.public_bytes().encode()) for c in inner.get_unverified_chain() or ()
    )
