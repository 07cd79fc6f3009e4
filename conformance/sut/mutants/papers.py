"""Suppliers and providers with one paper out of order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from conformance.sut.facets import CertificateRole, Facet
from conformance.sut.facets_paperwork import Applicant, HoldsPaperwork, Paperwork, Trained
from conformance.sut.mutants.model import Mutant

Change = Callable[[Paperwork], Paperwork]
_SECURITY_PLAN = "information-security"


@dataclass(frozen=True)
class OtherPapers:
    """The papers of the reference system after one change."""

    papers: HoldsPaperwork
    change: Change

    def paperwork(self) -> Paperwork:
        return self.change(self.papers.paperwork())


def _part(name: str, **changed: Any) -> Change:
    """Another value in a part of the papers; a callable makes it from the part as it was."""

    def change(papers: Paperwork) -> Paperwork:
        part = getattr(papers, name)
        values = {key: value(part) if callable(value) else value for key, value in changed.items()}
        return replace(papers, **{name: replace(part, **values)})

    return change


def _order(role: CertificateRole, **changed: Any) -> Change:
    return lambda papers: replace(
        papers, orders=tuple(replace(one, **changed) if one.role is role else one for one in papers.orders)
    )


def _plan(**changed: Any) -> Change:
    return lambda papers: replace(
        papers, plans=tuple(replace(one, **changed) if one.kind == _SECURITY_PLAN else one for one in papers.plans)
    )


def _plan_without(part: str) -> Change:
    return lambda papers: _plan(parts=tuple(p for plan in papers.plans for p in plan.parts if p != part))(papers)


def _without_plans(papers: Paperwork) -> Paperwork:
    return replace(papers, plans=())


def _only_server(papers: Paperwork) -> Paperwork:
    return replace(papers, orders=tuple(one for one in papers.orders if one.role is CertificateRole.SERVER))


def _untrained(papers: Paperwork) -> Paperwork:
    return replace(papers, people=(*papers.people, Trained("C. Uusi")))


def _next_july(papers: Paperwork) -> Paperwork:
    assert papers.joint_test is not None
    begins = date(papers.joint_test.begins_on.year + 1, 7, 1)
    return replace(papers, joint_test=replace(papers.joint_test, begins_on=begins))


def _mutant(name: str, title: str, change: Change) -> Mutant:
    return Mutant(
        f"paperwork-{name}",
        title,
        Facet.PAPERWORK,
        lambda reference: {"papers": OtherPapers(reference.workplace.papers, change)},
    )


_SERVER, _SYSTEM = CertificateRole.SERVER, CertificateRole.SYSTEM_SIGNATURE
_DAY = timedelta(days=1)

MUTANTS = (
    _mutant("no-such-class", "States a class that does not exist", _part("system", system_class="A9")),
    _mutant("no-register-entry", "Is not in the register of information systems", _part("system", register_entry="")),
    _mutant("old-version", "Left an old version in the register", _part("system", register_version="3.9")),
    _mutant("expired-security", "Shows a security certificate that has ended",
            _part("security", issued_on=lambda s: s.issued_on - 900 * _DAY,
                  valid_to=lambda s: s.issued_on - _DAY, renewal_begins=lambda s: s.issued_on - 400 * _DAY)),
    _mutant("long-security", "Shows a security certificate of four years",
            _part("security", valid_to=lambda s: s.valid_to + 400 * _DAY)),
    _mutant("late-renewal", "Renews the security certificate in its last month",
            _part("security", renewal_begins=lambda s: s.valid_to - 30 * _DAY)),
    _mutant("no-statement", "Names no joint-test statement", _part("joint_test", statement_number="")),
    _mutant("late-registration", "Registers three weeks before testing",
            _part("joint_test", registered_on=lambda test: test.begins_on - 21 * _DAY)),
    _mutant("tests-in-july", "Wants to be tested in July", _next_july),
    _mutant("no-plan", "Has no plans", _without_plans),
    _mutant("plan-overdue", "Did not review its plan",
            _plan(review_by=date(2024, 1, 1), approved_on=date(2023, 1, 1))),
    _mutant("plan-without-training", "The plan does not speak of training", _plan_without("training")),
    _mutant("plan-without-networks", "The plan does not speak of networks", _plan_without("networks")),
    _mutant("oid-of-another", "The business id is not that of the OID",
            _part("organisation", business_id="0245437-2")),
    _mutant("marketing-name", "Orders in its marketing name", _order(_SERVER, organisation_name="Hyvä Klinikka!")),
    _mutant("no-system-signature", "Ordered no system signature certificate", _only_server),
    _mutant("supplier-applies", "The supplier applies in the provider's place",
            _order(_SYSTEM, applicant=Applicant.SUPPLIER)),
    _mutant("silent-intermediary", "An intermediary does not say that it is one",
            _order(_SYSTEM, applicant=Applicant.INTERMEDIARY)),
    _mutant("no-mailbox", "Gives no technical mailbox", _order(_SERVER, mailbox="")),
    _mutant("reorders-too-late", "Orders anew on the last day", _order(_SERVER, reorder_on=date(2199, 1, 1))),
    _mutant("slow-revocation", "Counts with three days for revocation", _part("revocation", hours=72)),
    _mutant("nobody-revokes", "Names nobody who asks for revocation", _part("revocation", responsible="")),
    _mutant("no-access-point", "Names no access point", lambda papers: replace(papers, access_point="")),
    _mutant("untrained-nurse", "Gave somebody access without training", _untrained),
)  # fmt: skip
