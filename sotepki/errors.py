"""One base class for every error a user may meet.

An error is a sentence that says what was wrong, where, by which rule, and what to do next. It carries the parts
as data, so that the command line, a web page and a notebook can each show them in their own way.
"""

from __future__ import annotations

from typing import ClassVar


class SotepkiError(Exception):
    """Base of all errors raised on purpose. Anything else that escapes is a fault of ours.

    Attributes:
        sentence: what was wrong and where, one plain sentence.
        rule: id of the rule that decides, as in the rule book; empty where no rule is concerned.
        advice: what to do next, one sentence; may be empty.
        subject: the thing it is about (a file name, a serial number, a person's registration number).
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, sentence: str, *, rule: str = "", advice: str = "", subject: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rule = rule
        self.advice = advice
        self.subject = subject

    def __str__(self) -> str:
        rule = f" [{self.rule}]" if self.rule else ""
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.sentence}{rule}{advice}"


class Refused(SotepkiError):
    """A rule says no: an order without a valid right, a wrong PIN, a document that does not verify."""

    exit_code = 1


class Misuse(SotepkiError):
    """Wrong usage or configuration: a missing file, an unknown name, a workspace that is not there."""

    exit_code = 2


class Fault(SotepkiError):
    """Something of ours or of the machine failed: a full disk, a missing SoftHSM, a broken workspace."""

    exit_code = 3
