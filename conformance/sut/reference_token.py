"""The token of the reference system: SoftHSM with the system signature key and its certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.bench import Bench
from conformance.sut.facets_token import Token, TokenAddress
from conformance.sut.token import Pkcs11Token
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.records import write_atomically
from sotepki.tokens import Pin, TokenDirectory, find_softhsm
from sotepki.tokens.module import softhsm

_LABEL = "sotepki TEST system"


@dataclass
class ReferenceToken:
    """Made when it is first opened, beside the token of the authorities: a process has one configuration."""

    bench: Bench
    identity: ServiceIdentity
    opened: Pkcs11Token | None = None

    @contextmanager
    def session(self, *, logged_in: bool) -> Iterator[Token]:
        module = softhsm()
        with module.lock:
            module.use(self.bench.workspace.hsm.configuration)
            if self.opened is None:
                self.opened = Pkcs11Token(self._made())
            with self.opened.session(logged_in=logged_in) as token:
                yield token

    def _made(self) -> TokenAddress:
        directory = TokenDirectory(self.bench.workspace.hsm.configuration.parent)
        pin = Pin.random(8)
        directory.create_token(_LABEL, pin, pin)
        with closing(directory.open(_LABEL, pin)) as session:
            session.import_key(self.identity.key(), "system", b"system")
            session.store_certificate(self.identity.certificate.public_bytes(Encoding.DER), "system", b"system")
        pin_file = self.bench.directory / "token.pin"
        write_atomically(pin_file, pin.reveal().encode(), private=True)
        return TokenAddress(find_softhsm(), _LABEL, pin_file)
