"""The papers of a vendor are read strictly: a typo or a wrong date is told, never read as a paper that is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import paperwork as cases
from conformance.check import Check
from conformance.declaring import case_of
from conformance.requirements import requirements
from conformance.sut.facets import CertificateRole, Skipped
from conformance.sut.facets_paperwork import Applicant, JointTest, Paperwork, PaperworkDirectory
from conformance.verdicts import CaseVerdict
from sotepki.clock import SetClock
from sotepki.errors import Misuse

EXAMPLE = Path(__file__).parents[2] / "conformance" / "examples" / "paperwork"

PAPERS = """
service: patient-data-repository
system: {name: Esimerkki, version: "4.2", system_class: A2}
organisation: {oid: 1.2.246.10.99000018.10.0, name: Hyvinvointialue, business_id: 9900001-8}
security: {number: T-1, issued_on: 2025-03-01, valid_to: 2028-02-29}
orders:
  - role: server
    applicant: controller
    organisation_name: Hyvinvointialue
    organisation_oid: 1.2.246.10.99000018.10.0
    contact_name: Tero Tekninen
    contact_organisation: Hyvinvointialue
    mailbox: varmenteet@alue.test.example
    valid_to: 2026-12-01
    reorder_on: 2026-10-15
people:
  - {person: A. Lääkäri, topics: [kanta, information-security]}
