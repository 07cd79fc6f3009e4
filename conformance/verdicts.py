"""What the suite says about a case: the verdict, what was judged, and the evidence for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sotepki.evidence import Finding, Severity


class CaseVerdict(StrEnum):
    """The answer of one case."""

    PASS = "pass"
    """The system did what the requirements ask."""
    FAIL = "fail"
    """The system broke a requirement that is firmly known; joint testing would most likely stop here."""
    WARN = "warn"
    """The system broke a requirement that is not founded well enough to fail anybody."""
    SKIP = "skip"
    """The case does not apply, or the part that it needs is not attached; the reason is given."""
    ERROR = "error"
    """The suite or its surroundings failed. This says nothing about the system under test."""
    WAITING = "waiting"
    """The case waits for somebody to act, or was not reached before the run was stopped."""


@dataclass(frozen=True)
class Evidence:
    """One piece of proof in a report.

    Attributes:
        title: what it is, for people ("signed document", "certificate of the signer").
        media_type: how to read ``content``.
        content: text as it is shown; bytes are decoded or described before they come here.
        size: length of the whole in bytes; ``sha256``: digest of the whole, also when ``content`` is cut.
        cut: ``content`` is only the beginning.
    """

    title: str
    media_type: str
    content: str
    size: int
    sha256: str
    cut: bool = False

    @classmethod
    def of(cls, title: str, data: bytes | str, media_type: str = "text/plain", *, limit: int = 48 * 1024) -> Evidence:
        """Evidence from bytes or text; what is not UTF-8 is shown as hexadecimal, long content is cut.

        Text from a system's JSON may hold half of a surrogate pair, which UTF-8 cannot: it is shown as its number.
        """
        raw = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw[: limit // 2].hex(" ")
        return cls(title, media_type, text[:limit], len(raw), hashlib.sha256(raw).hexdigest(), len(text) > limit)


@dataclass(frozen=True)
class Judgment:
    """One requirement held against one thing: met, or broken with a finding."""

    requirement: str
    met: bool
    subject: str = ""
    finding: Finding | None = None


@dataclass(frozen=True)
class CaseResult:
    """The outcome of one case.

    Attributes:
        case: id of the case.
        reason: one sentence that says why, empty on a pass.
        judgments: what was held against what; empty for skip, error and waiting.
        advice: what to change, one sentence each, without repetition.
        milliseconds: how long the case ran.
    """

    case: str
    verdict: CaseVerdict
    reason: str = ""
    judgments: tuple[Judgment, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[str, ...] = ()
    milliseconds: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the broken judgments."""
        return tuple(j.finding for j in self.judgments if j.finding is not None)


@dataclass(frozen=True)
class Summary:
    """The outcome of a run.

    Attributes:
        system: name of the system under test.
        counts: number of cases by verdict; every verdict is a key.
        complete: false if the run was stopped before its last case.
        faults: sentences about what failed outside any case, such as a file of private cases with a mistake.
    """

    system: str
    started: datetime
    finished: datetime
    results: tuple[CaseResult, ...]
    complete: bool = True
    faults: tuple[str, ...] = ()
    counts: dict[CaseVerdict, int] = field(init=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(CaseVerdict, 0)
        for result in self.results:
            counts[result.verdict] += 1
        object.__setattr__(self, "counts", counts)

    @property
    def nothing_tested(self) -> bool:
        """Whether every case was skipped: then the run shows nothing, and must not look like a good one."""
        return bool(self.results) and self.counts[CaseVerdict.SKIP] == len(self.results)

    @property
    def exit_code(self) -> int:
        """1 if a case failed; else 3 if the suite had an error; else 2 if every case was skipped; else 0."""
        if self.counts[CaseVerdict.FAIL]:
            return 1
        if self.counts[CaseVerdict.ERROR] or self.faults:
            return 3
        return 2 if self.nothing_tested else 0

    def line(self) -> str:
        """One line for people: how many cases ended how."""
        parts = [f"{count} {verdict}" for verdict, count in self.counts.items() if count]
        stopped = "" if self.complete else " (stopped before the end)"
        return f"{self.system}: {', '.join(parts) or 'no case ran'}{stopped}"


def verdict_from(judgments: Iterable[Judgment]) -> CaseVerdict:
    """Fail if a finding is an error, warn if one is a warning, else pass."""
    severities = {j.finding.severity for j in judgments if j.finding is not None}
    if Severity.ERROR in severities:
        return CaseVerdict.FAIL
    return CaseVerdict.WARN if Severity.WARNING in severities else CaseVerdict.PASS
