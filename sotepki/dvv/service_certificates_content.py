"""What goes into a service certificate: read from the CSR, completed and corrected from the register.

DVV parses the content of a certificate from the CSR into the form (docs/field/pki.md 7: confirmed). What a CSR leaves
out is filled in from THL's register; what the certificate type has no place for is left out; and the organisation is
always named as in the register, since nobody vouches for another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sotepki.dvv.office_data import office_data
from sotepki.registers import Organisation
from sotepki.x509.csr import PROFILES, CsrKind, CsrReport

_FOLDED = str.maketrans("äöåÄÖÅ", "aoaAOA")
_COMMON = frozenset({"country", "state", "locality", "organisation", "common_name"})


class ApplicationKind(StrEnum):
    """The types of certificate that the e-service issues, both of the TEST kind."""

    SERVER = "server"
    SYSTEM_SIGNATURE = "system-signature"

    @property
    def csr_kind(self) -> CsrKind:
        """The kind that the CSR is checked as."""
        return CsrKind(self.value)

    @property
    def profile(self) -> str:
        """The certificate profile."""
        return PROFILES[self.csr_kind]


@dataclass(frozen=True)
class ServiceContent:
    """Subject and names of a certificate to be, and what about the CSR is worth a word.

    ``named_organisation`` is the O of the CSR if it is not the register's; ``left_out`` lists what is not carried.
    """

    subject: Mapping[str, str]
    dns_names: tuple[str, ...] = ()
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
    subject = {**office_data().service_subject, "locality": organisation.municipality}
    subject |= {name: given[name] for name in ("state", "locality") if given.get(name, "").strip()}
    named = given.get("organisation", "")
    known = [name for name in (organisation.name, organisation.long_name) if name]
    fits = not named or any(same_name(named, name) for name in known)
    subject["organisation"] = named if named and fits else folded(organisation.name)
    left_out = [*report.ip_addresses, *report.emails]
    common_name = given.get("common_name", "")
    if kind is ApplicationKind.SERVER:
        dns_names = tuple(name.lower() for name in report.dns_names)
        carried = _COMMON
        if dns_names:
            subject["common_name"] = common_name.lower() if common_name.lower() in dns_names else dns_names[0]
            left_out += [f"CN={common_name}"] if common_name and common_name.lower() not in dns_names else []
    else:
        dns_names = ()
        carried = _COMMON | {"serial_number"}
        subject["common_name"] = common_name or folded(organisation.name)
        subject["serial_number"] = given.get("serial_number", "") or organisation.oid.value
        left_out += [name for name in report.dns_names if name != common_name]
    left_out += [f"{name}={value}" for name, value in given.items() if name not in carried and value not in left_out]
    return ServiceContent(subject, dns_names, "" if fits else named, tuple(left_out))


def under_domain(host: str, domains: frozenset[str]) -> bool:
    """Whether a host name (or a wildcard) is one of the domains or under one of them, label by label."""
    name = host.lower().removeprefix("*.").rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
