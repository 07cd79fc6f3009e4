"""An earlier run, read from its report.json: to go on where it stopped, or to compare with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Judgment
from sotepki.errors import Misuse
from sotepki.evidence import Finding, Grade, Severity

MAX_BYTES = 256 * 1024 * 1024


class Change(StrEnum):
    """What became of a case between two runs."""

    NEW = "new"
    """It has a fault now that it did not have: the first thing to look at."""
    MENDED = "mended"
    STILL = "still"
    """It was at fault and is."""
    UNCHANGED = "unchanged"
    ADDED = "added"
    """It was not part of the earlier run."""
    GONE = "gone"
    """It is not part of this run."""


_AT_FAULT = frozenset({"fail", "warn", "error"})


@dataclass(frozen=True)
class Earlier:
    """A report of an earlier run.

    Attributes:
        data: ``report.json`` as it was read.
        name: of the file, for people.
    """

    data: Mapping[str, Any]
    name: str

    @classmethod
    def load(cls, path: Path) -> Earlier:
        """Read ``report.json``, or that file of a report directory.

        Raises:
            Misuse: it cannot be read, or is no report of this suite.
        """
        place = path / "report.json" if path.is_dir() else path
        try:
            with place.open("rb") as stream:
                data = json.loads(stream.read(MAX_BYTES))
        except OSError as error:
            raise Misuse(f"The report {place} cannot be read: {error.strerror}.", subject=str(place)) from None
        except (ValueError, RecursionError):
            raise Misuse(f"The file {place} is not JSON.", subject=str(place)) from None
        try:
            found = cls(data, str(place))
            assert data["format"] == "sotepki-conformance-report/1" and isinstance(data["finished"], str)
            _ = found.results, found.system
        except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
            raise Misuse(
                f"The file {place} is not a report of this suite.",
                advice="Name a report.json that 'sotepki conformance run' wrote.",
                subject=str(place),
            ) from None
        return found

    @property
    def system(self) -> str:
        """The name of the system that was tested."""
        return str(self.data["system"]["name"])

    @cached_property
    def results(self) -> tuple[CaseResult, ...]:
        """The results as they were."""
        return tuple(_result(case) for case in self.data["cases"])

    def cases_with(self, *verdicts: CaseVerdict) -> frozenset[str]:
        """The ids of the cases that ended so."""
        return frozenset(result.case for result in self.results if result.verdict in verdicts)

    def compared_with(self, cases: list[dict[str, Any]]) -> dict[str, Any]:
        """What changed from then to now, as it stands in a report."""
        before = {str(c["id"]): str(c["verdict"]) for c in self.data["cases"]}
        now = {str(c["id"]): str(c["verdict"]) for c in cases}
        groups: dict[str, list[dict[str, str]]] = {str(change): [] for change in Change}
        for case_id in dict.fromkeys([*now, *before]):
            change = _change(before.get(case_id), now.get(case_id))
            groups[change].append({"id": case_id, "before": before.get(case_id, ""), "now": now.get(case_id, "")})
        return {"finished": self.data["finished"], "system": self.system, **groups}


def _change(before: str | None, now: str | None) -> Change:
    if before is None:
        return Change.NEW if now in _AT_FAULT else Change.ADDED
    if now is None:
        return Change.GONE
    if now in _AT_FAULT:
        return Change.STILL if before in _AT_FAULT else Change.NEW
    # A case that is skipped now has shown nothing, so it mends nothing.
    return Change.MENDED if before in _AT_FAULT and now == "pass" else Change.UNCHANGED


def _result(case: Mapping[str, Any]) -> CaseResult:
    findings = [(str(f["requirement"]), _finding(f)) for f in case["findings"]]
    judgments = [Judgment(name, False, finding.where, finding) for name, finding in findings]
    verdict = CaseVerdict(case["verdict"])
    if verdict in (CaseVerdict.PASS, CaseVerdict.FAIL, CaseVerdict.WARN):
        broken = {name for name, _ in findings}
        judgments += [Judgment(str(name), True) for name in case["requirements"] if name not in broken]
    return CaseResult(
        case=str(case["id"]),
        verdict=verdict,
        reason=str(case["reason"]),
        judgments=tuple(judgments),
        evidence=tuple(Evidence(**evidence) for evidence in case["evidence"]),
        advice=tuple(str(advice) for advice in case["advice"]),
        milliseconds=int(case["milliseconds"]),
    )


def _finding(row: Mapping[str, Any]) -> Finding:
    fields = {key: value for key, value in row.items() if key != "requirement"}
    return Finding(**{**fields, "severity": Severity(row["severity"]), "grade": Grade(row["grade"])})
