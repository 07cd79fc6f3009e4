"""Parts of a system that run already and are attached by their address."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from conformance.sut.facets_scs import ScsAddress, Situation
from conformance.sut.facets_tls_server import TlsAddress
from sotepki.x509.tls import tls_of

WHAT_TO_DO = {
    Situation.READY: "Put a test card into the reader, and type the right PIN when it is asked for.",
    Situation.CANCELS: "Put a test card into the reader, and cancel when the PIN is asked for.",
    Situation.WRONG_PIN: "Put a test card into the reader, and type a wrong PIN once when it is asked for.",
    Situation.LOCKED: "Put a test card whose PIN2 is locked into the reader.",
    Situation.NO_CARD: "Take every card out of the readers.",
}


@dataclass(frozen=True)
class RunningTlsServer:
    """A TLS endpoint that runs anyway; ``name`` is what its certificate must bear, if not the host."""

    host: str
    port: int
    name: str = ""
    client_certificate: bool = True
    timeout: float = 10.0

    @contextmanager
    def open(self) -> Iterator[TlsAddress]:
        yield TlsAddress(self.host, self.port, self.name, self.client_certificate, self.timeout)


@dataclass(frozen=True)
class OperatedScs:
    """A Signature Creation Service that runs at a workstation; a person there does what ``tell`` says."""

    url: str
    offered: tuple[str, ...]
    tell: Callable[[str], None]
    tls: ssl.SSLContext = field(default_factory=tls_of, repr=False)

    def versions(self) -> Sequence[str]:
        return self.offered

    @contextmanager
    def situated(self, situation: Situation, version: str) -> Iterator[ScsAddress]:
        self.tell(f"{WHAT_TO_DO[situation]} The suite now calls your service at {self.url} (version {version}).")
        yield ScsAddress(self.url, self.tls)
