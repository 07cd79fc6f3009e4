"""Checks of the exercises in the notebook on joint testing."""

from __future__ import annotations

from datetime import date

from sotepki.clock import finnish_day, months_after
from sotepki.kela import SystemClass
from sotepki.training.scene import DONE, Outcome, Scene

_JULY = 7
_MONTHS_BEFORE = 2


def register_in_time(scene: Scene) -> Outcome:
    """Oksa 1.0 is registered, as what it is, for the earliest day that was possible."""
    found = [one for one in scene.workspace.joint_tests.all() if (one.system, one.version) == ("Oksa", "1.0")]
    if not found:
        return scene.lacks("none")
    last = found[-1]
    if last.system_class is not SystemClass.A3:
        return scene.lacks("wrong-class", found=last.system_class)
    if last.begins_on > _earliest(finnish_day(scene.workspace.clock.now())):
        return scene.lacks("later", day=last.begins_on)
    return DONE


def to_the_statement(scene: Scene) -> Outcome:
    """The joint test has its statement, and so every phase that was begun is passed."""
    state = scene.workspace.joint_tests.state(int(scene.names["number"]))
    for phase, passed in sorted(state.phases.items()):
        if not passed:
            return scene.lacks("open-phase", phase=phase)
    return DONE if state.statement is not None else scene.lacks("no-statement")


def friday_fix(scene: Scene) -> Outcome:
    """The corrected version is covered, by a notice that says what it is."""
    notices = [one for one in scene.workspace.change_notices.all() if one.version == "3.0.1"]
    other = [one.kind for one in notices if one.kind != "urgent-fix"]
    if other and len(other) == len(notices):
        return scene.lacks("other-kind", kind=other[0])
    if scene.workspace.approvals.coverage("Juuri", "3.0.1").approval is None:
        return scene.lacks("not-covered")
    return DONE


def which_answer(scene: Scene) -> Outcome:
    """AR: the message was not processed."""
    wrong = {"aa": "accepted", "ae": "refused"}
    said = scene.said()
    if said == "ar":
        return DONE
    return scene.lacks(wrong.get(said, "no-answer"))


def _earliest(today: date) -> date:
    day = months_after(today, _MONTHS_BEFORE)
    return date(day.year, _JULY + 1, 1) if day.month == _JULY else day
