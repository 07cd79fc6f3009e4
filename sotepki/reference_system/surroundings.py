"""Everything that the system asks of the world around it, in one place; a vendor has its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509

from sotepki.clock import Clock
from sotepki.documents import StatusQuestion, VerificationContext
from sotepki.evidence import RuleBook
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.provider import StaffRights
from sotepki.registers import Organisation, Person, Professional
from sotepki.resources import package_file
from sotepki.scs.explaining import Trusted

TASK = "client-records"
"""The task that access is given by (provider/tasks.yaml)."""


@dataclass(frozen=True)
class Surroundings:
    """Whom the system trusts, whom it asks, and what it is.

    Attributes:
        organisation: whose system this is.
        clock: the time.
        roots, intermediates: whom the system trusts.
        status: asks an OCSP responder about a certificate.
        asked: tells rights in force; Valvira's role and attribute service over HTTP (``rights``).
        users: the system's own directory of its users, with their names and titles.
        has_access: whether a professional has been given a task here, by the organisation's own books.
        clients: the people whose documents are written, by an id that is not their identity code.
        kanta_url: the archive.
        kanta_name: the name in the archive's certificate.
        kanta_roots: PEM of the roots that the archive's certificate must lead to.
        kanta_receiver: OID that messages to the archive are addressed to.
        server: this system's server certificate, by which Kanta knows it.
        directory: where signed documents and the audit log are kept.
    """

    organisation: Organisation
    clock: Clock
    roots: Sequence[x509.Certificate]
    intermediates: Sequence[x509.Certificate]
    status: StatusQuestion
    asked: StaffRights
    users: Callable[[RegistrationNumber], Professional | None]
    has_access: Callable[[RegistrationNumber, str], bool]
    clients: Mapping[str, Person]
    kanta_url: str
    kanta_name: str
    kanta_roots: str
    kanta_receiver: str
    server: ServiceIdentity
    directory: Path

    @property
    def trusted(self) -> Trusted:
        """For judging what an SCS answered."""
        return Trusted(self.roots, self.intermediates, self.status)

    def verification(self) -> VerificationContext:
        """For verifying a document now, as Kanta will; the signer's right was asked of the service before."""
        return VerificationContext(
            trust=self.roots, intermediates=self.intermediates, at=self.clock.now(), status=self.status
        )

    def new_oid(self, branch: str) -> Oid:
        """A new OID of the organisation: branch 93 for documents, 94 for messages (docs/field/registration.md 11)."""
        root = str(self.organisation.oid).rpartition(".10.")[0]
        return Oid.parse(f"{root}.{branch}.{self.clock.now():%Y%m%d%H%M%S%f}")


@cache
def rules() -> RuleBook:
    """The rules of the system."""
    return RuleBook.load(package_file("reference_system", "rules.yaml"))
