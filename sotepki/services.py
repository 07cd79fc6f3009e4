"""The services of a workspace on loopback: publication (CRL, OCSP, CA certificates) and the Kanta emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki import kela
from sotepki.dvv import SOTE_PERSONS, SOTE_SERVICES, RequestHistory, serve_publication
from sotepki.dvv.ocsp_fault_board import FaultBoard
from sotepki.kela import (
    Kanta,
    KantaSettings,
    OcspOverHttp,
    StatusLookup,
    Trust,
    load_settings,
    reached_at,
    server_chain,
)
from sotepki.records import write_atomically
from sotepki.workspace import Workspace

KANTA_HOST = "kanta.kela.test.example"
"""The host name in the emulator's server certificate; ``localhost`` stands beside it."""


@dataclass(frozen=True)
class RunningServices:
    """Where the services answer, and what they were asked.

    Attributes:
        publication_url, kanta_url: base URLs without a slash at the end.
        history: the requests for CRLs, CA certificates and OCSP answers.
        trust_file: PEM file with the workspace's TEST root, for clients.
    """

    publication_url: str
    kanta_url: str
    history: RequestHistory
    kanta: Kanta
    trust_file: Path


def kanta_of(workspace: Workspace, status: StatusLookup, settings: KantaSettings | None = None) -> Kanta:
    """The Kanta of a workspace; ``status`` asks for the state of a certificate."""
    authorities = workspace.authorities
    issuing = {name: authorities.certificate(name) for name in (SOTE_PERSONS, SOTE_SERVICES)}
    return Kanta(
        records=workspace.records,
        trust=Trust((authorities.root,), tuple(issuing.values()), (issuing[SOTE_SERVICES],)),
        rights=workspace.valvira,
        organisations=workspace.thl,
        status=status,
        settings=settings or load_settings(),
    )


def kanta_server_chain(workspace: Workspace) -> Path:
    """The PEM file with the emulator's server key and certificate; issued by our service CA when there is none."""

    def certify(key: rsa.RSAPublicKey) -> list[x509.Certificate]:
        certificate = workspace.authorities.issue(
            SOTE_SERVICES,
            "test-server",
            subject={
                "country": "FI",
                "state": "Finland",
                "locality": "Helsinki",
                "organisation": "Kansanelakelaitos TEST",
                "common_name": KANTA_HOST,
            },
            public_key=key,
            actor="dvv",
            holder="kanta emulator",
            dns_names=(KANTA_HOST, "localhost"),
            extended_key_usage=("server-auth",),
        )
        return [certificate, workspace.authorities.certificate(SOTE_SERVICES)]

    return server_chain(workspace.directory / "services" / "kanta.pem", certify, workspace.clock.now())


def trust_file(workspace: Workspace) -> Path:
    """The workspace's TEST root as a PEM file, for ``curl --cacert`` and the like."""
    path = workspace.published / "root.pem"
    content = workspace.authorities.root.public_bytes(Encoding.PEM)
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)
    return path


def fault_board(workspace: Workspace) -> FaultBoard:
    """The OCSP faults of a workspace, shared by every process that opens it."""
    return FaultBoard(workspace.directory / "services" / "ocsp-faults.json")


@contextmanager
def running_services(
    workspace: Workspace,
    *,
    publication_port: int = 0,
    kanta_port: int = 0,
    settings: KantaSettings | None = None,
) -> Iterator[RunningServices]:
    """Run publication and Kanta until the block ends; Kanta asks OCSP at this publication, over HTTP.

    Raises:
        Misuse: a port is taken.
    """
    with serve_publication(
        workspace.authorities,
        workspace.published,
        workspace.clock,
        port=publication_port,
        faults=fault_board(workspace),
    ) as publication:
        kanta = kanta_of(workspace, OcspOverHttp(workspace.clock, reached_at(publication.base_url)), settings)
        with kela.running(kanta, kanta_server_chain(workspace), port=kanta_port) as kanta_url:
            yield RunningServices(publication.base_url, kanta_url, publication.history, kanta, trust_file(workspace))
