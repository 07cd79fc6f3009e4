"""The rules that guard the steps of an application, one function each (``states/service-application.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from sotepki.clock import finnish_day
from sotepki.dvv.service_certificates.case import (
    CONFORMITY_CERTIFICATE,
    OWNER_CONSENT,
    POWER_OF_ATTORNEY,
    ApplicationCase,
)
from sotepki.dvv.service_certificates.content import ApplicationKind, same_name, under_domain
from sotepki.dvv.service_certificates.data import service_data
from sotepki.errors import Refused
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import Oid, holds_identity_code
from sotepki.states import Guard, Objection

LONGEST_CONTACT, LONGEST_REASON = 200, 500

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


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
    if not case.is_system or organisation is None or organisation.kanta_intermediary:
        return None
    if organisation.kind not in service_data().kinds_without_care:
        return None
    return Objection(
        f"{organisation.name} ({organisation.kind}) is neither a service provider nor a Kanta intermediary."
    )


def _intermediary(case: ApplicationCase) -> Objection | None:
    organisation, mark = case.organisation, service_data().intermediary_mark
    if not case.is_system or organisation is None or not organisation.kanta_intermediary:
        return None
    if organisation.kind not in service_data().kinds_without_care:
        return None  # it provides care as well, so it may apply as a service provider
    if case.contact is not None and case.contact.organisation.strip().casefold() == mark.casefold():
        return None
    return Objection(f"The technical contact's organisation is not {mark!r}.")


def _kela(case: ApplicationCase) -> Objection | None:
    organisation = case.organisation
    if case.kind != ApplicationKind.KELA_SIGNATURE or organisation is None:
        return None
    if organisation.business_id.value == ApplicationKind.KELA_SIGNATURE.data.only_for:
        return None
    return Objection(f"{organisation.name} is not Kela.")


def _long_name(case: ApplicationCase) -> Objection | None:
    organisation = case.organisation
    if organisation is None or not case.unit_name:
        return None
    long_name = organisation.long_name or organisation.name
    if same_name(case.unit_name, long_name):
        return None
    return Objection(f"The long name of the organisation is {long_name!r}, not {case.unit_name[:80]!r}.")


def _renewal(case: ApplicationCase) -> Objection | None:
    if case.renews is not False:
        return None
    return Objection("What is to be renewed is not an issued certificate of this organisation and type.")


def _contact(case: ApplicationCase) -> Objection | None:
    contact = case.contact
    if contact is None or not contact.name.strip() or not (contact.name + contact.organisation).isprintable():
        return Objection("The application names no technical contact.")
    if max(len(contact.name), len(contact.organisation)) > LONGEST_CONTACT:
        return Objection(f"The technical contact has a name of more than {LONGEST_CONTACT} characters.")
    if holds_identity_code(contact.name + "\n" + contact.organisation):
        return Objection("The technical contact is named by a personal identity code.")
    for address in (contact.email, *([contact.shared_mailbox] if contact.shared_mailbox else [])):
        if len(address) > 254 or not _EMAIL.fullmatch(address):
            return Objection(f"{address[:60]!r} is not a plain e-mail address.")
    return None


def _link(case: ApplicationCase) -> Objection | None:
    return None if case.link_fits else Objection("The code is not the one that was mailed for this application.")


def _extended_key_usage(case: ApplicationCase) -> Objection | None:
    offered = ApplicationKind(case.kind).data.usages if case.kind in set(ApplicationKind) else ()
    if case.key_usages and not offered:
        return Objection(f"A {case.kind} certificate has no extended key usage to choose.")
    unknown = sorted(set(case.key_usages) - set(offered))
    if unknown:
        return Objection(f"There is no use {unknown[0][:40]!r}; there are: {', '.join(offered)}.")
    if offered and not case.key_usages:
        return Objection(f"The use of the {case.kind} certificate was not chosen.")
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


def _csr_missing(case: ApplicationCase) -> Objection | None:
    return None if case.report is not None else Objection("No certificate request is attached.")


def _controls(case: ApplicationCase, host: str) -> bool:
    """Whether the applicant has shown, in a way that is accepted, that the host's domain is under its control."""
    if "register" in case.domain_evidence and under_domain(host, case.domains):
        return True
    return "owner-consent" in case.domain_evidence and OWNER_CONSENT in case.attachments


def _domain(case: ApplicationCase) -> Objection | None:
    if not case.is_server or case.content is None:
        return None
    foreign = [name for name in case.content.dns_names if not _controls(case, name)]
    if not foreign:
        return None
    known = ", ".join(sorted(case.domains)) or "none"
    return Objection(f"The host {foreign[0]} is not under a domain of the applicant; its domains are: {known}.")


def _email_address(case: ApplicationCase) -> Objection | None:
    if case.kind != ApplicationKind.EMAIL or case.content is None:
        return None
    address = case.content.email
    if not address:
        return Objection("The request names no e-mail address.")
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        return Objection(f"{address[:60]!r} is not a plain e-mail address.")
    if _controls(case, address.rpartition("@")[2]):
        return None
    return Objection(f"The address {address} is not under a domain of the applicant.")


