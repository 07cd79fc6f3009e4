"""Running any verifier on a corpus: one process for each document, the document on its standard input.

The verifier writes one JSON object to standard output, ``{"verdict": "valid" | "invalid" | "indeterminate"}``, with
any other members; without such output its exit code counts, 0 for valid and anything else for invalid
(docs/signature-corpus.md).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Verdict


@dataclass(frozen=True)
class Answer:
    """What a verifier said to one document; ``problem`` is set if it gave no verdict, with ``verdict`` None."""

    id: str
    expected: Verdict
    verdict: Verdict | None
    importance: str
    change: str
    problem: str = ""

    @property
    def right(self) -> bool:
        """Whether it is what the index says. Where that is open, a refusal is right as well; never the reverse."""
        if self.expected is Verdict.INDETERMINATE:
            return self.verdict in (Verdict.INDETERMINATE, Verdict.INVALID)
        if self.expected is Verdict.INVALID:
            return self.verdict in (Verdict.INVALID, Verdict.INDETERMINATE)
        return self.verdict is Verdict.VALID

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "id": self.id,
            "expected": str(self.expected),
            "verdict": str(self.verdict or ""),
            "right": self.right,
            "importance": self.importance,
            "change": self.change,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Score:
    """All answers of a verifier."""

    answers: tuple[Answer, ...]

    @property
    def wrong(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if not answer.right)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "documents": len(self.answers),
            "right": len(self.answers) - len(self.wrong),
            "wrong": [answer.as_dict() for answer in self.wrong],
        }


def score(index: dict[str, Any], directory: Path, verifier: Callable[[bytes], tuple[Verdict | None, str]]) -> Score:
    """Ask ``verifier`` about every document of a corpus; it answers a verdict, or None with a problem.

    Raises:
        Fault: the index names a document that is not there.
    """
    answers: list[Answer] = []
    for row in index["documents"]:
        try:
            data = (directory / row["file"]).read_bytes()
        except OSError as error:
            raise Fault(f"The corpus has no document {row['file']}: {error.strerror}.") from None
        verdict, problem = verifier(data)
        answers.append(Answer(row["id"], Verdict(row["verdict"]), verdict, row["importance"], row["change"], problem))
    return Score(tuple(answers))


def run_verifier(command: Sequence[str], seconds: float = 30.0) -> Callable[[bytes], tuple[Verdict | None, str]]:
    """A verifier that is a program."""

    def ask(document: bytes) -> tuple[Verdict | None, str]:
        try:
            done = subprocess.run(command, input=document, capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return None, f"no answer within {seconds:g} s"
        except OSError as error:
            return None, f"the program does not start: {error.strerror}"
        if done.returncode < 0:
            return None, f"ended by signal {-done.returncode}"
        return _verdict(done.stdout, done.returncode)

    return ask


def _verdict(output: bytes, code: int) -> tuple[Verdict | None, str]:
    if not output.strip():
        return (Verdict.VALID if code == 0 else Verdict.INVALID), ""
    try:
        answer = json.loads(output)
        return Verdict(answer["verdict"]), ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, "standard output is no JSON object with a verdict"
