"""The faces that a listener can show to a client: one right, the others wrong in one thing each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from conformance.bench.forging import forged
from conformance.bench.listener import ServerIdentity
from sotepki.dvv import SOTE_SERVICES

if TYPE_CHECKING:
    from conformance.bench import Bench


class ServerFaces:
    """Certificates for ``localhost`` and the key of the genuine one, made when they are first used."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def genuine(self) -> ServerIdentity:
        return self._bench.kanta_identity

    @cached_property
    def expired(self) -> ServerIdentity:
        """It ended an hour ago."""
        now = self._bench.clock.now()
        return self._like(not_before=now - timedelta(days=300), not_after=now - timedelta(hours=1))

    def ending(self, moment: datetime) -> ServerIdentity:
        """It ends at a moment."""
        return self._like(not_after=moment)

    @cached_property
    def early(self) -> ServerIdentity:
        """It begins in an hour."""
        now = self._bench.clock.now()
        return self._like(not_before=now + timedelta(hours=1), not_after=now + timedelta(days=300))

    @cached_property
    def self_signed(self) -> ServerIdentity:
        """Signed by its own key, with the right name in it."""
        model = self.genuine.certificate
        made = forged(model, self.genuine.key, issuer=model.subject)
        return ServerIdentity(made, (), self.genuine.key)

    @cached_property
    def client_only(self) -> ServerIdentity:
        """Issued to identify clients, not servers."""
        return self._like(replace=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])

    @cached_property
    def name_in_common_name_only(self) -> ServerIdentity:
        """The host stands in the common name; the DNS name is another."""
        return self._like(replace=[x509.SubjectAlternativeName([x509.DNSName("muu.esimerkki.test")])],
                          subject=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))  # fmt: skip

    @cached_property
    def revoked(self) -> ServerIdentity:
        """Revoked an hour ago, by the responder of the bench that it names."""
        publication = self._bench.publication
        made = self._like(replace=publication.addresses("services"))
        publication.states[made.certificate.serial_number] = publication.revoked()
        return made

    def _like(self, replace: Sequence[x509.ExtensionType] = (), **changes: Any) -> ServerIdentity:
        key = self._bench.authority_key(SOTE_SERVICES)
        made = forged(self.genuine.certificate, key, replace=replace, **changes)
        return ServerIdentity(made, self.genuine.chain, self.genuine.key)
