"""How a case is declared: a function, a decorator with its metadata, and a docstring that is published."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from conformance.requirements import Phase
from sotepki.errors import Fault

_MARK = "conformance_case"

F = TypeVar("F", bound=Callable[..., None])


class Area(StrEnum):
    """The parts of the suite, in the order in which they run and are reported."""

    CSR = "csr"
    CERTIFICATES = "certificates"
    RENEWAL = "renewal"
    SIGNATURES = "signatures"
    VERIFICATION = "verification"
    REVOCATION = "revocation"
    CARD = "card"
    TOKEN = "token"
    SCS = "scs"
    RIGHTS = "rights"
    TLS = "tls"
    TLS_SERVER = "tls-server"
    FRAMES = "frames"
    LOAD = "load"
    TIME = "time"
    PAPERWORK = "paperwork"


@dataclass(frozen=True)
class Case:
    """A declared case.

    Attributes:
        id: stable dotted id.
        title: what the system does when it is right, one line.
        description: the docstring of the function, as published.
        requirements: ids of the requirements that it verifies.
        mutants: names of the broken systems that it must catch; at least one.
        module, function: where it is written.
    """

    id: str
    title: str
    area: Area
    phase: Phase
    requirements: tuple[str, ...]
    mutants: tuple[str, ...]
    description: str
    module: str
    function: str

    def as_dict(self) -> dict[str, Any]:
        """The row of ``sotepki conformance list --format json``."""
        return {
            "id": self.id,
            "title": self.title,
            "area": str(self.area),
            "phase": str(self.phase),
            "requirements": list(self.requirements),
            "mutants": list(self.mutants),
            "description": self.description,
        }


def case(
    case_id: str,
    *,
    title: str,
    area: Area,
    phase: Phase,
    requirements: Sequence[str],
    mutants: Sequence[str],
) -> Callable[[F], F]:
    """Declare a function as a case. Its arguments are fixtures of ``conformance.plugin``.

    Raises:
        Fault: the function has no docstring, or names no requirement or no mutant.
    """

    def declare(function: F) -> F:
        description = inspect.getdoc(function) or ""
        if not description:
            raise Fault(f"The case {case_id} has no docstring, which is its published description.")
        if not requirements:
            raise Fault(f"The case {case_id} names no requirement.")
        if not mutants:
            raise Fault(f"The case {case_id} names no mutant that it catches.")
        declared = Case(
            id=case_id,
            title=title,
            area=area,
            phase=phase,
            requirements=tuple(requirements),
            mutants=tuple(mutants),
            description=description,
            module=function.__module__,
            function=function.__name__,
        )
        setattr(function, _MARK, declared)
        return function

    return declare


class Declares(Protocol):
    """Declares a case of one family; ``mutants`` are those that it catches."""

    def __call__(self, case_id: str, title: str, *mutants: str, requirement: str = "") -> Callable[[F], F]: ...


def family(area: Area, phase: Phase) -> Declares:
    """A short form of ``case`` for cases of one area and phase that verify one requirement each.

    The requirement bears the id of the case, unless another one is named.
    """

    def declares(case_id: str, title: str, *mutants: str, requirement: str = "") -> Callable[[F], F]:
        verified = [requirement or case_id]
        return case(case_id, title=title, area=area, phase=phase, requirements=verified, mutants=mutants)

    return declares


def case_of(candidate: object) -> Case | None:
    """The declaration that ``candidate`` carries, or None if it is not a case."""
    declared = getattr(candidate, _MARK, None)
    return declared if isinstance(declared, Case) else None
