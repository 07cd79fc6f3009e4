"""What an organisation needs to join a Kanta service, evaluated with a reason for each open item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sotepki.clock import finnish_day
from sotepki.errors import Refused
from sotepki.evidence import Finding, Severity
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider.access import AccessRights
from sotepki.provider.books import SupportContact
from sotepki.provider.join_lists import JoinList, join_data
from sotepki.provider.plans import Plan, plan_kinds
from sotepki.provider.task_list import provider_rules
from sotepki.records import Records
from sotepki.registers import Organisation, OrganisationRegister
from sotepki.x509.chains import in_time
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.serials import serial_text
from sotepki.x509.status import CertificateState, CertificateStatus

StatusOf = Callable[[x509.Certificate], CertificateStatus]
Answer = tuple[bool, str]

SECURITY_PLAN, SELF_MONITORING_PLAN = "information-security", "self-monitoring"


@dataclass(frozen=True)
class InformationSystem:
    """A system as its supplier and the registers describe it; None or empty where nothing is known.

    Attributes:
        register_entry: its id in the register of information systems; ``bars`` says what bars its use there.
        security_certificate_to: the last day of its security certificate.
        joint_test: the number of Kela's statement.
        approval: its entry in Kela's register of approved systems; ``approval_trouble`` says why there is none.
    """

    name: str
    register_entry: str = ""
    system_class: str = ""
    security_certificate_to: date | None = None
    joint_test: str = ""
    bars: tuple[str, ...] = ()
    approval: str = ""
    approval_trouble: str = ""


@dataclass(frozen=True)
class JoiningFacts:
    """What the provider can show for one of the lists of ``lists.yaml``.

    ``untrained`` are the people with access who lack training, by topic; ``models`` the operating models agreed on,
    each with its day; ``plans`` the plans in force by kind.
    """

    organisation: Oid
    service: str
    system: InformationSystem | None = None
    certificates: Sequence[x509.Certificate] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    support: SupportContact | None = None
    access_point: str = ""
    untrained: Mapping[str, Sequence[RegistrationNumber]] = field(default_factory=dict)
    models: Mapping[str, date] = field(default_factory=dict)


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
    """The prerequisites lists. ``status`` tells the state of a certificate, as OCSP does."""

    def __init__(
        self, records: Records, organisations: OrganisationRegister, access: AccessRights, status: StatusOf
    ) -> None:
        self.records = records
        self.organisations = organisations
        self.access = access
        self.status = status
        self._answers: Mapping[str, Callable[[JoiningFacts], Answer]] = {
            "join.organisation-register": self._in_register,
            "join.organisation-kind": self._of_the_kind,
            "join.long-name": self._long_name,
            "join.system-registered": _registered,
            "join.security-certificate": self._secured,
            "join.joint-test": _joint_tested,
            "join.system-approved": _approved,
            "join.server-certificate": lambda facts: self._certificate(facts, _is_client),
            "join.system-signature-certificate": lambda facts: self._certificate(facts, _is_system_signature),
            "join.plan": lambda facts: self._plan(facts, SECURITY_PLAN),
            "join.self-monitoring-plan": lambda facts: self._plan(facts, SELF_MONITORING_PLAN),
            "join.technical-support": _supported,
            "join.access-point": _access_point,
            "join.staff-rights": self._staff,
            "join.prescriber": lambda facts: self._somebody(facts, "prescribing"),
            "join.dispenser": lambda facts: self._somebody(facts, "dispensing"),
            "join.staff-trained": self._trained,
            "join.operating-models": _models,
        }

    def evaluate(self, facts: JoiningFacts) -> Readiness:
        """Every item of the service's list with its reason, in the order of the list.

        Raises:
            Refused: ``join.service``.
        """
        answers = [(rule, self._answers[rule](facts)) for rule in list_of(facts.service).rules]
        return Readiness(tuple(_item(rule, met, reason) for rule, (met, reason) in answers))

    def _now(self) -> datetime:
        return self.records.clock.now()

    def _organisation(self, facts: JoiningFacts) -> Organisation | None:
        return self.organisations.organisation(facts.organisation)

    def _in_register(self, facts: JoiningFacts) -> Answer:
        found = self._organisation(facts)
        return (True, found.name) if found else (False, f"{facts.organisation} is not in the register")

    def _of_the_kind(self, facts: JoiningFacts) -> Answer:
        found, wanted = self._organisation(facts), list_of(facts.service).organisations
        if found is None:
            return True, "decided when the organisation is in the register"
        if found.kind in wanted:
            return True, f"{found.kind} joins this service"
        return False, f"{found.kind} is none of those that join this service: {', '.join(sorted(wanted))}"

    def _long_name(self, facts: JoiningFacts) -> Answer:
        found = self._organisation(facts)
        if found is None or not found.long_name:
            return False, "the register has no long name for the organisation"
        return True, f"long name {found.long_name!r}"

    def _secured(self, facts: JoiningFacts) -> Answer:
        today, last = finnish_day(self._now()), facts.system.security_certificate_to if facts.system else None
        if last is None:
            return False, "no security certificate is shown"
        return last >= today, f"the security certificate {'is' if last >= today else 'was'} valid to {last}"

    def _certificate(self, facts: JoiningFacts, fits: Callable[[x509.Certificate, Oid], bool]) -> Answer:
        now, reason = self._now(), "no such certificate is shown"
        for certificate in facts.certificates:
            if not fits(certificate, facts.organisation):
                continue
            serial = serial_text(certificate.serial_number)
            if not in_time(certificate, now):
                reason = f"the certificate {serial} is not valid at {now:%Y-%m-%d}"
            elif (state := self.status(certificate).state) is not CertificateState.GOOD:
                reason = f"the certificate {serial} is {state.value}"
            else:
                return True, f"certificate {serial}, valid to {certificate.not_valid_after_utc:%Y-%m-%d}"
        return False, reason

    def _plan(self, facts: JoiningFacts, kind: str) -> Answer:
        found, plan = self._organisation(facts), facts.plans.get(kind)
        if plan is None and found is not None and not plan_kinds()[kind].wanted(found.kind):
            return True, f"{found.kind} writes none"
        if plan is None:
            return False, f"no {kind} plan is in force"
        if plan.review_due(finnish_day(self._now())):
            return False, f"the {kind} plan, version {plan.version}, was to be reviewed by {plan.review_by}"
        return True, f"the {kind} plan, version {plan.version}, is in force; next review by {plan.review_by}"

    def _staff(self, facts: JoiningFacts) -> Answer:
        held, lost = self.access.held(facts.organisation), self.access.without_right(facts.organisation)
        if not held:
            return False, "no access rights have been given"
        if lost:
            return False, f"{len(lost)} of {len(held)} access rights do not rest on a right in force"
        return True, f"{len(held)} access rights rest on rights in force"

    def _somebody(self, facts: JoiningFacts, task: str) -> Answer:
        lost = {one.id for one, _ in self.access.without_right(facts.organisation)}
        able = [one for one in self.access.held(facts.organisation) if one.task == task and one.id not in lost]
        return bool(able), f"{len(able) or 'nobody'} may do the task {task!r}"

    def _trained(self, facts: JoiningFacts) -> Answer:
        if not self.access.held(facts.organisation):
            return False, "nobody has access, so nobody is trained"
        open_topics = {topic: people for topic, people in facts.untrained.items() if people}
        if not open_topics:
            return True, f"everybody with access is trained: {', '.join(join_data().topics)}"
        return False, "without training: " + ", ".join(
            f"{len(people)} of those with access on {topic}" for topic, people in open_topics.items()
        )


def list_of(service: str) -> JoinList:
    """The list of a service.

    Raises:
        Refused: ``join.service``.
    """
    if service not in join_data().lists:
        raise _no_such_list(service)
    return join_data().lists[service]


def _no_such_list(service: str) -> Refused:
    known = ", ".join(join_data().lists)
    return provider_rules().refusal("join.service", f"There is no list {service[:40]!r}; there are: {known}.")


def _registered(facts: JoiningFacts) -> Answer:
    if facts.system is None:
        return False, "no information system is named"
    if not facts.system.register_entry:
        return False, f"the system {facts.system.name} has no register entry"
    if facts.system.bars:
        return False, f"the use of {facts.system.register_entry} is barred: {facts.system.bars[0].rstrip('.')}"
    return True, f"{facts.system.name}, entry {facts.system.register_entry}"


def _joint_tested(facts: JoiningFacts) -> Answer:
    if facts.system is None:
        return False, "no information system is named"
    if facts.system.system_class not in ("A2", "A3"):
        named = facts.system.system_class or "unknown"
        return named in ("A1", "B"), f"the class of the system is {named}"
    if not facts.system.joint_test:
        return False, f"the system of class {facts.system.system_class} has no joint-test statement"
    return True, f"statement {facts.system.joint_test}"


def _approved(facts: JoiningFacts) -> Answer:
    if facts.system is None:
        return False, "no information system is named"
    if facts.system.system_class in ("A1", "B"):
        return True, f"a system of class {facts.system.system_class} is not in Kela's register"
    trouble = facts.system.approval_trouble or f"Kela's register has no approval of {facts.system.name}"
    return bool(facts.system.approval), facts.system.approval or trouble


def _supported(facts: JoiningFacts) -> Answer:
    if facts.support is None:
        return False, "no technical support contact is named"
    return True, f"{facts.support.name}, {facts.support.telephone}"


def _access_point(facts: JoiningFacts) -> Answer:
    return bool(facts.access_point), facts.access_point or "no access point is named"


def _models(facts: JoiningFacts) -> Answer:
    missing = [model for model in join_data().models if model not in facts.models]
    if missing:
        return False, f"not agreed on: {', '.join(missing)}"
    return True, f"all agreed on, the last on {max(facts.models.values())}"


def _is_client(certificate: x509.Certificate, _organisation: Oid) -> bool:
    """Whether a certificate can be shown to Kanta as the client's side of mutual TLS (docs/field/pki.md 5.14)."""
    usages = readable_extension(certificate, x509.ExtendedKeyUsage)
    return usages is not None and ExtendedKeyUsageOID.CLIENT_AUTH in usages


def _is_system_signature(certificate: x509.Certificate, organisation: Oid) -> bool:
    """Whether a certificate is a system signature certificate of the organisation (docs/field/pki.md 5.10)."""
    usage = readable_extension(certificate, x509.KeyUsage)
    serials = [str(name.value) for name in certificate.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)]
    return usage is not None and usage.content_commitment and serials == [organisation.value]


def _item(rule: str, met: bool, reason: str) -> Prerequisite:
    if met:
        return Prerequisite(rule, True, reason)
    return Prerequisite(rule, False, reason, provider_rules().finding(rule, f"Open: {reason}."))
