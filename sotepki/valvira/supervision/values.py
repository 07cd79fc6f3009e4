"""What supervision answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sotepki.clock import finnish_day
from sotepki.evidence import Finding, Severity


class Role(StrEnum):
    """Who takes a step."""

    PRODUCER = "producer"
    AUTHORITY = "authority"
    CLOCK = "clock"


class EvidenceKind(StrEnum):
    """What a system shows for itself."""

    JOINT_TEST = "joint-test-statement"
    SECURITY_CERTIFICATE = "security-certificate"


@dataclass(frozen=True)
class Evidence:
    """A joint-test statement or a security certificate; ``valid_to`` is the last day, None without an end."""

    kind: EvidenceKind
    number: str
    issuer: str
    issued_on: date
    valid_to: date | None

    def in_force(self, at: datetime) -> bool:
        """Whether it counts at a moment, by Finnish days."""
        day = finnish_day(at)
        return self.issued_on <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class TakenStep:
    """A step in the history of a system or a deviation, and the state it led to."""

    at: datetime
    name: str
    state: str
    role: Role
    reason: str


@dataclass(frozen=True)
class Deviation:
    """A deviation of a system."""

    id: str
    system: str
    weight: str
    description: str
    reported_by: str
    deadline: date | None
    state: str
    history: tuple[TakenStep, ...]


@dataclass(frozen=True)
class InformationSystem:
    """A system in the register, with everything that was shown and decided."""

    id: str
    name: str
    version: str
    system_class: str
    kind: str
    purpose: str
    producer: str
    state: str
    evidence: tuple[Evidence, ...]
    history: tuple[TakenStep, ...]

    def state_at(self, at: datetime) -> str | None:
        """The state at a moment; None before the notice."""
        states = [step.state for step in self.history if step.at <= at]
        return states[-1] if states else None


@dataclass(frozen=True)
class Usability:
    """Whether a system may be used in production at a moment, and what speaks against it or must be watched."""

    system: str
    at: datetime
    findings: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        """No finding bars the use."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def as_json(value: Any) -> Any:
    """A value of this module as plain values for JSON."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    if isinstance(value, Finding):
        return value.as_dict()
    if hasattr(value, "__dataclass_fields__"):
        return {name: as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
