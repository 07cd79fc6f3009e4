"""Each way in which the supervisor's rules can be broken, and the last moment that is still good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from sotepki.valvira.supervision import EvidenceKind, MissingJointTest
from sotepki.valvira.supervision.guards import (
    DEVIATION_GUARDS,
    SYSTEM_GUARDS,
    DeviationCase,
    SystemCase,
    evidence_findings,
)
from sotepki.valvira.supervision.values import Evidence

NIGHT = datetime(2026, 5, 4, 20, 59, tzinfo=UTC)
"""One minute before the end of the day in Finland."""
TODAY, YESTERDAY, TOMORROW = date(2026, 5, 4), date(2026, 5, 3), date(2026, 5, 5)

CERTIFICATE = Evidence(EvidenceKind.SECURITY_CERTIFICATE, "T-1", "x", date(2025, 1, 1), date(2028, 1, 1))
JOINT_TEST = Evidence(EvidenceKind.JOINT_TEST, "20142026", "Kela", date(2025, 1, 1), None)
SYSTEM = SystemCase(NIGHT, "x", "A2", (CERTIFICATE, JOINT_TEST), (), MissingJointTest.BAR)


def shown(*evidence: Evidence, **changes: object) -> SystemCase:
    return replace(SYSTEM, evidence=evidence, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("reason", replace(SYSTEM, reason=" "), "is empty"),
        ("reason", replace(SYSTEM, reason="x" * 501), "longer than 500"),
        ("reason", replace(SYSTEM, reason="a\nb"), "not text"),
        ("reason", replace(SYSTEM, reason="of 010181-900C"), "identity code"),
        ("reason", replace(SYSTEM, reason="x" * 500), ""),
        ("security-certificate", shown(JOINT_TEST), "has no security certificate"),
        ("security-certificate", shown(replace(CERTIFICATE, valid_to=YESTERDAY)), "its last day is 2026-05-03"),
        ("security-certificate", shown(replace(CERTIFICATE, issued_on=TOMORROW)), "its first day is 2026-05-05"),
        ("security-certificate", shown(replace(CERTIFICATE, valid_to=TODAY)), ""),
        ("security-certificate", shown(replace(CERTIFICATE, issued_on=TODAY)), ""),
        ("security-certificate", shown(system_class="B"), ""),
        ("security-certificate", shown(replace(CERTIFICATE, valid_to=YESTERDAY), CERTIFICATE), ""),
        ("joint-test", shown(CERTIFICATE), "no statement of joint testing"),
        ("joint-test", shown(replace(JOINT_TEST, valid_to=YESTERDAY)), "no statement of joint testing"),
        ("joint-test", shown(CERTIFICATE, system_class="A1"), ""),
        ("joint-test", shown(CERTIFICATE, missing_joint_test=MissingJointTest.WARN), ""),
        ("joint-test", SYSTEM, ""),
        ("joint-test.conditions", shown(CERTIFICATE), ""),
        ("joint-test.conditions", shown(CERTIFICATE, missing_joint_test=MissingJointTest.WARN), "no statement"),
        ("deviation.open", replace(SYSTEM, open_deviations=("TEST-DEV-0001",)), "TEST-DEV-0001 is open"),
        ("deviation.open", SYSTEM, ""),
    ],
)
def test_a_system_is_held_back_for_this_and_not_for_that(rule: str, case: SystemCase, words: str) -> None:
    objection = SYSTEM_GUARDS[f"supervision.{rule}"](case)
    assert (objection is None) == (not words), objection
    assert words in str(objection)


@pytest.mark.parametrize(("deadline", "good"), [(None, False), (TODAY, False), (TOMORROW, True)])
def test_measures_are_required_by_a_day_that_is_still_to_come(deadline: date | None, good: bool) -> None:
    assert (DEVIATION_GUARDS["supervision.deviation.deadline"](DeviationCase(NIGHT, "x", deadline)) is None) is good


@pytest.mark.parametrize(
    ("case", "rules"),
    [
        (SYSTEM, []),
        (shown(), ["supervision.security-certificate", "supervision.joint-test"]),
        (shown(replace(CERTIFICATE, valid_to=date(2026, 11, 4)), JOINT_TEST), ["supervision.renewal"]),
        (shown(replace(CERTIFICATE, valid_to=date(2026, 11, 5)), JOINT_TEST), []),
        (shown(replace(CERTIFICATE, valid_to=TODAY), CERTIFICATE, JOINT_TEST), []),
        (shown(replace(CERTIFICATE, valid_to=YESTERDAY), JOINT_TEST), ["supervision.security-certificate"]),
    ],
)
def test_a_provider_is_told_what_is_missing_and_what_is_soon_to_be_renewed(
    case: SystemCase, rules: list[str]
) -> None:
    assert [finding.rule for finding in evidence_findings(case, "x")] == rules
