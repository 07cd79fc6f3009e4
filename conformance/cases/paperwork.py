"""The papers before joint testing and before joining Kanta, judged by their dates, names and numbers."""

from __future__ import annotations

from datetime import date, timedelta

from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets import CertificateRole, Skipped
from conformance.sut.facets_paperwork import Applicant, CertificateOrder, Paperwork, PlanPapers
from sotepki.clock import Clock, finnish_day, months_after
from sotepki.errors import Refused
from sotepki.evidence import Grade
from sotepki.identifiers import BusinessId, Oid
from sotepki.provider.join_lists import join_data
from sotepki.provider.plans import plan_kinds
from sotepki.valvira.supervision.data import SystemClass, supervision_data

INTERMEDIARY_WORDS = "KanTa-välittäjä"
_REGISTER_MONTHS, _DELIVERY_DAYS, _JULY, _LONGEST_REVOCATION = 2, 7, 7, 24

declares = family(Area.PAPERWORK, Phase.PRE_TEST)


@declares("paperwork.system-class", "The system states its class", "paperwork-no-such-class")
def system_class(paperwork: Paperwork, check: Check) -> None:
    """The supplier classifies the system before anything else: the class decides whether it is joint-tested.

    The case looks whether the stated class is one of the classes that are publicly known.
    """
    found, known = paperwork.system.system_class, supervision_data().classes
    _judge(check, found in known, "The stated class is none of the known ones.", ", ".join(known), found)


@declares(
    "paperwork.register-entry", "The system is in the register of information systems", "paperwork-no-register-entry"
)
def register_entry(paperwork: Paperwork, check: Check) -> None:
    """A system is entered in the register of information systems (Astori) before it is used in production.

    The case looks for the number of the entry; the use of a system without one is barred.
    """
    _skip_before_first_test(paperwork, check)
    entry = paperwork.system.register_entry
    _judge(check, bool(entry), "No entry in the register of information systems is named.", "an entry", entry)


@declares(
    "paperwork.register-version", "The register entry is of the version that is tested", "paperwork-old-version"
)
def register_version(paperwork: Paperwork, check: Check) -> None:
    """The entry is kept up to date: the version in the register and the version that comes to the test are the same.

    An old version in the register makes it unclear to everybody what was tested.
    """
    system = paperwork.system
    if not system.register_entry:
        check.skip("The system has no register entry; see the case paperwork.register-entry.")
    message = "The register has another version than the one that comes to the test."
    _judge(check, system.version == system.register_version, message, system.version, system.register_version)


@declares(
    "paperwork.security-certificate",
    "The security certificate is in force and no longer than three years",
    "paperwork-expired-security",
    "paperwork-long-security",
)
def security_certificate(paperwork: Paperwork, clock: Clock, check: Check) -> None:
    """A system of class A shows a security certificate that is in force today.

    It is renewed every three years, so one that claims to last longer was read wrong or is no such certificate.
    """
    if not _rules(paperwork, check).security_certificate:
        check.skip("A system of this class shows no security certificate.")
    if paperwork.security is None:
        _skip_before_first_test(paperwork, check)
    held, today = paperwork.security, finnish_day(clock.now())
    longest = months_after(held.issued_on, 12 * supervision_data().security_certificate_years) if held else today
    met = held is not None and held.issued_on <= today <= held.valid_to <= longest
    found = f"{held.issued_on} to {held.valid_to}" if held else "none"
    _judge(
        check, met, "No security certificate of at most three years is in force.", f"one that covers {today}", found
    )


@declares(
    "paperwork.security-renewal",
    "The renewal of the security certificate begins six months before its end",
    "paperwork-late-renewal",
)
def security_renewal(paperwork: Paperwork, check: Check) -> None:
    """Kela and the assessor are contacted six months before the security certificate ends.

    Kela then decides which joint tests are needed; whoever begins later may stand without a certificate.
    """
    held = paperwork.security
    if held is None:
        check.skip("No security certificate is shown; see the case paperwork.security-certificate.")
        return
    latest = months_after(held.valid_to, -supervision_data().renewal_months)
    met = held.renewal_begins is not None and held.renewal_begins <= latest
    _judge(check, met, "The renewal begins too late, or is not planned.", f"by {latest}", str(held.renewal_begins))


