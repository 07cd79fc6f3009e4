"""Classes, kinds and times of the register of information systems, and its rules and state machines, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.errors import Fault
from sotepki.evidence import Grade, RuleBook, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file
from sotepki.states import StateMachine


class MissingJointTest(StrEnum):
    """What a missing statement of joint testing means: the older page bars, the newer one allows with conditions."""

    BAR = "bar"
    WARN = "warn"


@dataclass(frozen=True)
class SystemClass:
    """What a class of systems must show."""

    security_certificate: bool
    joint_test: bool
    text: str
    grade: Grade


@dataclass(frozen=True)
class SupervisionData:
    """``data.yaml``."""

    classes: Mapping[str, SystemClass]
    kinds: tuple[str, ...]
    missing_joint_test: MissingJointTest
    security_certificate_years: int
    renewal_months: int


@cache
def supervision_data() -> SupervisionData:
    """The data that come with the package.

    Raises:
        Fault: they are not well formed.
    """
    path = package_file("valvira", "supervision", "data.yaml")
    raw: dict[str, Any] = load_yaml(path)
    refuse_unknown_keys(raw, {field.name for field in fields(SupervisionData)}, path.name)
    known = {field.name for field in fields(SystemClass)}
    try:
        for name, row in raw["classes"].items():
            refuse_unknown_keys(row, known, f"{path.name}, class {name}")
        return SupervisionData(
            classes={
                name: SystemClass(**{**row, "grade": Grade(row["grade"])}) for name, row in raw["classes"].items()
            },
            kinds=tuple(raw["kinds"]),
            missing_joint_test=MissingJointTest(raw["missing_joint_test"]),
            security_certificate_years=int(raw["security_certificate_years"]),
            renewal_months=int(raw["renewal_months"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"{path.name} is not well formed: {error}.") from error


@cache
def supervision_rules() -> RuleBook:
    """The rules of supervision."""
    return RuleBook.load(package_file("valvira", "supervision", "rules.yaml"))


@cache
def system_machine() -> StateMachine:
    """The life of a system in the register."""
    return _machine("information-system.yaml")


@cache
def deviation_machine() -> StateMachine:
    """The handling of a deviation."""
    return _machine("deviation.yaml")


def _machine(name: str) -> StateMachine:
    return StateMachine.load(package_file("valvira", "supervision", "states", name), supervision_rules())
