"""What must hold before a step is taken: one function per rule that a transition names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sotepki.clock import finnish_day, months_after
from sotepki.evidence import Finding
from sotepki.identifiers import holds_identity_code, is_blank, is_plain_line
from sotepki.states import Guard, Objection
from sotepki.valvira.supervision.data import MissingJointTest, SystemClass, supervision_data, supervision_rules
from sotepki.valvira.supervision.values import Evidence, EvidenceKind

LONGEST_REASON: Final = 500
DEADLINE_RULE: Final = "supervision.deviation.deadline"


@dataclass(frozen=True)
class SystemCase:
    """What the guards of a system look at."""

    now: datetime
    reason: str
    system_class: str
    evidence: Sequence[Evidence]
    open_deviations: Sequence[str]
    missing_joint_test: MissingJointTest


@dataclass(frozen=True)
class DeviationCase:
    """What the guards of a deviation look at."""

    now: datetime
    reason: str
    deadline: date | None


def text_objection(text: str, what: str) -> Objection | None:
    """What speaks against a text: it is empty, too long, not one line of text, or holds a personal identity code."""
    if is_blank(text) or len(text) > LONGEST_REASON or not is_plain_line(text):
        return Objection(f"{what} is empty, longer than {LONGEST_REASON} characters, or not text.")
    if holds_identity_code(text):
        return Objection(f"{what} holds a personal identity code.")
    return None


def _reason(case: SystemCase | DeviationCase) -> Objection | None:
    return text_objection(case.reason, "The reason")


def _security_certificate(case: SystemCase) -> Objection | None:
    if not _class_of(case).security_certificate or _shown(case, EvidenceKind.SECURITY_CERTIFICATE):
        return None
    earlier = [one for one in case.evidence if one.kind is EvidenceKind.SECURITY_CERTIFICATE]
    if earlier:
        one = earlier[-1]
        if finnish_day(case.now) < one.issued_on:
            return Objection(
                f"The security certificate {one.number} is not in force; its first day is {one.issued_on}."
            )
        return Objection(f"The security certificate {one.number} is not in force; its last day is {one.valid_to}.")
    return Objection(f"The system is of class {case.system_class} and has no security certificate.")


def _joint_test(case: SystemCase) -> Objection | None:
    return _without_joint_test(case) if case.missing_joint_test is MissingJointTest.BAR else None


def _joint_test_conditions(case: SystemCase) -> Objection | None:
    return _without_joint_test(case) if case.missing_joint_test is MissingJointTest.WARN else None


def _deviation_open(case: SystemCase) -> Objection | None:
    if case.open_deviations:
        return Objection(f"The significant deviation {case.open_deviations[0]} is open.")
    return None


def _deadline(case: DeviationCase) -> Objection | None:
    if case.deadline is None or case.deadline <= finnish_day(case.now):
        return Objection("The measures have no day by which they are to be done, or it has passed.")
    return None


SYSTEM_GUARDS: Mapping[str, Guard[SystemCase]] = {
    "supervision.reason": _reason,
    "supervision.security-certificate": _security_certificate,
    "supervision.joint-test": _joint_test,
    "supervision.joint-test.conditions": _joint_test_conditions,
    "supervision.deviation.open": _deviation_open,
}
DEVIATION_GUARDS: Mapping[str, Guard[DeviationCase]] = {
    "supervision.reason": _reason,
    DEADLINE_RULE: _deadline,
}
_EVIDENCE_RULES = ("supervision.security-certificate", "supervision.joint-test", "supervision.joint-test.conditions")


def evidence_findings(case: SystemCase, where: str) -> list[Finding]:
    """What is missing of a system's evidence at the moment of the case, and a renewal that is due."""
    found = []
    for rule in _EVIDENCE_RULES:
        objection = SYSTEM_GUARDS[rule](case)
        if objection is not None:
            finding = supervision_rules().finding(rule, objection.sentence, where=where)
            # The office refuses by its rule, whatever the rule could weigh against somebody else's work.
            found.append(replace(finding, severity=supervision_rules()[rule].severity))
    certificates = _shown(case, EvidenceKind.SECURITY_CERTIFICATE)
    last = max((one.valid_to for one in certificates if one.valid_to), default=None)
    months = supervision_data().renewal_months
    if last is not None and last <= months_after(finnish_day(case.now), months):
        found.append(
            supervision_rules().finding(
                "supervision.renewal", f"The security certificate ends on {last}.", where=where
            )
        )
    return found


def _class_of(case: SystemCase) -> SystemClass:
    return supervision_data().classes[case.system_class]


def _shown(case: SystemCase, kind: EvidenceKind) -> list[Evidence]:
    return [one for one in case.evidence if one.kind is kind and one.in_force(case.now)]


def _without_joint_test(case: SystemCase) -> Objection | None:
    if not _class_of(case).joint_test or _shown(case, EvidenceKind.JOINT_TEST):
        return None
    return Objection(f"The system is of class {case.system_class} and has no statement of joint testing in force.")
