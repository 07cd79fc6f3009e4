"""Joint testing as data: the state machines, and what each kind of change needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml
from sotepki.identifiers import holds_identity_code, is_blank, is_plain_line
from sotepki.kela.rules import rulebook
from sotepki.resources import package_file
from sotepki.states import Objection, StateMachine

LONGEST_TEXT = 500
JULY = 7
"""The month without joint testing (docs/field/kanta.md 10, row deadlines)."""


class Role(StrEnum):
    """Who takes a step in joint testing."""

    SUPPLIER = "supplier"
    KELA = "kela"


class CountedTo(StrEnum):
    """To what a notice of change keeps its distance."""

    TESTING = "testing"
    CERTIFICATE = "certificate"
    NOTHING = "nothing"


@dataclass(frozen=True)
class ChangeKind:
    """A row of ``changes.yaml``."""

    id: str
    text: str
    notice: bool
    live_first: bool
    months_before: int
    counted_to: CountedTo
    needs: str
    source: str
    grade: Grade


@cache
def change_kinds() -> Mapping[str, ChangeKind]:
    """The kinds of changes by id."""
    path = package_file("kela", "changes.yaml")
    return {str(name): _change_kind(str(name), row, path.name) for name, row in load_yaml(path).items()}


@cache
def joint_test_machine() -> StateMachine:
    """The way of a system through joint testing."""
    return _machine("joint-test.yaml")


@cache
def approval_machine() -> StateMachine:
    """A version of a system in the register of approved systems."""
    return _machine("approved-system.yaml")


@cache
def change_machine() -> StateMachine:
    """A notice of change."""
    return _machine("change-notice.yaml")


def text_objection(text: str, what: str) -> Objection | None:
    """What speaks against a text: it is empty, too long or not one line of text, or names a person by the code."""
    if is_blank(text) or len(text) > LONGEST_TEXT or not is_plain_line(text):
        return Objection(f"{what} is empty, longer than {LONGEST_TEXT} characters, or not text.")
    return Objection(f"{what} holds a personal identity code.") if holds_identity_code(text) else None


def _change_kind(name: str, row: Any, file: str) -> ChangeKind:
    where = f"{file}, {name}"
    expect_keys(row, {field.name for field in fields(ChangeKind)} - {"id"}, where)
    try:
        read = {**row, "counted_to": CountedTo(row["counted_to"]), "grade": grade_of(row, where)}
    except ValueError as error:
        raise Fault(f"{where} is not well formed: {error}.") from None
    return ChangeKind(id=name, **read)


def _machine(name: str) -> StateMachine:
    return StateMachine.load(package_file("kela", "states", name), rulebook())
