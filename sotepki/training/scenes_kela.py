"""Where the exercises of the notebook on joint testing begin."""

from __future__ import annotations

from sotepki.clock import finnish_day, months_after
from sotepki.journey import Cast
from sotepki.kela import SystemClass
from sotepki.workspace import Workspace

_JULY = 7


def to_the_statement(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A joint test whose second phase was not passed."""
    number = _registered(workspace, cast, "Lehti", "2.0")
    workspace.joint_tests.finish_phase(number, 2, passed=False, actor="kela")
    return {"number": str(number)}


def friday_fix(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """An approved system with an error that cannot wait."""
    number = _registered(workspace, cast, "Juuri", "3.0")
    workspace.joint_tests.give_statement(number, actor="kela")
    return {"approval": workspace.approvals.require("Juuri", "3.0").id}


def _registered(workspace: Workspace, cast: Cast, system: str, version: str) -> int:
    """A joint test that has begun, with its pre-test cases in order and phase 1 passed."""
    tests, today = workspace.joint_tests, finnish_day(workspace.clock.now())
    begun = months_after(today, -1)
    number = tests.register(
        system=system,
        version=version,
        supplier=cast.organisation("vendor"),
        system_class=SystemClass.A2,
        content="Potilastietovaranto",
        begins_on=months_after(begun, -1) if begun.month == _JULY else begun,
        received_on=months_after(today, -6),
        actor="Kaarna",
    )
    tests.report_pretests(number, significant_errors=0, actor="Kaarna")
    tests.finish_phase(number, 1, passed=True, actor="kela")
    return number
