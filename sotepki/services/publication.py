"""Publication of a workspace, and the small set of services that a program runs beside itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.dvv import RequestHistory
from sotepki.dvv.publication.ocsp_fault_board import FaultBoard
from sotepki.dvv.publication.service import serve_publication
from sotepki.kela import Kanta, KantaSettings, OcspOverHttp, archive_service, reached_at
from sotepki.records import write_atomically
from sotepki.services.archive import kanta_of, kanta_server_chain
from sotepki.workspace import Workspace


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
    """Run publication and one Kanta until the block ends; Kanta asks OCSP at this publication, over HTTP.

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
        with archive_service.running(kanta, kanta_server_chain(workspace), port=kanta_port) as kanta_url:
            yield RunningServices(publication.base_url, kanta_url, publication.history, kanta, trust_file(workspace))
