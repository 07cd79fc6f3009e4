"""A provider's client of Kanta: one message over mutual TLS, and what was answered."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sotepki.errors import Fault, SotepkiError
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.kela import Acknowledgement
from sotepki.kela.archive_service import ARCHIVE_PATH
from sotepki.services import KANTA_HOST

_SECONDS = 60.0


@dataclass(frozen=True)
class HttpAnswer:
    """Status and body of an HTTP answer."""

    status: int
    body: bytes


def client_context(roots: str, identity: ServiceIdentity | None) -> ssl.SSLContext:
    """How a client meets Kanta: TLS 1.2 or later, these roots (PEM) and no others, and its server certificate.

    ``identity`` None shows no certificate, which Kanta refuses.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=roots)
    if identity is not None:
        context.load_cert_chain(identity.chain_file, identity.key_file)
    return context


def post_frame(
    frame: bytes, *, url: str, context: ssl.SSLContext, server_name: str = "", seconds: float = _SECONDS
) -> HttpAnswer:
    """Send a frame; the answer is an acknowledgement in JSON if all goes well.

    Args:
        url: of the archive; without a path, the usual one is taken.
        server_name: the name that the server's certificate must bear, if it is not the host of ``url``.

    Raises:
        OSError, http.client.HTTPException: no connection, or a refused handshake (``ssl.SSLError``).
    """
    parts = urlsplit(url)
    host, port = str(parts.hostname), int(parts.port or 443)
    connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    try:
        plain = socket.create_connection((host, port), timeout=seconds)
        connection.sock = context.wrap_socket(plain, server_hostname=server_name or host)
        headers = {"Content-Type": "application/xml", "Accept": "application/json"}
        connection.request("POST", parts.path or ARCHIVE_PATH, body=frame, headers=headers)
        response = connection.getresponse()
        return HttpAnswer(response.status, response.read())
    finally:
        connection.close()


def send_frame(frame: bytes, *, kanta_url: str, identity: ServiceIdentity, trust_file: Path) -> Acknowledgement:
    """Send a frame and give the acknowledgement.

    Raises:
        Fault: no connection, a refused handshake, or an answer that is no acknowledgement.
    """
    context = client_context(trust_file.read_text(encoding="ascii"), identity)
    try:
        answer = post_frame(frame, url=kanta_url, context=context, server_name=KANTA_HOST)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Fault(f"Kanta at {kanta_url} gave no answer: {error}.") from error
    return read_acknowledgement(answer)


def read_acknowledgement(answer: HttpAnswer) -> Acknowledgement:
    """The acknowledgement in an answer.

    Raises:
        Fault: it is none: another service answered, or something on the way to Kanta.
    """
    try:
        return Acknowledgement.from_dict(json.loads(answer.body))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, SotepkiError) as error:
        raise Fault(
            f"Kanta's answer is no acknowledgement (HTTP {answer.status}).",
            advice="Look whether the address is that of the archive, and what answers there.",
        ) from error
