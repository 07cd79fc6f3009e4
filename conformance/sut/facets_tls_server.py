"""The TLS endpoint of the system, where Kanta or another system connects to it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class TlsAddress:
    """Where the endpoint answers.

    Attributes:
        host, port: where a connection is opened.
        name: the host name that its certificate must bear, if it is not ``host``.
        client_certificate: whether it is meant to let in only clients with a certificate of the test hierarchy.
        timeout: seconds that it may take for each step of a connection.
    """

    host: str
    port: int
    name: str = ""
    client_certificate: bool = True
    timeout: float = 10.0

    @property
    def server_name(self) -> str:
        """The name that a client asks for and compares."""
        return self.name or self.host


class ServesTls(Protocol):
    """Answers TLS connections while it is open."""

    def open(self) -> AbstractContextManager[TlsAddress]:
        """The address, good until the block ends; a system that runs anyway does nothing here."""
        ...
