"""What goes into a service certificate: read from the CSR, completed and corrected from the register.

DVV parses the content of a certificate from the CSR into the form (docs/field/pki.md 7: confirmed). What a CSR leaves
out is filled in from THL's register; what the certificate type has no place for is left out; and the organisation is
always named as in the register, since nobody vouches for another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sotepki.dvv.service_certificates.data import CertificateKind, service_data
from sotepki.registers import Organisation
from sotepki.x509.csr import CsrKind, CsrReport

_FOLDED = str.maketrans("äöåÄÖÅ", "aoaAOA")
_COMMON = frozenset({"country", "state", "locality", "organisation", "common_name"})


class ApplicationKind(StrEnum):
    """The types of certificate that the e-service issues, all of the TEST kind (``service_certificates.yaml``)."""

    SERVER = "server"
    SYSTEM_SIGNATURE = "system-signature"
    KELA_SIGNATURE = "kela-signature"
    EMAIL = "e-mail"

    @property
    def data(self) -> CertificateKind:
        """What is known of the type."""
        return service_data().kinds[self.value]

    @property
    def csr_kind(self) -> CsrKind:
        """The kind that the CSR is checked as."""
        return self.data.csr

    @property
    def profile(self) -> str:
        """The certificate profile."""
        return self.data.profile


@dataclass(frozen=True)
class ServiceContent:
    """Subject and names of a certificate to be, and what about the CSR is worth a word.

    ``named_organisation`` is the O of the CSR if it is not the register's; ``left_out`` lists what is not carried.
    """

    subject: Mapping[str, str]
    dns_names: tuple[str, ...] = ()
    email: str = ""
    named_organisation: str = ""
    left_out: tuple[str, ...] = ()


def folded(name: str) -> str:
    """A name without ä, ö and å, as names of organisations stand in certificates (docs/field/pki.md 3: confirmed)."""
    return name.translate(_FOLDED)


def same_name(one: str, other: str) -> bool:
    """Whether two names of an organisation are the same but for case, spacing, and ä, ö, å."""
    return " ".join(folded(one).casefold().split()) == " ".join(folded(other).casefold().split())


def read_content(report: CsrReport, kind: ApplicationKind, organisation: Organisation) -> ServiceContent:
    """The content of a certificate from a CSR that was checked, for an organisation of the register."""
    given = report.subject
    subject = {**service_data().service_subject, "locality": organisation.municipality}
    subject |= {name: given[name] for name in ("state", "locality") if given.get(name, "").strip()}
    named = given.get("organisation", "")
    known = [name for name in (organisation.name, organisation.long_name, kind.data.organisation) if name]
    fits = not named or any(same_name(named, name) for name in known)
    subject["organisation"] = named if named and fits else folded(organisation.name)
    if kind.data.organisation:
        subject["organisation"] = kind.data.organisation
    if kind.data.unit:
        subject["organisational_unit"] = kind.data.unit
    names = _server(report) if kind is ApplicationKind.SERVER else _named(report, kind, organisation)
    subject |= names.subject
    left_out = [*report.ip_addresses, *(one for one in report.emails if one != names.email), *names.left_out]
    carried = _COMMON | set(subject)
    left_out += [f"{name}={value}" for name, value in given.items() if name not in carried and value not in left_out]
    left_out += [*report.more_subject, *report.other_names]
    return ServiceContent(subject, names.dns_names, names.email, "" if fits else named, tuple(left_out))


@dataclass(frozen=True)
class _Names:
    """What tells a server, a system or a mailbox from others: parts of the subject, alternative names."""

    subject: Mapping[str, str]
    dns_names: tuple[str, ...] = ()
    email: str = ""
    left_out: tuple[str, ...] = ()


def _server(report: CsrReport) -> _Names:
    common_name = report.subject.get("common_name", "")
    dns_names = tuple(name.lower() for name in report.dns_names)
    if not dns_names:
        return _Names({})
    chosen = common_name.lower() if common_name.lower() in dns_names else dns_names[0]
    left_out = (f"CN={common_name}",) if common_name and common_name.lower() != chosen else ()
    return _Names({"common_name": chosen}, dns_names, left_out=left_out)


def _named(report: CsrReport, kind: ApplicationKind, organisation: Organisation) -> _Names:
    subject = {"common_name": report.subject.get("common_name", "") or folded(organisation.name)}
    number = report.subject.get("serial_number", "")
    left_out = tuple(name for name in report.dns_names if name != subject["common_name"])
    if kind is ApplicationKind.EMAIL:
        if number:
            subject["serial_number"] = number
        return _Names(subject, email=next(iter(report.emails), ""), left_out=left_out)
    return _Names({**subject, "serial_number": number or organisation.oid.value}, left_out=left_out)


def under_domain(host: str, domains: frozenset[str]) -> bool:
    """Whether a host name (or a wildcard) is one of the domains or under one of them, label by label."""
    name = host.lower().removeprefix("*.").rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
