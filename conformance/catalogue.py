"""All cases of the suite, found in the modules of ``conformance.cases``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from types import ModuleType

from conformance import cases as cases_package
from conformance.declaring import Area, Case, case_of
from conformance.requirements import Phase, RequirementRegister
from sotepki.errors import Fault

_PHASES = {phase: number for number, phase in enumerate(Phase)}
_AREAS = {area: number for number, area in enumerate(Area)}


@cache
def catalogue() -> tuple[Case, ...]:
    """Every case: by phase, then by area, then in the order in which it is written.

    Raises:
        Fault: two cases bear one id.
    """
    found: dict[str, Case] = {}
    for module_info in pkgutil.iter_modules(cases_package.__path__):
        for declared in cases_of(importlib.import_module(f"{cases_package.__name__}.{module_info.name}")):
            if declared.id in found:
                raise Fault(f"Two cases bear the id {declared.id}.")
            found[declared.id] = declared
    return tuple(sorted(found.values(), key=place_in_order))


def cases_of(module: ModuleType) -> tuple[Case, ...]:
    """The cases that are written in a module, in their order."""
    found = (case_of(value) for value in vars(module).values())
    return tuple(case for case in found if case is not None and case.module == module.__name__)


def place_in_order(case: Case) -> tuple[int, int]:
    """Where a case runs: pre-test cases first, then the phases of joint testing; within a phase by area."""
    return _PHASES[case.phase], _AREAS[case.area]


def coverage_gaps(declared: Iterable[Case], register: RequirementRegister) -> list[str]:
    """Sentences about what does not hold together; empty when every case and requirement is accounted for."""
    gaps: list[str] = []
    verified: set[str] = set()
    for case in declared:
        for requirement_id in case.requirements:
            if requirement_id not in register:
                gaps.append(f"The case {case.id} names the requirement {requirement_id}, which does not exist.")
            elif register[requirement_id].not_tested:
                gaps.append(f"The case {case.id} verifies {requirement_id}, which says that it is not tested.")
            verified.add(requirement_id)
    for requirement in register.values():
        if requirement.id not in verified and not requirement.not_tested:
            gaps.append(f"The requirement {requirement.id} has no case and no reason why not.")
    return gaps
