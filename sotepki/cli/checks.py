"""How the answer of a check is printed for people: one line for the verdict, one for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sotepki.cli.printing import one_line

#: Exit code of a negative verdict.
FAILED = 1

_ORDER = ("valid", "indeterminate", "invalid")


def worst_verdict(verdicts: Iterable[str]) -> str:
    """The worst of several verdicts; of none ``invalid``."""
    return max(verdicts, key=_ORDER.index, default="invalid")


def check_text(answer: Mapping[str, Any]) -> str:
    """A check as text: file, verdict, findings."""
    return "\n".join([f"{one_line(answer['file'])}: {answer['verdict']}", *findings_text(answer["findings"])])


def findings_text(findings: Iterable[Mapping[str, str]]) -> list[str]:
    """Findings as indented lines: severity, sentence, rule id; what was expected and found; what to do."""
    lines = []
    for finding in findings:
        lines.append(f"  {finding['severity']}: {one_line(finding['message'])} [{finding['rule']}]")
        parts = [f"{key} {one_line(finding[key])}" for key in ("expected", "found") if finding[key]]
        if parts:
            lines.append(f"    {'; '.join(parts)}")
        if finding["advice"]:
            lines.append(f"    {finding['advice']}")
        lines.append(f"    ({finding['grade']}: {finding['source']})")
    return lines
