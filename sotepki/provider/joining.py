"""What an organisation needs to join the Kanta services, evaluated with a reason for each open item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sotepki.clock import finnish_day
from sotepki.evidence import Finding, Severity
from sotepki.identifiers import Oid
from sotepki.provider.access import AccessRights
from sotepki.provider.task_list import provider_rules
from sotepki.records import Records
from sotepki.registers import OrganisationRegister
from sotepki.x509.status import CertificateState, CertificateStatus

StatusOf = Callable[[x509.Certificate], CertificateStatus]


@dataclass(frozen=True)
class InformationSystem:
    """A system as its supplier and the registers describe it; None or empty where nothing is known.

    ``security_certificate_to`` is the last day of its security certificate, ``joint_test`` Kela's statement number.
    """

    name: str
    register_entry: str = ""
    system_class: str = ""
    security_certificate_to: date | None = None
    joint_test: str = ""


@dataclass(frozen=True)
class JoiningFacts:
    """What the provider can show. ``patient_data`` says that the Patient Data Repository is to be joined."""

    organisation: Oid
    system: InformationSystem | None = None
    certificates: Sequence[x509.Certificate] = ()
    plan_approved_on: date | None = None
    access_point: str = ""
    staff_trained_on: date | None = None
    operating_models_agreed_on: date | None = None
    patient_data: bool = True


@dataclass(frozen=True)
class Prerequisite:
    """One item of the list. ``reason`` says why it is open, or what meets it."""

    rule: str
    met: bool
    reason: str
    finding: Finding | None = None

    def as_dict(self) -> dict[str, object]:
        """The item for JSON."""
        return {
            "rule": self.rule,
            "met": self.met,
            "reason": self.reason,
            "severity": self.finding.severity.value if self.finding else "",
            "source": provider_rules()[self.rule].source,
            "grade": provider_rules()[self.rule].grade.value,
            "advice": self.finding.advice if self.finding else "",
        }


@dataclass(frozen=True)
class Readiness:
    """The list, evaluated. ``ready`` means that no open item is an error; open warnings remain to be looked at."""

    items: tuple[Prerequisite, ...]

    @property
    def open(self) -> tuple[Prerequisite, ...]:
        """The items that are not met."""
        return tuple(item for item in self.items if not item.met)

    @property
    def ready(self) -> bool:
        """Whether nothing that is firmly known stands in the way."""
        return not any(item.finding and item.finding.severity is Severity.ERROR for item in self.open)


class Joining:
    """The prerequisites list. ``status`` tells the state of a certificate, as OCSP does."""

    def __init__(
        self, records: Records, organisations: OrganisationRegister, access: AccessRights, status: StatusOf
    ) -> None:
        self.records = records
        self.organisations = organisations
        self.access = access
        self.status = status

    def evaluate(self, facts: JoiningFacts) -> Readiness:
        """Every item of the list with its reason, in the order of the rules."""
        now = self.records.clock.now()
        answers = [
            ("join.organisation-register", self._in_register(facts)),
            ("join.system-registered", _registered(facts)),
            ("join.security-certificate", _secured(facts, finnish_day(now))),
            ("join.joint-test", _joint_tested(facts)),
            ("join.server-certificate", self._certificate(facts, _is_client, now)),
        ]
        if facts.patient_data:
            answers.append(("join.system-signature-certificate", self._certificate(facts, _is_system_signature, now)))
        answers += [
            ("join.plan", _day(facts.plan_approved_on, "the plan was approved", now)),
            ("join.access-point", (bool(facts.access_point), facts.access_point or "no access point is named")),
            ("join.staff-rights", self._staff(facts)),
            ("join.staff-trained", _day(facts.staff_trained_on, "the staff was trained", now)),
            ("join.operating-models", _day(facts.operating_models_agreed_on, "the models were agreed on", now)),
        ]
        return Readiness(tuple(_item(rule, met, reason) for rule, (met, reason) in answers))

    def _in_register(self, facts: JoiningFacts) -> tuple[bool, str]:
        found = self.organisations.organisation(facts.organisation)
        return (True, found.name) if found else (False, f"{facts.organisation} is not in the register")

    def _certificate(
        self, facts: JoiningFacts, fits: Callable[[x509.Certificate, Oid], bool], now: datetime
    ) -> tuple[bool, str]:
        reason = "no such certificate is shown"
        for certificate in facts.certificates:
            if not fits(certificate, facts.organisation):
                continue
            serial = f"{certificate.serial_number:x}"
            if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                reason = f"the certificate {serial} is not valid at {now:%Y-%m-%d}"
            elif self.status(certificate).state is not CertificateState.GOOD:
                reason = f"the certificate {serial} is {self.status(certificate).state.value}"
            else:
                return True, f"certificate {serial}, valid to {certificate.not_valid_after_utc:%Y-%m-%d}"
        return False, reason

    def _staff(self, facts: JoiningFacts) -> tuple[bool, str]:
        held, lost = self.access.held(facts.organisation), self.access.without_right(facts.organisation)
        if not held:
            return False, "no access rights have been given"
        if lost:
            return False, f"{len(lost)} of {len(held)} access rights do not rest on a right in force"
        return True, f"{len(held)} access rights rest on rights in force"


def _registered(facts: JoiningFacts) -> tuple[bool, str]:
    if facts.system is None:
        return False, "no information system is named"
    if not facts.system.register_entry:
        return False, f"the system {facts.system.name} has no register entry"
    return True, f"{facts.system.name}, entry {facts.system.register_entry}"


def _secured(facts: JoiningFacts, today: date) -> tuple[bool, str]:
    last = facts.system.security_certificate_to if facts.system else None
    if last is None:
        return False, "no security certificate is shown"
    return (last >= today, f"the security certificate {'is' if last >= today else 'was'} valid to {last}")


def _joint_tested(facts: JoiningFacts) -> tuple[bool, str]:
    if facts.system is None:
        return False, "no information system is named"
    if facts.system.system_class not in ("A2", "A3"):
        named = facts.system.system_class or "unknown"
        return named in ("A1", "B"), f"the class of the system is {named}"
    if not facts.system.joint_test:
        return False, f"the system of class {facts.system.system_class} has no joint-test statement"
    return True, f"statement {facts.system.joint_test}"


def _day(day: date | None, what: str, now: datetime) -> tuple[bool, str]:
    if day is None or day > finnish_day(now):
        return False, f"nothing shows that {what}"
    return True, f"{what} on {day}"


def _is_client(certificate: x509.Certificate, _organisation: Oid) -> bool:
    """Whether a certificate can be shown to Kanta as the client's side of mutual TLS (docs/field/pki.md 5.14)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages


def _is_system_signature(certificate: x509.Certificate, organisation: Oid) -> bool:
    """Whether a certificate is a system signature certificate of the organisation (docs/field/pki.md 5.10)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    serials = [str(name.value) for name in certificate.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)]
    return usage.content_commitment and serials == [organisation.value]


def _item(rule: str, met: bool, reason: str) -> Prerequisite:
    if met:
        return Prerequisite(rule, True, reason)
    return Prerequisite(rule, False, reason, provider_rules().finding(rule, f"Open: {reason}."))
