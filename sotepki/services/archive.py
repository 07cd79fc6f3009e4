"""Kanta of a workspace: whom it trusts, what it asks, and the certificate that its server shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from sotepki.clock import SystemClock
from sotepki.dvv import SOTE_SERVICES
from sotepki.dvv.authority.authorities import Authorities
from sotepki.kela import Kanta, KantaSettings, StatusLookup, Trust, load_settings, server_chain
from sotepki.kela.memory import ShortMemory
from sotepki.kela.pen import Pen
from sotepki.kela.server_identity import RENEW_BEFORE
from sotepki.workspace import Workspace
from sotepki.x509.profiles import load_profiles
from sotepki.x509.validity import default_not_after

KANTA_HOST = "kanta.kela.test.example"
"""The host name in the emulator's server certificate; ``localhost`` stands beside it."""

_PROFILE = "test-server"
_LOOK_AGAIN_SECONDS = 1.0


def kanta_of(workspace: Workspace, status: StatusLookup, settings: KantaSettings | None = None) -> Kanta:
    """The Kanta of a workspace; ``status`` asks for the state of a certificate."""
    settings = settings or load_settings()
    return Kanta(
        records=workspace.records,
        trust=trust_of(workspace.authorities, settings),
        rights=workspace.valvira,
        organisations=workspace.thl,
        status=status,
        settings=settings,
        pen=Pen(workspace.directory / "services" / "kanta.pen"),
    )


def trust_of(authorities: Authorities, settings: KantaSettings) -> Trust:
    """Both roots and the issuing CAs that the settings name, also those that are founded later."""
    plans = authorities.plan.authorities
    made = set(authorities.made())
    signing = [name for name in settings.signing_authorities if name in made]
    memory: ShortMemory[tuple[x509.Certificate, ...]] = ShortMemory(_LOOK_AGAIN_SECONDS)

    def certificates(names: Sequence[str]) -> tuple[x509.Certificate, ...]:
        return tuple(authorities.certificate(name) for name in names)

    def founded_later() -> tuple[x509.Certificate, ...]:
        if len(signing) == len(settings.signing_authorities):
            return ()
        now = set(authorities.made())
        return certificates([n for n in settings.signing_authorities if n in now and n not in signing])

    return Trust(
        roots=certificates([name for name in plans if plans[name].issuer is None and name in made]),
        authorities=certificates(signing),
        service_authorities=certificates([name for name in settings.server_authorities if name in made]),
        founded_later=lambda: memory.get("founded later", founded_later),
    )


def kanta_server_chain(workspace: Workspace) -> Path:
    """The PEM file with the emulator's server key and certificate; issued by our service CA when there is none."""
    return server_identity(workspace, "kanta", "Kansanelakelaitos TEST", KANTA_HOST)


def server_identity(workspace: Workspace, name: str, organisation: str, host: str) -> Path:
    """The PEM file with a server key and certificate for ``host`` and ``localhost`` (docs/field/pki.md 5.14).

    Programs judge a server by their machine's clock, the suite's own clients too; a machine of its own, a client's
    container for one, may be set to the workspace's time. So the certificate is valid by both clocks, unless they are
    so far apart that no certificate of a year is: then by the machine's.
    """
    authority = workspace.authorities.certificate(SOTE_SERVICES)
    moments = _moments(SystemClock().now(), workspace.clock.now(), authority)

    def certify(key: rsa.RSAPublicKey) -> list[x509.Certificate]:
        certificate = workspace.authorities.issue(
            SOTE_SERVICES,
            _PROFILE,
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": organisation,
                "common_name": host,
            },
            public_key=key,
            actor="dvv",
            holder=f"{name} emulator",
            not_before=moments[0],
            dns_names=(host, "localhost"),
            extended_key_usage=("server-auth",),
        )
        return [certificate, authority]

    return server_chain(workspace.directory / "services" / f"{name}.pem", certify, *moments)


def validity_warning(workspace: Workspace, chain: Path) -> str:
    """A sentence if the certificate of a server is not in force by one of the two clocks; empty otherwise."""
    certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    clocks = {"the machine's clock": SystemClock().now(), "the workspace's clock": workspace.clock.now()}
    missed = [f"{name} ({now:%Y-%m-%d})" for name, now in clocks.items() if not begin <= now <= end]
    if not missed:
        return ""
    return (
        f"The server's certificate is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}: clients that go by "
        f"{' or '.join(missed)} refuse it."
    )


def _moments(machine: datetime, workspace: datetime, authority: x509.Certificate) -> tuple[datetime, ...]:
    """When a server's certificate has to be in force, the earliest first; no sooner than its authority's."""
    founded = authority.not_valid_before_utc
    first, last = sorted((max(machine, founded), max(workspace, founded)))
    if last < default_not_after(load_profiles()[_PROFILE], first) - RENEW_BEFORE:
        return first, last
    return (max(machine, founded),)