@declares(
    "paperwork.joint-test-statement", "Kela's statement is named by its number and date", "paperwork-no-statement"
)
def joint_test_statement(paperwork: Paperwork, check: Check) -> None:
    """A system of class A2 or A3 names Kela's joint-test statement by number and date before production.

    Newer pages allow use without it under conditions, so the lack of it is a warning only.
    """
    if not _rules(paperwork, check).joint_test:
        check.skip("A system of this class is not joint-tested.")
    _skip_before_first_test(paperwork, check)
    test = paperwork.joint_test
    met = test is not None and test.statement_number.isdigit() and test.statement_date is not None
    found = f"{test.statement_number or 'no number'}, {test.statement_date}" if test else "nothing"
    _judge(check, met, "No joint-test statement is named.", "a running number and a date", found)


@declares(
    "paperwork.registration-time", "Registration for joint testing is two months ahead", "paperwork-late-registration"
)
def registration_time(paperwork: Paperwork, check: Check) -> None:
    """A supplier registers for joint testing at least two months before it is to begin.

    Later registrations wait for the next round, and the deployment with them.
    """
    test = paperwork.joint_test
    if test is None:
        check.skip("No joint testing is registered for.")
        return
    latest = months_after(test.begins_on, -_REGISTER_MONTHS)
    met = test.registered_on <= latest
    _judge(check, met, "The registration is less than two months ahead.", f"by {latest}", str(test.registered_on))


@declares("paperwork.not-in-july", "No joint testing is planned for July", "paperwork-tests-in-july")
def not_in_july(paperwork: Paperwork, check: Check) -> None:
    """Kela does no joint testing in July. The case looks at the day on which the supplier means to begin."""
    test = paperwork.joint_test
    if test is None:
        check.skip("No joint testing is registered for.")
        return
    _judge(check, test.begins_on.month != _JULY, "Testing is to begin in July.", "another month", str(test.begins_on))


@declares(
    "paperwork.plan",
    "The information-security plan is in force and reviewed in time",
    "paperwork-no-plan",
    "paperwork-plan-overdue",
)
def plan_in_force(paperwork: Paperwork, clock: Clock, check: Check) -> None:
    """A provider that joins Kanta has an information-security plan in force and reviews it when it said it would.

    The case compares the day of approval and the next review with today.
    """
    today = finnish_day(clock.now())
    plan = _security_plan(paperwork, today)
    met = plan is not None and plan.approved_on <= today <= plan.review_by
    found = f"approved {plan.approved_on}, review by {plan.review_by}" if plan else "no plan"
    _judge(check, met, "No information-security plan is in force and reviewed in time.", f"one for {today}", found)


@declares("paperwork.plan-parts", "The plan tells what the act asks it to tell", "paperwork-plan-without-training")
def plan_parts(paperwork: Paperwork, clock: Clock, check: Check) -> None:
    """The information-security plan has the parts that public instructions name: training, instructions, upkeep.

    The case compares the list of parts that the provider gives with those that are firmly known.
    """
    _parts(paperwork, clock, check, firm=True)


@declares(
    "paperwork.plan-other-parts", "The plan tells what such plans usually tell", "paperwork-plan-without-networks"
)
def plan_other_parts(paperwork: Paperwork, clock: Clock, check: Check) -> None:
    """Further parts are known from copies and from memory only, such as networks, access rights and incidents.

    A plan that lacks one is pointed out, never failed.
    """
    _parts(paperwork, clock, check, firm=False)


