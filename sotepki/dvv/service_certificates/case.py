"""What the rules of the e-service look at: an application, its request, and what the registers say at the moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sotepki.dvv.service_certificates.content import ApplicationKind, ServiceContent, read_content
from sotepki.dvv.service_certificates.tables import ApplicationRow
from sotepki.identifiers import Oid
from sotepki.records import Records
from sotepki.registers import Organisation, OrganisationRegister
from sotepki.x509.csr import CsrReport, check_csr

POWER_OF_ATTORNEY = "power-of-attorney"
CONFORMITY_CERTIFICATE = "conformity-certificate"
OWNER_CONSENT = "domain-owner-consent"


@dataclass(frozen=True)
class TechnicalContact:
    """Who gets the certificate. ``shared_mailbox`` is the technical mailbox that the certificate also goes to."""

    name: str
    email: str
    organisation: str = ""
    shared_mailbox: str = ""


@dataclass(frozen=True)
class ApplicationCase:
    """All that the rules look at. What a step does not concern is left as it is.

    ``domains`` are those of the organisation and of the organisations above it; ``units`` the OIDs of the same
    organisation. ``serial`` and ``named_serial`` are lower-case hexadecimal. ``lapses_after`` is the last day on
    which an application may be completed, ``renews`` tells whether the certificate to be renewed fits (None: none).
    """

    now: datetime
    kind: str
    organisation: Organisation | None = None
    account: Oid | None = None
    member: bool = True
    contact: TechnicalContact | None = None
    key_usages: tuple[str, ...] = ()
    link_fits: bool = True
    report: CsrReport | None = None
    content: ServiceContent | None = None
    domains: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    attachments: frozenset[str] = frozenset()
    domain_evidence: frozenset[str] = frozenset()
    unit_name: str = ""
    as_production: bool = False
    renews: bool | None = None
    return_reason: str = ""
    lapses_after: date | None = None
    not_after: datetime | None = None
    role: str = "customer"
    serial: str = ""
    named_serial: str = ""
    revocation_reason: str = ""

    @property
    def is_server(self) -> bool:
        """Whether it is about a server certificate."""
        return self.kind == ApplicationKind.SERVER

    @property
    def is_system(self) -> bool:
        """Whether it is about a system signature certificate of a provider or an intermediary."""
        return self.kind == ApplicationKind.SYSTEM_SIGNATURE


@dataclass(frozen=True)
class Cases:
    """Gathers cases; ``organisations`` is THL's register, ``domain_evidence`` how control of a domain is shown."""

    records: Records
    organisations: OrganisationRegister
    domain_evidence: frozenset[str]

    def of(
        self, row: ApplicationRow, attachments: frozenset[str], report: CsrReport | None = None
    ) -> ApplicationCase:
        """The case of an application; ``report`` is of a request that is new, else that of the application counts."""
        kind = ApplicationKind(row.kind)
        case = self.of_organisation(Oid(row.organisation), row.kind)
        if report is None and row.csr is not None:
            report = check_csr(row.csr, kind.csr_kind)
        content = None
        if report is not None and report.csr is not None and case.organisation is not None:
            content = read_content(report, kind, case.organisation)
        return replace(
            case,
            account=Oid(row.account),
            contact=contact_of(row),
            key_usages=tuple(row.key_usages.split()),
            report=report,
            content=content,
            attachments=attachments,
            unit_name=row.unit_name,
            as_production=row.as_production,
            not_after=row.not_after,
            serial=row.serial,
        )

    def of_organisation(self, oid: Oid, kind: str) -> ApplicationCase:
        """What the register says of an organisation at this moment."""
        organisation = self.organisations.organisation(oid)
        family = self._family(organisation) if organisation else []
        units = self.organisations.organisations_of(organisation.business_id) if organisation else []
        return ApplicationCase(
            now=self.records.clock.now(),
            kind=kind,
            organisation=organisation,
            domains=frozenset(domain.lower() for one in family for domain in one.domains),
            domain_evidence=self.domain_evidence,
            units=frozenset({oid.value, *(one.oid.value for one in units)}) if organisation else frozenset(),
        )

    def _family(self, organisation: Organisation) -> list[Organisation]:
        """The organisation and those above it."""
        family = [organisation]
        while family[-1].parent is not None:
            above = self.organisations.organisation(family[-1].parent)
            if above is None or above in family:
                break
            family.append(above)
        return family


def contact_of(row: ApplicationRow) -> TechnicalContact:
    """The technical contact of an application."""
    return TechnicalContact(
        name=row.contact_name,
        email=row.contact_email,
        organisation=row.contact_organisation,
        shared_mailbox=row.shared_mailbox,
    )
