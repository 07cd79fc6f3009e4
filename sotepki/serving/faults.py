"""The faults that a service may show on purpose: down, slow, stale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sotepki.errors import Misuse
from sotepki.serving.fault_board import FaultBoard, Tally

SLOWEST_SECONDS = 600.0
STALEST_HOURS = 24.0 * 366
MOST_ANSWERS = 1_000_000


class Down(StrEnum):
    """How a service is down."""

    NO = "no"
    UNAVAILABLE = "unavailable"
    """It answers 503 (RFC 9110 15.6.4), as a proxy in front of a service that is being maintained."""
    DROPPED = "dropped"
    """The connection is closed without an answer."""


@dataclass(frozen=True)
class ServiceFaults:
    """What a service does wrong on purpose. The defaults are an honest service.

    Attributes:
        down: whether and how it does not answer.
        slow_seconds: how long it waits before it answers.
        stale_hours: it answers with the data of so many hours ago; only a moment in the answer gives it away.
        answers: how many answers are faulty before the service is honest again; 0: all.
    """

    down: Down = Down.NO
    slow_seconds: float = 0.0
    stale_hours: float = 0.0
    answers: int = 0

    def __post_init__(self) -> None:
        for name, most in (("slow_seconds", SLOWEST_SECONDS), ("stale_hours", STALEST_HOURS)):
            value = getattr(self, name)
            if not math.isfinite(value) or not 0 <= value <= most:
                raise Misuse(f"The fault {name} is {value}; it lies between 0 and {most:g}.")
        if not 0 <= self.answers <= MOST_ANSWERS:
            raise Misuse(f"The fault answers is {self.answers}; it lies between 0 and {MOST_ANSWERS}.")

    def __bool__(self) -> bool:
        return self.down is not Down.NO or self.slow_seconds > 0 or self.stale_hours > 0

    @property
    def staleness(self) -> timedelta:
        """How old the data are that are answered."""
        return timedelta(hours=self.stale_hours)

    def as_dict(self) -> dict[str, Any]:
        """What differs from an honest service, ready for JSON."""
        honest = asdict(ServiceFaults())
        return {name: value for name, value in asdict(self).items() if value != honest[name]}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> ServiceFaults:
        """Faults out of JSON; ``Misuse`` for an unknown name or a value of the wrong kind."""
        known = {field.name for field in fields(cls)}
        for name in row:
            if name not in known:
                raise Misuse(f"There is no fault {name[:40]!r}; the faults are {', '.join(sorted(known))}.")
        try:
            down = Down(row.get("down", Down.NO))
        except ValueError:
            raise Misuse(f"The fault down is one of {', '.join(Down)}.") from None
        numbers = {name: row[name] for name in known - {"down"} if name in row}
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers.values()):
            raise Misuse("The faults slow_seconds, stale_hours and answers are numbers.")
        if not isinstance(numbers.get("answers", 0), int):
            raise Misuse("The fault answers is a whole number.")
        return cls(down=down, **numbers)


NO_FAULTS = ServiceFaults()


class ServiceFaultBoard(FaultBoard[ServiceFaults]):
    """The faults of every service by its name; with ``path`` shared by every process of the workspace."""

    def __init__(self, path: Path | None = None, tally: Tally | None = None) -> None:
        super().__init__(
            path,
            none=NO_FAULTS,
            read=ServiceFaults.from_dict,
            title="service faults",
            advice="Begin anew with 'sotepki fault clear'.",
            tally=tally,
        )
