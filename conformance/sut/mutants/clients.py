"""TLS clients that are too trusting, show the wrong certificate, or do not read the answer."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.sut.facets import Facet, Trust
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference
from conformance.sut.reference_client import KantaClient, pem, timeless
from sotepki.journey.sending import client_context
from sotepki.journey.service_provider import ServiceIdentity


@dataclass(frozen=True)
class CarelessClient(KantaClient):
    """The client of the reference system after ``spoil`` has worked on its TLS context."""

    spoil: Callable[[ssl.SSLContext], None] = lambda _context: None

    def context(self, trust: Trust) -> ssl.SSLContext:
        context = super().context(trust)
        self.spoil(context)
        return context


@dataclass(frozen=True)
class CertificateLess(KantaClient):
    """Shows no certificate."""

    def context(self, trust: Trust) -> ssl.SSLContext:
        return timeless(client_context(pem(trust.roots), None))


@dataclass(frozen=True)
class StatusReader(KantaClient):
    """Takes HTTP 200 for "archived"."""

    def accepted(self, status: int, body: bytes) -> bool | None:
        return status == 200


def careless(spoil: Callable[[ssl.SSLContext], None]) -> Fault:
    """The client of the reference system with a spoilt TLS context."""
    return client_of_kind(CarelessClient, spoil=spoil)


def client_of_kind(kind: type[KantaClient], **more: Any) -> Fault:
    """The client of the reference system as one of another kind."""

    def fault(reference: Reference) -> Mapping[str, Any]:
        model = reference.client
        return {"client": kind(model.identity, model.status, model.clock, **more)}

    return fault


def trusts_anybody(context: ssl.SSLContext) -> None:
    """Verify nothing."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def _ignores_the_name(context: ssl.SSLContext) -> None:
    context.check_hostname = False


def _speaks_old_tls(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1


def _signature_certificate(reference: Reference) -> Mapping[str, Any]:
    identity: ServiceIdentity = reference.provider.system_signature
    return {"client": replace(reference.client, identity=identity)}


MUTANTS = (
    Mutant("client-without-certificate", "Shows no certificate to Kanta", Facet.CLIENT,
           client_of_kind(CertificateLess)),
    Mutant("client-with-signature-certificate", "Shows the system signature certificate to Kanta", Facet.CLIENT,
           _signature_certificate),
    Mutant("client-trusts-anybody", "Does not verify the server's certificate", Facet.CLIENT,
           careless(trusts_anybody)),
    Mutant("client-ignores-the-name", "Does not compare the server's name", Facet.CLIENT,
           careless(_ignores_the_name)),
    Mutant("client-speaks-old-tls", "Agrees to TLS 1.1", Facet.CLIENT, careless(_speaks_old_tls)),
    Mutant("client-reads-status-only", "Takes HTTP 200 for an acknowledgement", Facet.CLIENT,
           client_of_kind(StatusReader)),
)  # fmt: skip
