"""Mutual TLS as the archive speaks it, and what a refused handshake leaves behind.

Four choices need a word:

- The handshake does not look at the time (X509_V_FLAG_NO_CHECK_TIME). OpenSSL knows only the machine's clock; the
  workspace has its own, which a trainer may move. So an expired certificate passes the handshake and is refused by
  the application, with the rule named (``kanta.client.validity``).
- asyncio drops a connection whose handshake fails, and says nothing to the application. The reason is therefore kept
  where it arises, in the TLS object: ``SSLContext.sslobject_class`` may be replaced for that.
- asyncio also drops the alert that OpenSSL wrote for the client, which then sees nothing but a closed connection. The
  failure is therefore held back for one turn, so that the alert goes out first.
- The certificate that was refused is gone once OpenSSL has refused it. It is read from the handshake message as it
  passes, through the message callback of Python's ``ssl`` (present from 3.8 on, without a public name). Where an
  interpreter lacks the callback, the reason is still kept, without the certificate.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Fault, Misuse, Refused
from sotepki.kela.server_identity import lock_of
from sotepki.tokens.storage import locked
from sotepki.x509.reading import load_certificate

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; Python gives it no name."""

_CERTIFICATE_MESSAGE: Final = 11
"""HandshakeType certificate (RFC 8446 4, RFC 5246 7.4)."""

_TLS_13: Final = 0x0304

_UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21, 27})
"""X509_V_ERR_*: no issuer certificate, self-signed, unverifiable leaf, untrusted."""
_WRONG_PURPOSE: Final = 26
"""X509_V_ERR_INVALID_PURPOSE."""
_VERSION_REASONS: Final = frozenset(
    {"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "WRONG_VERSION_NUMBER", "NO_SHARED_CIPHER", "NO_PROTOCOLS_AVAILABLE",
     "TLSV1_ALERT_PROTOCOL_VERSION", "UNKNOWN_PROTOCOL"}
)  # fmt: skip


@dataclass(frozen=True)
class RefusedHandshake:
    """A TLS handshake that did not come to its end.

    Attributes:
        rule: id in rules.yaml.
        reason: OpenSSL's own words.
        certificate: what the client showed; None if it showed nothing or it could not be read.
    """

    rule: str
    reason: str
    certificate: x509.Certificate | None


OnRefusal = Callable[[RefusedHandshake], None]


def server_context(chain: Path, trust: Sequence[x509.Certificate], on_refusal: OnRefusal) -> ssl.SSLContext:
    """A server's TLS context: TLS 1.2 or 1.3, client certificate required, no resumption, no renegotiation.

    Args:
        chain: PEM file with the server's private key, its certificate and its issuing CA's certificate.
        trust: the root and the issuing CAs; a chain must end at a self-signed one of them.
        on_refusal: told of every handshake that fails because of the client; called in the event loop's thread, so
            it must not block.

    Raises:
        Misuse: the file is missing, or is not a key with its certificate.
    """
    context = _WatchedContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without tickets every connection shows its certificate again, so a revocation counts from the next connection.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    leave_time_to_the_application(context)
    if not chain.exists():
        raise Misuse(f"There is no server certificate in {chain.name}.")
    try:
        with locked(lock_of(chain)):
            context.load_cert_chain(chain)
    except (ssl.SSLError, OSError) as error:
        raise Misuse(f"{chain.name} does not hold a private key with its certificate: {error}.") from error
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in trust)
    context.load_verify_locations(cadata=pem.decode("ascii"))
    _watch(context, on_refusal)
    return context


def leave_time_to_the_application(context: ssl.SSLContext) -> None:
    """Let handshakes pass whatever the time; whoever uses the context judges it, by the clock that counts there."""
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)


class _WatchedObject(ssl.SSLObject):
    """One connection's TLS, with what is kept of it until the handshake is over."""

    shown: bytes = b""
    outgoing: ssl.MemoryBIO | None = None
    failure: ssl.SSLError | None = None


class _WatchedContext(ssl.SSLContext):
    """A context whose TLS objects know where their answers to the client go."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        tls = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(tls, _WatchedObject):
            tls.outgoing = outgoing
        return tls


def _watch(context: ssl.SSLContext, on_refusal: OnRefusal) -> None:
    class WatchedObject(_WatchedObject):
        def do_handshake(self) -> None:
            if self.failure is not None:
                raise self.failure
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                on_refusal(_refusal(error, self.shown))
                if self.outgoing is None or not self.outgoing.pending:
                    raise
                self.failure = error
                # The client closes when it has the alert; that, or anything else it sends, ends the connection.
                raise ssl.SSLWantReadError("the alert goes out first") from None

    def watch(connection: Any, direction: str, version: Any, _content: Any, message: Any, data: bytes) -> None:
        if message == _CERTIFICATE_MESSAGE and direction == "read" and data[:1] == b"\x0b":
            with contextlib.suppress(AttributeError, IndexError, ValueError, TypeError):
                connection.shown = _first_certificate(data, tls13=int(version) == _TLS_13)

    context.sslobject_class = WatchedObject
    # The setter of ssl.SSLContext itself would turn the numbers of every record of every message into enumerations.
    callback = getattr(ssl.SSLContext.__base__, "_msg_callback", None)
    if callback is not None:
        callback.__set__(context, watch)


def _first_certificate(message: bytes, *, tls13: bool) -> bytes:
    """The DER of the first certificate in a handshake message Certificate; empty if there is none."""
    position = 4
    if tls13:
        position += 1 + message[position]
    position += 3
    length = int.from_bytes(message[position : position + 3], "big")
    der = message[position + 3 : position + 3 + length]
    return der if len(der) == length else b""


def _refusal(error: ssl.SSLError, shown: bytes) -> RefusedHandshake:
    certificate: x509.Certificate | None = None
    with contextlib.suppress(Refused):
        certificate = load_certificate(shown) if shown else None
    reason = str(getattr(error, "verify_message", "") or error.reason or error)
    code = getattr(error, "verify_code", 0)
    if error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return RefusedHandshake("tls.client.missing", reason, certificate)
    if isinstance(error, ssl.SSLCertVerificationError) and code in _UNKNOWN_ISSUER:
        return RefusedHandshake("tls.client.issuer", f"{reason} (OpenSSL {code})", certificate)
    if isinstance(error, ssl.SSLCertVerificationError) and code == _WRONG_PURPOSE:
        return RefusedHandshake("tls.client.purpose", f"{reason} (OpenSSL {code})", certificate)
    if error.reason in _VERSION_REASONS:
        return RefusedHandshake("tls.version", reason, certificate)
    return RefusedHandshake("tls.handshake", f"{reason} (OpenSSL {code})" if code else reason, certificate)


def client_certificate(transport: Any) -> x509.Certificate | None:
    """The certificate of a connection's client; None on a connection without TLS.

    Raises:
        Fault: the certificate passed OpenSSL and cannot be read by us.
    """
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    der = tls.getpeercert(True) if tls is not None else None
    if not der:
        return None
    try:
        return _certificate(der)
    except Refused as refusal:
        raise Fault(refusal.sentence) from refusal


@lru_cache(maxsize=256)
def _certificate(der: bytes) -> x509.Certificate:
    """Read once for all messages of a connection."""
    return load_certificate(der, name="The client's certificate")
