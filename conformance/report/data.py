"""The report as plain data, in the shape of docs/schemas/report.schema.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from conformance.catalogue import catalogue
from conformance.declaring import Case
from conformance.requirements import Requirement, requirements
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Summary
from sotepki import __version__

FORMAT = "sotepki-conformance-report/1"
DISCLAIMER = (
    "This is not a test by Kela and not a statement of joint testing. It is a rehearsal against an emulated "
    "environment, judged by what is publicly known."
)


def report_data(sut: SystemUnderTest, summary: Summary) -> dict[str, Any]:
    """Everything that a report shows; strings, numbers, lists and mappings only."""
    declared = {case.id: case for case in catalogue()}
    return {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "sotepki_version": __version__,
        "system": {"name": sut.name, "kind": sut.kind, "facets": [str(f) for f in sut.attached()]},
        "started": summary.started.isoformat(timespec="seconds"),
        "finished": summary.finished.isoformat(timespec="seconds"),
        "complete": summary.complete,
        "summary": {str(verdict): count for verdict, count in summary.counts.items()},
        "cases": [_case(declared[result.case], result) for result in summary.results],
        "requirements": _coverage(summary),
    }


def _case(declared: Case, result: CaseResult) -> dict[str, Any]:
    return {
        **{key: value for key, value in declared.as_dict().items() if key != "mutants"},
        "verdict": str(result.verdict),
        "reason": result.reason,
        "advice": list(result.advice),
        "findings": [finding.as_dict() for finding in result.findings],
        "evidence": [asdict(evidence) for evidence in result.evidence],
        "milliseconds": result.milliseconds,
    }


_WORST_FIRST = (CaseVerdict.FAIL, CaseVerdict.ERROR, CaseVerdict.WARN, CaseVerdict.WAITING, CaseVerdict.PASS)


def _coverage(summary: Summary) -> list[dict[str, Any]]:
    by_requirement: dict[str, list[tuple[str, CaseVerdict]]] = {}
    declared = {case.id: case for case in catalogue()}
    for result in summary.results:
        for requirement_id in declared[result.case].requirements:
            broken = result.verdict in (CaseVerdict.FAIL, CaseVerdict.WARN)
            guilty = {j.requirement for j in result.judgments if not j.met}
            verdict = CaseVerdict.PASS if broken and requirement_id not in guilty else result.verdict
            by_requirement.setdefault(requirement_id, []).append((result.case, verdict))
    return [_requirement(r, by_requirement.get(r.id, [])) for r in requirements().values()]


def _requirement(requirement: Requirement, outcomes: list[tuple[str, CaseVerdict]]) -> dict[str, Any]:
    verdicts = {verdict for _, verdict in outcomes}
    worst = next((v for v in _WORST_FIRST if v in verdicts), CaseVerdict.SKIP)
    return {
        "id": requirement.id,
        "text": requirement.text,
        "text_fi": requirement.text_fi,
        "source": requirement.source,
        "grade": str(requirement.grade),
        "basis": str(requirement.basis),
        "may": "fail" if requirement.ceiling == "error" else "warn",
        "level": str(requirement.level),
        "phase": str(requirement.phase),
        "classes": [str(c) for c in requirement.actor.classes],
        "roles": [str(r) for r in requirement.actor.roles],
        "not_tested": requirement.not_tested,
        "cases": [case_id for case_id, _ in outcomes],
        "verdict": "" if requirement.not_tested else str(worst),
    }
