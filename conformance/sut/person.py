"""The person at the terminal: is told what to do, and says what happened."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from conformance.sut.facets import OperatorNeeded

_WAITS = "Run what waits again with --resume and this report, with somebody at the terminal."


class Operator(Protocol):
    """Whoever handles the system under test by hand."""

    def tell(self, line: str) -> None:
        """Show one line that says what to do now."""
        ...

    def choose(self, question: str, answers: Sequence[str], seconds: float) -> str:
        """One of the answers.

        Raises:
            OperatorNeeded: nobody answered in time.
        """
        ...


@dataclass(frozen=True)
class AtTerminal:
    """Asks on standard error and reads numbers from standard input; where that is no terminal, nobody is there."""

    source: TextIO = field(default_factory=lambda: sys.stdin)
    target: TextIO = field(default_factory=lambda: sys.stderr)

    def tell(self, line: str) -> None:
        print(line, file=self.target, flush=True)

    def choose(self, question: str, answers: Sequence[str], seconds: float) -> str:
        if not self.source.isatty():
            raise OperatorNeeded(f"Nobody is at the terminal to answer: {question} {_WAITS}")
        self.tell("\n".join([question, *(f"  {number}  {answer}" for number, answer in enumerate(answers, 1))]))
        while True:
            print(f"1-{len(answers)}: ", end="", file=self.target, flush=True)
            if not select.select([self.source], [], [], seconds)[0]:
                raise OperatorNeeded(f"Nobody answered within {seconds:g} seconds: {question} {_WAITS}")
            line = self.source.readline()
            if not line:
                raise OperatorNeeded(f"Nobody is at the terminal any more to answer: {question} {_WAITS}")
            if line.strip().isascii() and line.strip().isdigit() and 0 < int(line.strip()[:6]) <= len(answers):
                return answers[int(line) - 1]
            self.tell(f"Type a number from 1 to {len(answers)}, then Enter.")


class Nobody:
    """No person: lines go nowhere, and every question leaves its case waiting."""

    def tell(self, line: str) -> None:
        return

    def choose(self, question: str, answers: Sequence[str], seconds: float) -> str:
        raise OperatorNeeded(f"Nobody is there to answer: {question} {_WAITS}")