@declares("paperwork.organisation", "The organisation's OID belongs to its business id", "paperwork-oid-of-another")
def organisation(paperwork: Paperwork, check: Check) -> None:
    """An organisation OID is built from the business id (Y-tunnus). Only organisations in THL's register get sote
    certificates, and a mistyped OID comes back from DVV.

    The case takes the business id out of the OID and compares the two.
    """
    oid, business_id = paperwork.organisation.oid, paperwork.organisation.business_id
    try:
        digits = BusinessId.parse(business_id).value.replace("-", "").lstrip("0")
        met = Oid.parse(oid).value.startswith(f"1.2.246.10.{digits}.")
    except Refused:
        met = False
    _judge(check, met, "The OID is not built from the business id.", f"1.2.246.10.<{business_id}>.", oid)


@declares("paperwork.names", "Certificates are ordered in the name that the register has", "paperwork-marketing-name")
def names(paperwork: Paperwork, check: Check) -> None:
    """The name and the OID on every order are those of the organisation register, not a marketing name.

    What the register does not know is returned, and every return costs days.
    """
    own = paperwork.organisation
    allowed = {own.name, own.long_name} - {""}
    wrong = [
        o.organisation_name
        for o in paperwork.orders
        if o.organisation_name not in allowed or o.organisation_oid != own.oid
    ]
    _judge(check, not wrong, "An order bears another name or OID.", " or ".join(sorted(allowed)), ", ".join(wrong))


@declares("paperwork.orders", "Every certificate that the service needs is ordered", "paperwork-no-system-signature")
def orders(paperwork: Paperwork, check: Check) -> None:
    """Kanta asks for a server certificate; the Patient Data Repository also for a system signature certificate.

    The case compares the orders with the list of the service that the provider joins.
    """
    if paperwork.service not in join_data().lists:
        check.skip(f"There is no list for the service {paperwork.service[:40]}.")
    rules = join_data().lists[paperwork.service].rules
    roles = (CertificateRole.SERVER, CertificateRole.SYSTEM_SIGNATURE)
    wanted = {role for role in roles if f"join.{role}-certificate" in rules}
    missing = wanted - {order.role for order in paperwork.orders}
    _judge(check, not missing, "A certificate is not ordered.", ", ".join(sorted(wanted)), ", ".join(sorted(missing)))


@declares(
    "paperwork.applicant",
    "The right organisation applies for the system signature certificate",
    "paperwork-supplier-applies",
    "paperwork-silent-intermediary",
)
def applicant(paperwork: Paperwork, check: Check) -> None:
    """The provider that controls the system applies, also when somebody else runs it, or a registered Kanta
    intermediary in its own name. Then the technical contact's organisation field says "KanTa-välittäjä".

    A supplier that is neither is refused.
    """
    ordered = [o for o in paperwork.orders if o.role is CertificateRole.SYSTEM_SIGNATURE]
    if not ordered:
        check.skip("No system signature certificate is ordered.")
    wrong = [f"{o.applicant}, contact of {o.contact_organisation}" for o in ordered if not _entitled(o)]
    message = "The applicant is not entitled, or does not say so."
    _judge(check, not wrong, message, "controller or intermediary", "; ".join(wrong))


@declares(
    "paperwork.technical-contact",
    "Every order names a technical contact and a shared mailbox",
    "paperwork-no-mailbox",
)
def technical_contact(paperwork: Paperwork, check: Check) -> None:
    """DVV delivers certificates by e-mail to the shared technical mailbox and to the technical contact.

    An order that names nobody is delivered to nobody.
    """
    wrong = [str(o.role) for o in paperwork.orders if not o.contact_name or "@" not in o.mailbox]
    _judge(check, not wrong, "An order lacks its contact or mailbox.", "a name and an address", ", ".join(wrong))


