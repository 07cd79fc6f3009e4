"""Facts, rules and state machines of the e-service: ``service_certificates.yaml``, its rules, ``states/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from cryptography import x509

from sotepki.dvv.authority.reasons import reason_called
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, RuleBook, expect_keys, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.states import StateMachine
from sotepki.x509.csr import CsrKind


@dataclass(frozen=True)
class CertificateKind:
    """A type of certificate that can be applied for.

    ``aliases`` are other names it goes by, ``usages`` the extended key usages a customer chooses from, ``only_for``
    the Business ID of the one organisation that may have it; ``unit`` and ``organisation`` are fixed in its subject.
    """

    id: str
    aliases: frozenset[str]
    csr: CsrKind
    authority: str
    profile: str
    source: str
    grade: Grade
    basis: Basis
    usages: tuple[str, ...] = ()
    only_for: str = ""
    unit: str = ""
    organisation: str = ""


@dataclass(frozen=True)
class ServiceData:
    """The content of ``service_certificates.yaml``; every field is documented there with its source."""

    kinds: Mapping[str, CertificateKind]
    email_usages: tuple[str, ...]
    revocation_reasons: Mapping[str, x509.ReasonFlags]
    revocation_reasons_of_dvv: frozenset[str]
    revocation_hours: int
    strong_identification: frozenset[str]
    login_minutes: int
    intermediary_mark: str
    kinds_without_care: frozenset[str]
    service_subject: Mapping[str, str]
    attachments: frozenset[str]
    domain_evidence: frozenset[str]
    promise_working_days: int
    lapse_months: int

    def kind(self, name: str) -> CertificateKind | None:
        """The type called ``name``, by its id or an alias; None if there is none."""
        return next((one for one in self.kinds.values() if name == one.id or name in one.aliases), None)

    def revocation_reason(self, word: str) -> str:
        """The reason that ``word`` names, also by its code of RFC 5280 or a former word; else ``word`` itself."""
        known = reason_called(word)
        return known.id if known is not None and known.id in self.revocation_reasons else word


@cache
def service_data() -> ServiceData:
    """The data file, read once; an unknown or missing key, kind or reason is a ``Fault``."""
    raw = load_yaml(package_file("dvv", "service_certificates", "service_certificates.yaml"))
    names = {field.name for field in fields(ServiceData)}
    expect_keys(raw, names, "service_certificates.yaml")
    return ServiceData(
        kinds={str(name): _kind(str(name), row) for name, row in raw["kinds"].items()},
        email_usages=tuple(str(usage) for usage in raw["email_usages"]),
        revocation_reasons={str(name): _reason(reason) for name, reason in raw["revocation_reasons"].items()},
        revocation_reasons_of_dvv=_texts(raw["revocation_reasons_of_dvv"]),
        revocation_hours=int(raw["revocation_hours"]),
        strong_identification=_texts(raw["strong_identification"]),
        login_minutes=int(raw["login_minutes"]),
        intermediary_mark=str(raw["intermediary_mark"]),
        kinds_without_care=_texts(raw["kinds_without_care"]),
        service_subject={str(key): str(value) for key, value in raw["service_subject"].items()},
        attachments=_texts(raw["attachments"]),
        domain_evidence=_texts(raw["domain_evidence"]),
        promise_working_days=int(raw["promise_working_days"]),
        lapse_months=int(raw["lapse_months"]),
    )


@cache
def service_rules() -> RuleBook:
    """The rule book of the e-service."""
    return RuleBook.load(package_file("dvv", "service_certificates", "rules_service_certificates.yaml"))


@cache
def application_machine() -> StateMachine:
    """The life of an application, up to the issuing of its certificate."""
    return StateMachine.load(
        package_file("dvv", "service_certificates", "states", "service-application.yaml"), service_rules()
    )


@cache
def certificate_machine() -> StateMachine:
    """The life of a service certificate, from its issuing on."""
    return StateMachine.load(
        package_file("dvv", "service_certificates", "states", "service-certificate.yaml"), service_rules()
    )


def all_states() -> tuple[str, ...]:
    """The states that an application shows to the customer: its own, then those of its certificate."""
    return tuple(dict.fromkeys((*application_machine().states, *certificate_machine().states)))


def _kind(name: str, row: Any) -> CertificateKind:
    where = f"The certificate type {name} in service_certificates.yaml"
    refuse_unknown_keys(row, {field.name for field in fields(CertificateKind)} - {"id"}, where)
    try:
        return CertificateKind(
            id=name,
            aliases=_texts(row.get("aliases", ())),
            csr=CsrKind(row["csr"]),
            authority=str(row["authority"]),
            profile=str(row["profile"]),
            source=str(row["source"]),
            grade=Grade(row["grade"]),
            basis=Basis(row["basis"]),
            usages=tuple(str(usage) for usage in row.get("usages", ())),
            only_for=str(row.get("only_for", "")),
            unit=str(row.get("unit", "")),
            organisation=str(row.get("organisation", "")),
        )
    except (KeyError, ValueError) as error:
        raise Fault(f"{where} is not well formed: {error}.") from None


def _texts(values: Any) -> frozenset[str]:
    return frozenset(str(value) for value in values)


def _reason(name: Any) -> x509.ReasonFlags:
    try:
        return x509.ReasonFlags(str(name))
    except ValueError:
        raise Fault(
            f"service_certificates.yaml names the revocation reason {name!r}, which RFC 5280 5.3.1 does not have."
        ) from None
