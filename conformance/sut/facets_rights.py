"""What a system does with the rights of a professional, asked from our role and attribute service."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from conformance.sut.facets import Trust
from sotepki.identifiers import RegistrationNumber


class RightsTask(StrEnum):
    """What the professional wants to do."""

    LOGIN = "login"
    SIGN = "sign"
    PRESCRIBE = "prescribe"


class RightsTrouble(StrEnum):
    """Why not, as the system tells it."""

    NO_RIGHT = "no-right"
    RESTRICTED = "restricted"
    NO_PRESCRIBER = "no-prescriber"
    NOT_ASKED = "not-asked"
    """Nobody could tell, because the service does not answer."""


@dataclass(frozen=True)
class RightsDecision:
    """Whether the task was allowed; ``trouble`` also where it was allowed without an answer."""

    allowed: bool
    trouble: RightsTrouble | None = None


@dataclass(frozen=True)
class RightsService:
    """The service: address with its path, whom to trust there.

    Attributes:
        guest: certificate chain and key, both PEM, by which it knows a system that has no certificate of the suite's
            own authorities.
    """

    url: str
    trust: Trust
    guest: tuple[str, str] = field(default=("", ""), repr=False)


class AtWork(Protocol):
    """One professional's working session."""

    def attempt(self, task: RightsTask) -> RightsDecision: ...


class ChecksRights(Protocol):
    """Decides by the role and attribute service what a professional may do.

    ``proceeds_unasked`` says what the system does when the service is down, as its supplier declares it.
    """

    @property
    def proceeds_unasked(self) -> bool: ...

    def session(
        self, number: RegistrationNumber, name: str, service: RightsService
    ) -> AbstractContextManager[AtWork]: ...