def _business_id(case: ApplicationCase) -> Objection | None:
    if case.kind != ApplicationKind.EMAIL or case.content is None or case.organisation is None:
        return None
    number = case.content.subject.get("serial_number", "")
    if number in ("", case.organisation.business_id.value):
        return None
    return Objection(f"The serialNumber {number[:60]!r} is not the Business ID {case.organisation.business_id}.")


def _kela_oid(case: ApplicationCase) -> Objection | None:
    if case.kind != ApplicationKind.KELA_SIGNATURE or case.content is None:
        return None
    serial = case.content.subject["serial_number"]
    if serial.startswith("1.2.246.556."):
        return None
    return Objection(f"The serialNumber {serial[:60]!r} is not an OID of Kela.")


def _organisation_oid(case: ApplicationCase) -> Objection | None:
    if not case.is_system or case.content is None:
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


def may_be_mailed(reason: str) -> bool:
    """Whether a reason for sending an application back has the form that is mailed to the technical contact."""
    return bool(reason.strip()) and len(reason) <= LONGEST_REASON and not holds_identity_code(reason)


def _return_reason(case: ApplicationCase) -> Objection | None:
    if not case.return_reason.strip():
        return Objection("No reason was given for sending the application back.")
    if len(case.return_reason) > LONGEST_REASON:
        return Objection(f"The reason has {len(case.return_reason)} characters, at most {LONGEST_REASON} are taken.")
    if holds_identity_code(case.return_reason):
        return Objection("The reason, which is mailed to the technical contact, holds a personal identity code.")
    return None


def _power_of_attorney(case: ApplicationCase) -> Objection | None:
    if case.organisation is None or case.account == case.organisation.oid or POWER_OF_ATTORNEY in case.attachments:
        return None
    return Objection(f"The application was made by another organisation than {case.organisation.name}.")


def _conformity(case: ApplicationCase) -> Objection | None:
    return None if case.as_production else _without_conformity(case)


def _conformity_in_production(case: ApplicationCase) -> Objection | None:
    return _without_conformity(case) if case.as_production else None


def _without_conformity(case: ApplicationCase) -> Objection | None:
    if not case.is_system or case.organisation is None or case.organisation.public:
        return None
    if CONFORMITY_CERTIFICATE in case.attachments:
        return None
    return Objection("The private applicant has attached no certificate of conformity of the system.")


def _lapse(case: ApplicationCase) -> Objection | None:
    if case.lapses_after is not None and finnish_day(case.now) > case.lapses_after:
        return None
    return Objection("The time in which the customer may complete the application has not ended.")


def _expiry(case: ApplicationCase) -> Objection | None:
    if case.not_after is not None and case.now > case.not_after:
        return None
    return Objection("The validity of the certificate has not ended.")


def _revocation_serial(case: ApplicationCase) -> Objection | None:
    if case.named_serial == case.serial:
        return None
    return Objection(f"The serial number {case.named_serial[:50]!r} is not that of the certificate issued.")


def _revocation_reason(case: ApplicationCase) -> Objection | None:
    if case.revocation_reason in service_data().revocation_reasons:
        return None
    return Objection(f"The reason {case.revocation_reason[:40]!r} is not one for revoking a service certificate.")


def _reason_of_dvv(case: ApplicationCase) -> Objection | None:
    if case.role == "dvv" or case.revocation_reason not in service_data().revocation_reasons_of_dvv:
        return None
    return Objection(f"The reason {case.revocation_reason!r} is for DVV to give.")


APPLICATION_GUARDS: Mapping[str, Guard[ApplicationCase]] = MappingProxyType(
    {
        "application.organisation-register": _organisation_register,
        "application.account": _account,
        "application.type": _type,
        "application.system-signature.applicant": _applicant,
        "application.kanta-intermediary": _intermediary,
        "application.kela-signature.applicant": _kela,
        "application.long-name": _long_name,
        "application.renewal": _renewal,
        "application.contact": _contact,
        "application.contact.application": _link,
        "application.extended-key-usage": _extended_key_usage,
        "application.csr": _csr,
        "application.csr-missing": _csr_missing,
        "application.server.domain": _domain,
        "application.e-mail.address": _email_address,
        "application.e-mail.business-id": _business_id,
        "application.kela-signature.oid": _kela_oid,
        "application.system-signature.organisation-oid": _organisation_oid,
        "application.organisation-name": _organisation_name,
        "application.content-not-carried": _left_out,
        "application.return-reason": _return_reason,
        "application.power-of-attorney": _power_of_attorney,
        "application.conformity-certificate": _conformity,
        "application.conformity-certificate.production": _conformity_in_production,
        "application.lapse": _lapse,
        "application.expiry": _expiry,
        "application.revocation-serial": _revocation_serial,
        "application.revocation-reason": _revocation_reason,
        "application.revocation-reason.dvv": _reason_of_dvv,
    }
)
