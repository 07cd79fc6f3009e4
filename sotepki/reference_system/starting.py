"""Putting the system into a workspace: its organisation, its server certificate, its staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.documents import StatusQuestion
from sotepki.dvv import ApplicationKind
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.journey.cast import Cast
from sotepki.journey.service_provider import ServiceIdentity, service_identity
from sotepki.reference_system.rights import AttributeService
from sotepki.reference_system.surroundings import TASK, Surroundings
from sotepki.registers import Organisation
from sotepki.services import ATTRIBUTE_HOST, KANTA_HOST
from sotepki.workspace import Workspace

SYSTEM = "Reference system"
_CLIENTS = ("client-adult", "client-minor")
_RENEW_BEFORE = timedelta(days=30)


def surroundings(
    workspace: Workspace,
    organisation: Organisation,
    cast: Cast,
    *,
    status: StatusQuestion,
    kanta_url: str,
    attributes_url: str,
    directory: Path | None = None,
) -> Surroundings:
    """The world of the system in a workspace; it gets a server certificate and Valvira's approval if it has none.

    Args:
        status: how revocation is asked, usually over OCSP of the publication service.
        attributes_url: where Valvira's role and attribute service answers.
        directory: where keys, documents and the audit log are kept; by default in the workspace.

    Raises:
        Refused: a rule of DVV's e-service says no.
    """
    place = directory or workspace.directory / "reference-system" / str(organisation.oid)
    authorities = workspace.authorities
    root = authorities.root.public_bytes(Encoding.PEM).decode("ascii")
    server = _server_identity(workspace, organisation, cast, place)
    _approved(workspace, organisation)
    people = ((part, workspace.population.person(cast.people[part])) for part in _CLIENTS if part in cast.people)
    return Surroundings(
        organisation=organisation,
        clock=workspace.clock,
        roots=authorities.roots,
        intermediates=tuple(authorities.certificate(name) for name in authorities.made()),
        status=status,
        asked=AttributeService(attributes_url, ATTRIBUTE_HOST, root, server),
        users=workspace.valvira.professional,
        has_access=partial(workspace.provider(organisation.oid).access.holds, organisation.oid),
        clients={part: person for part, person in people if person is not None},
        kanta_url=kanta_url,
        kanta_name=KANTA_HOST,
        kanta_roots=root,
        server=server,
        directory=place,
    )


def give_access(workspace: Workspace, organisation: Organisation, numbers: Sequence[RegistrationNumber]) -> None:
    """Give professionals access to client records, as the organisation's administrator does; twice is no error.

    Raises:
        Refused: ``access.*``: they have no right that carries the task.
    """
    for number in numbers:
        try:
            workspace.provider(organisation.oid).grant_access(number, TASK, actor="administrator")
        except Refused as refused:
            if refused.rule != "access.twice":
                raise


def _approved(workspace: Workspace, organisation: Organisation) -> None:
    """Valvira approves the system for its role and attribute service; once is enough."""
    try:
        workspace.approved_systems.approve(_host(organisation), organisation.oid, SYSTEM, actor="valvira-official")
    except Refused as refused:
        if refused.rule != "attribute.approval.once":
            raise


def _host(organisation: Organisation) -> str:
    return f"reference.{organisation.domains[0]}"


def _server_identity(workspace: Workspace, organisation: Organisation, cast: Cast, place: Path) -> ServiceIdentity:
    """The server certificate that lies here already, or a new one from DVV's e-service."""
    kind = ApplicationKind.SERVER
    chain_file, key_file, request_file = (place / f"{kind}.{suffix}" for suffix in ("pem", "key", "csr"))
    if chain_file.exists() and key_file.exists():
        chain = x509.load_pem_x509_certificates(chain_file.read_bytes())
        if workspace.clock.now() + _RENEW_BEFORE < chain[0].not_valid_after_utc:
            return ServiceIdentity("", chain[0], chain, request_file, key_file, chain_file)
    user = cast.person("technical-contact")
    workspace.service_certificates.open_account(organisation.oid, user=user)
    host = _host(organisation)
    subject = {"C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name, "CN": host}
    return service_identity(workspace, organisation, kind, user, subject, (host,), place)
