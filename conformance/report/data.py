"""The report as plain data, in the shape of docs/schemas/report.schema.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from conformance.declaring import Area, Case
from conformance.extending import Extension, declared, register
from conformance.process import process
from conformance.report import translations
from conformance.report.earlier import Earlier
from conformance.requirements import Phase, Requirement, RequirementRegister
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Summary
from sotepki import __version__

FORMAT = "sotepki-conformance-report/1"
DISCLAIMER = (
    "This is not a test by Kela and not a statement of joint testing. It is a rehearsal against an emulated "
    "environment, judged by what is publicly known."
)
_GOOD = "verification.accepts-good"
_FEW = 5
"""So many refusals must have failed before the suite speaks of a verifier that accepts everything."""


def report_data(
    sut: SystemUnderTest,
    summary: Summary,
    *,
    extension: Extension | None = None,
    compared: Earlier | None = None,
) -> dict[str, Any]:
    """Everything that a report shows; strings, numbers, lists and mappings only."""
    by_id = {case.id: case for case in declared(extension)}
    cases = [_case(by_id[result.case], result) for result in summary.results]
    data: dict[str, Any] = {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "sotepki_version": __version__,
        "system": {"name": sut.name, "kind": sut.kind, "facets": [str(f) for f in sut.attached()]},
        "started": summary.started.isoformat(timespec="seconds"),
        "finished": summary.finished.isoformat(timespec="seconds"),
        "complete": summary.complete,
        "faults": list(summary.faults),
        "remarks": _remarks(summary, by_id),
        "summary": {str(verdict): count for verdict, count in summary.counts.items()},
        "process": _process(summary, by_id),
        "cases": cases,
        "requirements": _coverage(summary, by_id, register(extension)),
    }
    if compared is not None:
        data["comparison"] = compared.compared_with(cases)
    return data


def _case(case: Case, result: CaseResult) -> dict[str, Any]:
    return {
        **{key: value for key, value in case.as_dict().items() if key != "mutants"},
        "title_in": dict(translations.titles().get(case.id, {})),
        "description_in": dict(translations.descriptions().get(case.id, {})),
        "verdict": str(result.verdict),
        "reason": result.reason,
        "advice": list(result.advice),
        "advice_in": [dict(translations.advice(sentence)) for sentence in result.advice],
        "findings": [
            {"requirement": judgment.requirement, **judgment.finding.as_dict()}
            for judgment in result.judgments
            if judgment.finding is not None
        ],
        "evidence": [asdict(evidence) for evidence in result.evidence],
        "milliseconds": result.milliseconds,
    }


def _remarks(summary: Summary, by_id: dict[str, Case]) -> list[str]:
    """Keys of messages about the run as a whole."""
    verifying = [r for r in summary.results if by_id[r.case].area is Area.VERIFICATION]
    refusing = [r for r in verifying if ".refuses-" in r.case and r.verdict is not CaseVerdict.SKIP]
    accepting = [r for r in verifying if ".accepts-" in r.case and r.verdict is not CaseVerdict.SKIP]
    bad = (CaseVerdict.FAIL, CaseVerdict.WARN)
    remarks = ["nothing-tested"] if summary.nothing_tested else []
    # A run of some cases, as those that failed before, shows nothing of the others.
    refusals = {case.id for case in by_id.values() if case.area is Area.VERIFICATION and ".refuses-" in case.id}
    whole = refusals <= {r.case for r in verifying}
    if whole and len(refusing) >= _FEW and all(r.verdict in bad for r in refusing):
        remarks.append("accepts-everything")
    refuses_good = any(r.case == _GOOD for r in accepting)
    if refuses_good and not refusing and all(r.verdict in bad for r in accepting):
        remarks.append("refuses-everything")
    return remarks


def _process(summary: Summary, by_id: dict[str, Case]) -> list[dict[str, Any]]:
    """The phases with their entry rules: may the system go on to each, by what this run has shown?"""
    rows: list[dict[str, Any]] = []
    blocking: list[str] = []
    for phase in Phase:
        members = [r for r in summary.results if by_id[r.case].phase is phase]
        entry = process().entries[phase]
        rows.append(
            {
                "phase": str(phase),
                "entry": dict(entry.text),
                "source": entry.source,
                "grade": str(entry.grade),
                "open": not blocking,
                "blocked_by": list(blocking),
                "cases": len(members),
            }
        )
        blocking += [r.case for r in members if r.verdict is CaseVerdict.FAIL]
    return rows


_WORST_FIRST = (CaseVerdict.FAIL, CaseVerdict.ERROR, CaseVerdict.WARN, CaseVerdict.WAITING, CaseVerdict.PASS)


def _coverage(summary: Summary, by_id: dict[str, Case], rules: RequirementRegister) -> list[dict[str, Any]]:
    by_requirement: dict[str, list[tuple[str, CaseVerdict]]] = {}
    for result in summary.results:
        for requirement_id in by_id[result.case].requirements:
            broken = result.verdict in (CaseVerdict.FAIL, CaseVerdict.WARN)
            guilty = {j.requirement for j in result.judgments if not j.met}
            verdict = CaseVerdict.PASS if broken and requirement_id not in guilty else result.verdict
            by_requirement.setdefault(requirement_id, []).append((result.case, verdict))
    return [_requirement(r, by_requirement.get(r.id, [])) for r in rules.values()]


def _requirement(requirement: Requirement, outcomes: list[tuple[str, CaseVerdict]]) -> dict[str, Any]:
    verdicts = {verdict for _, verdict in outcomes}
    worst = next((v for v in _WORST_FIRST if v in verdicts), CaseVerdict.SKIP)
    return {
        "id": requirement.id,
        "text": requirement.text,
        "text_fi": requirement.text_fi,
        "text_in": dict(translations.requirement_text(requirement)),
        "source": requirement.source,
        "grade": str(requirement.grade),
        "basis": str(requirement.basis),
        "may": "fail" if requirement.ceiling == "error" else "warn",
        "level": str(requirement.level),
        "phase": str(requirement.phase),
        "classes": [str(c) for c in requirement.actor.classes],
        "roles": [str(r) for r in requirement.actor.roles],
        "not_tested": requirement.not_tested,
        "not_tested_in": dict(translations.reasons_not_tested().get(requirement.id, {})),
        "cases": [case_id for case_id, _ in outcomes],
        "verdict": "" if requirement.not_tested else str(worst),
    }
