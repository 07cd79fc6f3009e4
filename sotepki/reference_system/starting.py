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
from sotepki.errors import Fault, Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.journey.cast import Cast
from sotepki.journey.service_provider import ServiceIdentity, domain_of, service_identity
from sotepki.reference_system.rights import AttributeService
from sotepki.reference_system.surroundings import TASK, Surroundings
from sotepki.registers import Organisation
from sotepki.services import ATTRIBUTE_HOST, KANTA_HOST, usual_receiver
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState

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
        kanta_url: where the archive answers. An address does not tell its environment: messages are addressed to the
            receiver of the workspace's environment ``current``, or to the usual one if it has none of that name.
        attributes_url: where Valvira's role and attribute service answers.
        directory: where keys, documents and the audit log are kept; by default in the workspace.

    Raises:
        Misuse: the organisation has no domain.
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
        kanta_receiver=usual_receiver(workspace),
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
    return f"reference.{domain_of(organisation)}"


def _server_identity(workspace: Workspace, organisation: Organisation, cast: Cast, place: Path) -> ServiceIdentity:
    """The server certificate that lies here already and can be used, or a new one from DVV's e-service."""
    kind, host = ApplicationKind.SERVER, _host(organisation)
    lying = _lying_in(place, kind)
    if lying is not None and _usable(workspace, lying):
        return lying
    user = cast.person("technical-contact")
    workspace.service_certificates.open_account(organisation.oid, user=user)
    subject = {"C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name, "CN": host}
    return service_identity(workspace, organisation, kind, user, subject, (host,), place)


def _lying_in(place: Path, kind: ApplicationKind) -> ServiceIdentity | None:
    """The service certificate whose files are in a directory; None if they are missing or cannot be read as such."""
    chain_file, key_file, request_file = (place / f"{kind}.{suffix}" for suffix in ("pem", "key", "csr"))
    try:
        chain = x509.load_pem_x509_certificates(chain_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return ServiceIdentity("", chain[0], chain, request_file, key_file, chain_file)


def _usable(workspace: Workspace, identity: ServiceIdentity) -> bool:
    """Whether a certificate lasts for a while yet, is issued here and not revoked, and its key is in its file."""
    certificate = identity.certificate
    try:
        fits = identity.key().public_key() == certificate.public_key()
    except (FileNotFoundError, ValueError, TypeError, Fault):  # no key, or none that can be read without a password
        return False
    issued = workspace.authorities.issued(serial_number=certificate.serial_number)
    states = [one.status.state for one in issued if one.certificate == certificate]
    lasts = workspace.clock.now() + _RENEW_BEFORE < certificate.not_valid_after_utc
    return fits and lasts and states == [CertificateState.GOOD]
