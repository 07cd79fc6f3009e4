"""Whether the tasks at Valvira's desk are done."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sotepki.clock import HELSINKI
from sotepki.identifiers import RegistrationNumber
from sotepki.registers import ProfessionalRight
from sotepki.training.scene import DONE, Outcome, Scene
from sotepki.valvira.supervision import EvidenceKind

_TARGETS = ("10", "30")
_STATEMENT = "YT-12"


def restricted_for_a_time(scene: Scene) -> Outcome:
    """The physician's right is in force, restricted in both targets, and no longer than decided."""
    now = scene.workspace.clock.now()
    noon = datetime.combine(date.fromisoformat(scene.names["last_day"]), time(12), HELSINKI)
    present = _right(scene, "001", now)
    if present is None:
        return scene.lacks("no-right")
    if not present.restrictions:
        return scene.lacks("not-restricted")
    if present.restrictions != _TARGETS:
        return scene.lacks("other-targets", targets=" ".join(present.restrictions))
    if _restrictions(scene, noon) != _TARGETS:
        return scene.lacks("ends-early")
    if _restrictions(scene, noon + timedelta(days=1)):
        return scene.lacks("goes-on")
    return DONE


def removal_to_come(scene: Scene) -> Outcome:
    """The nurse has her right until the moment of her request, and not from it on."""
    moment = datetime.fromisoformat(scene.names["moment"])
    if scene.workspace.clock.now() < moment and _right(scene, "T06", scene.workspace.clock.now()) is None:
        return scene.lacks("removed-at-once")
    if _right(scene, "T06", moment) is not None:
        return scene.lacks("never-removed")
    if _right(scene, "T06", moment - timedelta(seconds=1)) is None:
        return scene.lacks("removed-early")
    return DONE


def restrictions_told(scene: Scene) -> Outcome:
    """The codes that were handed in are those in force."""
    if not isinstance(scene.answer, list | tuple | set | frozenset) or not scene.answer:
        return scene.lacks("no-answer")
    professional = scene.workspace.valvira.professional_of(scene.cast.person("restricted-physician"))
    if professional is None:
        return scene.lacks("no-answer")
    rights = scene.workspace.valvira.rights_in_force(professional.registration_number, scene.workspace.clock.now())
    told = {str(code) for code in scene.answer}
    in_force = {code for right in rights for code in right.restrictions}
    if told - in_force:
        return scene.lacks("wrong", code=min(told - in_force)[:40])
    return scene.lacks("too-few") if in_force - told else DONE


def system_registered(scene: Scene) -> Outcome:
    """The system stands in the register with Kela's statement."""
    found = scene.workspace.supervision.system(scene.names["system"])
    statements = [one for one in found.evidence if one.kind is EvidenceKind.JOINT_TEST]
    if not statements:
        return scene.lacks("no-statement")
    if all(one.number != _STATEMENT for one in statements):
        return scene.lacks("other-number")
    return DONE if found.state == "registered" else scene.lacks("not-registered", state=found.state)


def _right(scene: Scene, code: str, at: datetime) -> ProfessionalRight | None:
    rights = scene.workspace.valvira.rights_in_force(RegistrationNumber(scene.names["number"]), at)
    return next((right for right in rights if right.code == code), None)


def _restrictions(scene: Scene, at: datetime) -> tuple[str, ...]:
    right = _right(scene, "001", at)
    return right.restrictions if right else ()