@declares(
    "paperwork.renewal-calendar",
    "New certificates are ordered before the old ones end",
    "paperwork-reorders-too-late",
)
def renewal_calendar(paperwork: Paperwork, check: Check) -> None:
    """A service certificate is never prolonged: it is ordered anew, and delivery takes about a week.

    The case looks whether the day of the next order leaves that week for every certificate.
    """
    late = [
        f"{o.role} on {o.reorder_on}, ends {o.valid_to}"
        for o in paperwork.orders
        if o.reorder_on > o.valid_to - timedelta(days=_DELIVERY_DAYS)
    ]
    _judge(check, not late, "A certificate is reordered too late.", "a week before its end", "; ".join(late))


@declares(
    "paperwork.revocation-plan",
    "It is settled how a lost key is revoked within a day",
    "paperwork-slow-revocation",
    "paperwork-nobody-revokes",
)
def revocation_plan(paperwork: Paperwork, check: Check) -> None:
    """Somebody is named who asks for revocation when a key is disclosed, and knows that it is done in 24 hours.

    The case looks at the name and at the time that the provider counts with.
    """
    plan = paperwork.revocation
    met = plan is not None and bool(plan.responsible) and 0 < plan.hours <= _LONGEST_REVOCATION
    found = f"{plan.responsible or 'nobody'}, {plan.hours} h" if plan else "no plan"
    _judge(check, met, "There is no plan for revocation within a day.", "a person, at most 24 h", found)


@declares("paperwork.access-point", "The access point to Kanta is named", "paperwork-no-access-point")
def access_point(paperwork: Paperwork, check: Check) -> None:
    """Every provider has at least one Kanta access point, its own or an intermediary's, and tells Kela which."""
    _judge(check, bool(paperwork.access_point), "No access point is named.", "an access point", "none")


@declares("paperwork.training", "Everybody with access is trained", "paperwork-untrained-nurse")
def training(paperwork: Paperwork, check: Check) -> None:
    """Whoever uses the Kanta services is trained in them and in information security.

    The case goes through the people with access and names the number of those who lack a topic.
    """
    lacking = [p for p in paperwork.people if not set(join_data().topics) <= set(p.topics)]
    met = bool(paperwork.people) and not lacking
    _judge(check, met, "Somebody with access is not trained.", "all topics for all", f"{len(lacking)} not trained")


def _entitled(order: CertificateOrder) -> bool:
    said = INTERMEDIARY_WORDS in order.contact_organisation
    return order.applicant is Applicant.CONTROLLER or (order.applicant is Applicant.INTERMEDIARY and said)


def _judge(check: Check, met: bool, message: str, expected: str, found: str) -> None:
    check.that(check.case.id, met, message, expected=expected, found=found)


def _skip_before_first_test(paperwork: Paperwork, check: Check) -> None:
    """Skip what production use asks for, while a system without a register entry waits for its first joint test."""
    test = paperwork.joint_test
    if test is not None and not test.statement_number and not paperwork.system.register_entry:
        check.skip("The first joint test is still to come; this is asked for before production use.")


def _rules(paperwork: Paperwork, check: Check) -> SystemClass:
    known = supervision_data().classes.get(paperwork.system.system_class)
    if known is None:
        raise Skipped("The class of the system is not known; see the case paperwork.system-class.")
    return known


def _security_plan(paperwork: Paperwork, today: date) -> PlanPapers | None:
    """The newest one that is approved by now; last year's and next year's may lie in the papers beside it."""
    plans = [plan for plan in paperwork.plans if plan.kind == "information-security"]
    approved = [plan for plan in plans if plan.approved_on <= today]
    return max(approved or plans, key=lambda plan: plan.approved_on, default=None)


def _parts(paperwork: Paperwork, clock: Clock, check: Check, *, firm: bool) -> None:
    plan = _security_plan(paperwork, finnish_day(clock.now()))
    if plan is None:
        check.skip("There is no information-security plan; see the case paperwork.plan.")
        return
    known = plan_kinds()[plan.kind].parts.values()
    wanted = [part.id for part in known if (part.grade is Grade.CONFIRMED) == firm]
    missing = [part for part in wanted if part not in plan.parts]
    _judge(check, not missing, "The plan lacks parts.", ", ".join(wanted), f"without {', '.join(missing)}")
