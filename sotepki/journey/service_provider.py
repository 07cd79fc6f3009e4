"""What a service provider does to get its service certificates, with requests made by the ``openssl`` program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from sotepki.dvv import ApplicationKind, Delivery, TechnicalContact
from sotepki.errors import Fault, Misuse
from sotepki.identifiers import Hetu
from sotepki.journey.openssl import make_request
from sotepki.records import write_atomically
from sotepki.registers import Organisation
from sotepki.tokens import PrivateKey
from sotepki.workspace import Workspace


@dataclass(frozen=True)
class ServiceIdentity:
    """A service certificate with its key, as files of the provider.

    Attributes:
        application: the id of the application in the e-service.
        request_file, key_file, chain_file: PEM; the chain begins with the certificate and leaves out the root.
    """

    application: str
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]
    request_file: Path
    key_file: Path
    chain_file: Path

    def key(self) -> PrivateKey:
        """The private key, read from its file."""
        key = load_pem_private_key(self.key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise Fault(f"{self.key_file} holds no RSA or EC key.")
        return key


@dataclass(frozen=True)
class ProviderSystem:
    """A provider's information system: its organisation, host name, and both of its service certificates."""

    organisation: Organisation
    host_name: str
    server: ServiceIdentity
    system_signature: ServiceIdentity


def provider_system(
    workspace: Workspace,
    organisation: Organisation,
    *,
    user: Hetu,
    host: str = "kanta",
    directory: Path | None = None,
) -> ProviderSystem:
    """Open an account, apply for a server and a system signature certificate, and collect both.

    Args:
        user: who acts for the organisation in the e-service.
        host: the first label of the server's name under the organisation's domain.
        directory: where keys, requests and certificates are kept; by default in the workspace.

    Raises:
        Misuse: the organisation has no domain.
        Refused: a rule of the e-service says no.
    """
    host_name = f"{host}.{domain_of(organisation)}"
    place = directory or workspace.directory / "providers" / str(organisation.oid)
    workspace.service_certificates.open_account(organisation.oid, user=user)
    common = {"C": "FI", "ST": "Finland", "L": organisation.municipality, "O": organisation.name}
    server = service_identity(
        workspace, organisation, ApplicationKind.SERVER, user, {**common, "CN": host_name}, (host_name,), place
    )
    named = {**common, "serialNumber": str(organisation.oid), "CN": f"{organisation.name.removesuffix(' TEST')} TEST"}
    system = service_identity(workspace, organisation, ApplicationKind.SYSTEM_SIGNATURE, user, named, (), place)
    return ProviderSystem(organisation, host_name, server, system)


def domain_of(organisation: Organisation) -> str:
    """The domain that an organisation's hosts are named under.

    Raises:
        Misuse: it has none.
    """
    if not organisation.domains:
        raise Misuse(
            f"{organisation.name} ({organisation.oid}) has no domain in THL's register, so no host of it has a name.",
            advice="Choose an organisation that has one, or enter one with 'sotepki organisation import'.",
        )
    return organisation.domains[0]


def service_identity(
    workspace: Workspace,
    organisation: Organisation,
    kind: ApplicationKind,
    user: Hetu,
    subject: dict[str, str],
    dns_names: Sequence[str],
    directory: Path,
) -> ServiceIdentity:
    """One certificate: application, request, decision, delivery."""
    office = workspace.service_certificates
    made = make_request(directory, str(kind), subject, dns_names=dns_names)
    contact = TechnicalContact("Tekninen Yhteyshenkilö TEST", f"tekninen.tuki@{domain_of(organisation)}")
    application = office.apply(organisation=organisation.oid, kind=kind, user=user, contact=contact)
    if not organisation.public and kind is ApplicationKind.SYSTEM_SIGNATURE:
        note = b"TEST certificate of conformity of the information system\n"
        office.attach_document(application, "conformity-certificate", "conformity.txt", note)
    office.attach_csr(application, made.request.read_bytes())
    office.process(application)
    delivery = office.collect(application)
    return ServiceIdentity(
        application=application,
        certificate=delivery.certificate,
        chain=tuple(delivery.chain),
        request_file=made.request,
        key_file=made.key,
        chain_file=_chain_file(directory / f"{kind}.pem", delivery),
    )


def _chain_file(path: Path, delivery: Delivery) -> Path:
    certificates = [delivery.certificate, *(ca for ca in delivery.chain if ca.issuer != ca.subject)]
    write_atomically(path, b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    return path
