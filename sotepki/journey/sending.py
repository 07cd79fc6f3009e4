"""A provider's client: sends a frame to Kanta over mutual TLS and reads the acknowledgement."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from sotepki.errors import Fault
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.kela import ARCHIVE_PATH, Acknowledgement
from sotepki.services import KANTA_HOST

_SECONDS = 60.0


def client_context(identity: ServiceIdentity, trust_file: Path) -> ssl.SSLContext:
    """A TLS context that shows the provider's server certificate and trusts the workspace's TEST root only."""
    context = ssl.create_default_context(cafile=str(trust_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity.chain_file, identity.key_file)
    return context


def send_frame(frame: bytes, *, kanta_url: str, identity: ServiceIdentity, trust_file: Path) -> Acknowledgement:
    """Send a frame and give the answer.

    Raises:
        Fault: no connection, a refused handshake, or an answer that is none.
    """
    parts = urlsplit(kanta_url)
    context = client_context(identity, trust_file)
    connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=_SECONDS)
    try:
        plain = socket.create_connection((str(parts.hostname), int(parts.port or 443)), timeout=_SECONDS)
        connection.sock = context.wrap_socket(plain, server_hostname=KANTA_HOST)
        headers = {"Content-Type": "application/xml", "Accept": "application/json"}
        connection.request("POST", ARCHIVE_PATH, body=frame, headers=headers)
        return Acknowledgement.from_dict(json.loads(connection.getresponse().read()))
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise Fault(f"Kanta at {kanta_url} gave no answer: {error}.") from error
    finally:
        connection.close()