"""


def directory(tmp_path: Path, text: str | bytes) -> PaperworkDirectory:
    (tmp_path / "paperwork.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return PaperworkDirectory(tmp_path)


def test_papers_are_read(tmp_path: Path) -> None:
    papers = directory(tmp_path, PAPERS).paperwork()
    assert papers.orders[0].applicant is Applicant.CONTROLLER
    assert papers.security is not None and papers.security.valid_to.year == 2028
    assert papers.people[0].topics == ("kanta", "information-security")
    assert papers.plans == () and papers.joint_test is None


def test_the_example_has_every_key() -> None:
    """A vendor fills the example in: what it leaves out would never be known, and its cases would not be passed."""

    def told(record: object) -> None:
        assert is_dataclass(record)
        for member in fields(record):
            value = getattr(record, member.name)
            assert value, f"{type(record).__name__} lacks {member.name}"
            for one in value if isinstance(value, tuple) else (value,):
                if is_dataclass(one):
                    told(one)

    told(PaperworkDirectory(EXAMPLE).paperwork())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("system_class:", "systemclass:"), "unknown key 'systemclass'"),
        ((", business_id: 9900001-8", ""), "lacks business_id"),
        (("2028-02-29", "soon"), "must be of the kind date"),
        (("applicant: controller", "applicant: neighbour"), "known are controller"),
        (("applicant: controller", "applicant: [controller]"), "known are controller"),
        (("topics: [kanta, information-security]", "topics: kanta"), "must be a list"),
        (('version: "4.2"', "version: 4.2"), "must be of the kind str"),
        (("system: {", "system: [{"), "is not YAML"),
        (("service: patient-data-repository", "- service"), "is not YAML"),
        (("2028-02-29", "2027-02-29"), "paperwork.yaml, security, valid_to is 2027-02-29, which is no day"),
        (("2028-02-29", "2027-13-01"), "paperwork.yaml, security, valid_to is 2027-13-01, which is no day"),
        (("number: T-1", "number: 0x_"), "is not YAML"),
        (("people:", "service: other\npeople:"), "paperwork.yaml has the key 'service' twice .* is in line 16"),
        (("number: T-1", "number: T-1, number: T-2"), "the key 'number' twice in one mapping; .* is in line 5"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        directory(tmp_path, PAPERS.replace(*change)).paperwork()


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\x00", b"- 1\n- 2\n", b"x: " + b"[" * 5000, b"a" * 1_000_001])
def test_rubbish_is_refused(tmp_path: Path, text: bytes) -> None:
    """Bad input is a sentence, not a traceback."""
    with pytest.raises(Misuse):
        directory(tmp_path, text).paperwork()


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        PaperworkDirectory(tmp_path).paperwork()


def verdict(case: Callable[..., None], papers: Paperwork, **more: Any) -> CaseVerdict:
    declared = case_of(case)
    assert declared is not None
    check = Check(declared, requirements())
    try:
        case(paperwork=papers, check=check, **more)
    except Skipped:
        return CaseVerdict.SKIP
    return check.result(1).verdict


def test_every_order_of_a_system_signature_certificate_is_looked_at() -> None:
    """A supplier that applied for the second certificate would be refused by DVV, and the suite had passed it."""
    papers = PaperworkDirectory(EXAMPLE).paperwork()
    order = next(o for o in papers.orders if o.role is CertificateRole.SYSTEM_SIGNATURE)
    assert verdict(cases.applicant, papers) is CaseVerdict.PASS
    strange = replace(order, applicant=Applicant.SUPPLIER)
    assert verdict(cases.applicant, replace(papers, orders=(*papers.orders, strange))) is CaseVerdict.FAIL
    assert verdict(cases.applicant, replace(papers, orders=papers.orders[:1])) is CaseVerdict.SKIP


def test_the_newest_plan_counts() -> None:
    """Who keeps last year's plan in the papers, or next year's already, would fail though one is in force."""
    papers, clock = PaperworkDirectory(EXAMPLE).paperwork(), SetClock(datetime(2026, 11, 1, tzinfo=UTC))
    old = replace(papers.plans[0], approved_on=date(2024, 9, 1), review_by=date(2025, 8, 31))
    assert verdict(cases.plan_in_force, replace(papers, plans=(old, *papers.plans)), clock=clock) is CaseVerdict.PASS
    assert verdict(cases.plan_in_force, replace(papers, plans=(old,)), clock=clock) is not CaseVerdict.PASS
    coming = replace(papers.plans[0], approved_on=date(2026, 12, 15), review_by=date(2027, 12, 14), parts=())
    both = replace(papers, plans=(*papers.plans, coming))
    for case in (cases.plan_in_force, cases.plan_parts, cases.plan_other_parts):
        assert verdict(case, both, clock=clock) is CaseVerdict.PASS, case
        assert verdict(case, replace(papers, plans=(coming,)), clock=clock) is not CaseVerdict.PASS, case


@pytest.mark.parametrize(
    ("case", "more", "wanted"),
    [
        (cases.register_entry, {}, CaseVerdict.FAIL),
        (cases.security_certificate, {"clock": SetClock(datetime(2026, 9, 1, tzinfo=UTC))}, CaseVerdict.FAIL),
        (cases.joint_test_statement, {}, CaseVerdict.WARN),
    ],
)
def test_what_production_asks_for_is_not_asked_before_the_first_joint_test(
    tmp_path: Path, case: Callable[..., None], more: dict[str, Any], wanted: CaseVerdict
) -> None:
    """docs/field/kanta.md 11, row Astori: a supplier would fail before its first test for what comes after it."""
    bare = replace(directory(tmp_path, PAPERS).paperwork(), security=None)
    assert verdict(case, bare, **more) is wanted
    first = replace(bare, joint_test=JointTest(date(2026, 9, 1), date(2026, 11, 2)))
    assert verdict(case, first, **more) is CaseVerdict.SKIP
    system = replace(first.system, register_entry="TEST-1001")
    in_production = replace(first, system=system)
    assert verdict(case, in_production, **more) is (CaseVerdict.PASS if case is cases.register_entry else wanted)


def test_joint_testing_concerns_the_classes_that_are_tested() -> None:
    """docs/field/kanta.md 10, rows what and A1: a transmission service would be asked for what it never gets."""
    for name in ("joint-test-statement", "registration-time", "not-in-july"):
        bound = requirements()[f"paperwork.{name}"].actor.classes
        assert bound == requirements()["process.registration"].actor.classes == ("A2", "A3", "wellbeing"), name
