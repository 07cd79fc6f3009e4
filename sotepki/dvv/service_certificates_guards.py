"""The rules that guard the steps of an application, one function each (``states/service-application.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sotepki.dvv.office_data import office_data
from sotepki.dvv.service_certificates_content import ApplicationKind, ServiceContent, under_domain
from sotepki.dvv.state_machine import Guard, Objection
from sotepki.errors import Refused
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import Oid
from sotepki.registers import Organisation
from sotepki.x509.csr import CsrReport

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
_USAGES = frozenset({"client-auth", "server-auth"})

POWER_OF_ATTORNEY = "power-of-attorney"
CONFORMITY_CERTIFICATE = "conformity-certificate"


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
    organisation. ``serial`` and ``named_serial`` are lower-case hexadecimal.
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
    return_reason: str = ""
    serial: str = ""
    named_serial: str = ""
    revocation_reason: str = ""

    @property
    def is_server(self) -> bool:
        """Whether it is about a server certificate."""
        return self.kind == ApplicationKind.SERVER


def _organisation_register(case: ApplicationCase) -> Objection | None:
    return None if case.organisation else Objection("The organisation is not in THL's SOTE organisation register.")


def _account(case: ApplicationCase) -> Objection | None:
    return None if case.member else Objection("The person is not a user of the organisation's customer account.")


def _type(case: ApplicationCase) -> Objection | None:
    if case.kind in set(ApplicationKind):
        return None
    return Objection(f"There is no certificate type {case.kind[:40]!r}.")


def _applicant(case: ApplicationCase) -> Objection | None:
    organisation = case.organisation
    if case.is_server or organisation is None or organisation.kanta_intermediary:
        return None
    if organisation.kind not in office_data().kinds_without_care:
        return None
    return Objection(
        f"{organisation.name} ({organisation.kind}) is neither a service provider nor a Kanta intermediary."
    )


def _intermediary(case: ApplicationCase) -> Objection | None:
    organisation, mark = case.organisation, office_data().intermediary_mark
    if case.is_server or organisation is None or not organisation.kanta_intermediary:
        return None
    if organisation.kind not in office_data().kinds_without_care:
        return None  # it provides care as well, so it may apply as a service provider
    if case.contact is not None and case.contact.organisation.strip().casefold() == mark.casefold():
        return None
    return Objection(f"The technical contact's organisation is not {mark!r}.")


def _contact(case: ApplicationCase) -> Objection | None:
    contact = case.contact
    if contact is None or not contact.name.strip() or not (contact.name + contact.organisation).isprintable():
        return Objection("The application names no technical contact.")
    for address in (contact.email, *([contact.shared_mailbox] if contact.shared_mailbox else [])):
        if len(address) > 254 or not _EMAIL.fullmatch(address):
            return Objection(f"{address[:60]!r} is not a plain e-mail address.")
    return None


def _link(case: ApplicationCase) -> Objection | None:
    return None if case.link_fits else Objection("The code is not the one that was mailed for this application.")


def _extended_key_usage(case: ApplicationCase) -> Objection | None:
    unknown = sorted(set(case.key_usages) - _USAGES)
    if unknown:
        return Objection(f"There is no use {unknown[0][:40]!r}; there are: client-auth, server-auth.")
    if case.is_server and not case.key_usages:
        return Objection("The use of the server certificate was not chosen.")
    if not case.is_server and case.key_usages:
        return Objection("A system signature certificate has no extended key usage.")
    return None


def _csr(case: ApplicationCase) -> Objection | None:
    report = case.report
    if report is None or (report.csr is not None and report.verdict is Verdict.VALID):
        return None
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if not errors:
        return Objection("The certificate request cannot be read.")
    broken = "; ".join(f"{finding.message.rstrip('.')} ({finding.rule})" for finding in errors)
    advice = " ".join(dict.fromkeys(finding.advice for finding in errors if finding.advice))
    return Objection(f"The certificate request is not acceptable: {broken}.", advice)


def _domain(case: ApplicationCase) -> Objection | None:
    if not case.is_server or case.content is None:
        return None
    foreign = [name for name in case.content.dns_names if not under_domain(name, case.domains)]
    if not foreign:
        return None
    known = ", ".join(sorted(case.domains)) or "none"
    return Objection(f"The host {foreign[0]} is not under a domain of the applicant; its domains are: {known}.")


def _organisation_oid(case: ApplicationCase) -> Objection | None:
    if case.is_server or case.content is None:
        return None
    serial = case.content.subject["serial_number"]
    try:
        if Oid.parse(serial).value in case.units:
            return None
    except Refused:
        pass
    own = case.organisation.oid.value if case.organisation else "unknown"
    return Objection(f"The serialNumber {serial[:60]!r} is not the applicant's OID, which is {own}.")


def _organisation_name(case: ApplicationCase) -> Objection | None:
    if case.content is None or not case.content.named_organisation or case.organisation is None:
        return None
    return Objection(
        f"The request names the organisation {case.content.named_organisation[:64]!r}; "
        f"the certificate will name {case.content.subject['organisation']!r}."
    )


def _left_out(case: ApplicationCase) -> Objection | None:
    if case.content is None or not case.content.left_out:
        return None
    return Objection(f"Not carried into the certificate: {', '.join(case.content.left_out)[:200]}.")


def _return_reason(case: ApplicationCase) -> Objection | None:
    return None if case.return_reason.strip() else Objection("No reason was given for sending the application back.")


def _power_of_attorney(case: ApplicationCase) -> Objection | None:
    if case.organisation is None or case.account == case.organisation.oid or POWER_OF_ATTORNEY in case.attachments:
        return None
    return Objection(f"The application was made by another organisation than {case.organisation.name}.")


def _conformity(case: ApplicationCase) -> Objection | None:
    if case.is_server or case.organisation is None or case.organisation.public:
        return None
    if CONFORMITY_CERTIFICATE in case.attachments:
        return None
    return Objection("The private applicant has attached no certificate of conformity of the system.")


def _revocation_serial(case: ApplicationCase) -> Objection | None:
    if case.named_serial == case.serial:
        return None
    return Objection(f"The serial number {case.named_serial[:50]!r} is not that of the certificate issued.")


def _revocation_reason(case: ApplicationCase) -> Objection | None:
    if case.revocation_reason in office_data().revocation_reasons:
        return None
    return Objection(f"The reason {case.revocation_reason[:40]!r} is not one for revoking a service certificate.")


APPLICATION_GUARDS: Mapping[str, Guard[ApplicationCase]] = MappingProxyType(
    {
        "application.organisation-register": _organisation_register,
        "application.account": _account,
        "application.type": _type,
        "application.system-signature.applicant": _applicant,
        "application.kanta-intermediary": _intermediary,
        "application.contact": _contact,
        "application.contact.application": _link,
        "application.extended-key-usage": _extended_key_usage,
        "application.csr": _csr,
        "application.server.domain": _domain,
        "application.system-signature.organisation-oid": _organisation_oid,
        "application.organisation-name": _organisation_name,
        "application.content-not-carried": _left_out,
        "application.return-reason": _return_reason,
        "application.power-of-attorney": _power_of_attorney,
        "application.conformity-certificate": _conformity,
        "application.revocation-serial": _revocation_serial,
        "application.revocation-reason": _revocation_reason,
    }
)
