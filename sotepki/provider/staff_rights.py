"""What a provider learns of a professional's rights: the seam between its sweep and whoever answers.

Valvira's register answers directly, the role and attribute service over HTTP (``attribute_client``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sotepki.identifiers import RegistrationNumber
from sotepki.registers import RightsRegister


@dataclass(frozen=True)
class RightInForce:
    """A right in force: its code, the register that holds it, and the targets of its restrictions."""

    code: str
    register: str
    restrictions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Standing:
    """How a professional stands at a moment; no rights if the number is unknown.

    ``told_for`` is the moment of which a service says that its answer tells; None if it says nothing of it.
    """

    rights: tuple[RightInForce, ...] = ()
    prescriber: bool = False
    told_for: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Unanswered:
    """Nobody could tell. It says nothing about the professional."""

    sentence: str


class StaffRights(Protocol):
    """Whoever can tell a professional's rights: the register, or the service in front of it."""

    def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing | Unanswered:
        """How a professional stands at a moment; whether as a prescriber is looked up only if that is asked for.

        Raises:
            Refused: the register does not admit the provider's system.
        """
        ...


@dataclass(frozen=True)
class AskedRegister:
    """Valvira's register, asked directly."""

    rights: RightsRegister

    def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing:
        """As ``StaffRights.standing``; it always answers."""
        rights = self.rights.rights_in_force(number, at)
        # A sweep asks thousands of times: the person is looked up only for what the rights do not tell.
        professional = self.rights.professional(number) if rights and prescriber else None
        return Standing(
            tuple(RightInForce(one.code, one.register.value, frozenset(one.restrictions)) for one in rights),
            professional is not None and professional.prescriber_id is not None,
        )
