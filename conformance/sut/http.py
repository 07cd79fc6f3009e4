"""A system under test attached by an HTTP endpoint: each question is a POST of one JSON object."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from conformance.sut.asking import PROTOCOL, read_answer
from conformance.sut.facets import SystemFailed
from sotepki.errors import Misuse
from sotepki.x509.tls import tls_of

_CHUNK = 65536


@dataclass(frozen=True)
class HttpEndpoint:
    """An endpoint of the vendor and what it may use up.

    Attributes:
        url: http or https.
        timeout: seconds from the connection to the last byte of the answer.
        output_limit: bytes of the answer.
        tls: how an https endpoint is met.
    """

    url: str
    timeout: float = 30.0
    output_limit: int = 32 * 1024 * 1024
    tls: ssl.SSLContext = field(default_factory=tls_of, repr=False, compare=False)

    @property
    def name(self) -> str:
        """How sentences speak of it."""
        return f"The endpoint {self.url}"

    def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put one question.

        Raises:
            Misuse: nobody answers at the address, or its certificate is not trusted.
            SystemFailed: it hung, broke off, answered with another status than 200, too much, or no JSON object.
        """
        body = json.dumps({"protocol": PROTOCOL, **question}).encode()
        deadline = time.monotonic() + self.timeout
        connection = self._connected()
        try:
            connection.request("POST", self._path(), body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = self._read(response, connection, deadline)
        except TimeoutError:
            raise self._late() from None
        except (OSError, http.client.HTTPException) as error:
            raise SystemFailed(
                f"{self.name} broke off instead of answering: {error or type(error).__name__}."
            ) from None
        finally:
            connection.close()
        if response.status != http.client.OK:
            log = data[:2000].decode("utf-8", "replace")
            raise SystemFailed(f"{self.name} answered with HTTP status {response.status}.", log=log)
        return read_answer(data, self.name)

    def reach(self) -> None:
        """Open a connection and close it again.

        Raises:
            Misuse: nobody answers at the address.
        """
        self._connected().close()

    def _connected(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = str(parts.hostname)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, parts.port, timeout=self.timeout, context=self.tls)
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self.timeout)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise Misuse(
                f"{self.name} cannot be reached: its certificate is not trusted ({error.verify_message}).",
                advice="Name its issuer's certificate (PEM) as ca in the TOML file; call it by a name that it bears.",
            ) from None
        except OSError as error:
            raise Misuse(
                f"{self.name} cannot be reached: {error.strerror or error}.",
                advice="Start it, or correct url in the system's TOML file.",
            ) from None
        return connection

    def _path(self) -> str:
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _read(
        self, response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float
    ) -> bytes:
        data = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._late()
            if connection.sock is not None:
                connection.sock.settimeout(left)
            chunk = response.read1(_CHUNK)
            if not chunk:
                return bytes(data)
            data += chunk
            if len(data) > self.output_limit:
                raise SystemFailed(f"{self.name} wrote more than {self.output_limit} bytes.")

    def _late(self) -> SystemFailed:
        return SystemFailed(f"{self.name} did not answer within {self.timeout:g} seconds.")
