"""Checks of the exercises of the bad days (notebook 13): certificates in DVV's books, faults on the board."""

from __future__ import annotations

from datetime import timedelta

from sotepki.services import fault_board
from sotepki.training.scene import DONE, Outcome, Scene
from sotepki.x509.status import CertificateState

RESPONDER = "dvvtshp2rc"
_TIMES = frozenset({"this_update_shift", "next_update_shift", "produced_at_shift"})


def leaked_key(scene: Scene) -> Outcome:
    """The certificate of the leaked key is revoked for that reason, the other one is in force."""
    if _state(scene, "server") is CertificateState.REVOKED:
        return scene.lacks("both")
    if _state(scene, "signature") is not CertificateState.REVOKED:
        return scene.lacks("in-force")
    application = scene.workspace.service_certificates.application(scene.names["signature"])
    serial = int(application.serial, 16)
    reason = scene.workspace.authorities.issued(serial_number=serial)[0].status.reason
    given = reason.value if reason else "none"
    return DONE if given == "keyCompromise" else scene.lacks("reason", reason=given)


def people_after_the_fall(scene: Scene) -> Outcome:
    """How many people hold a card of the fallen CA that is not closed already."""
    said = scene.said()
    if not said.isdecimal():
        return scene.lacks("no-number")
    issued = scene.workspace.authorities.issued(authority_id="sote-persons")
    held = [one.holder for one in issued if " card " in one.holder and one.status.state is CertificateState.GOOD]
    people = {holder.partition(" card ")[0] for holder in held}
    if int(said) == len(people):
        return DONE
    return scene.lacks("too-many" if int(said) > len(people) else "too-few")


def stale_answers(scene: Scene) -> Outcome:
    """The responder of the professional cards gives answers that have ended, and is otherwise honest."""
    faults = fault_board(scene.workspace).of(RESPONDER)
    if set(faults.as_dict()) - _TIMES:
        return scene.lacks("other-fault")
    left = scene.workspace.authorities.plan.responders.answer_validity + faults.next_update_shift
    return DONE if left < timedelta(0) else scene.lacks("no-fault")


def _state(scene: Scene, which: str) -> CertificateState:
    """The state of the certificate of one of the two applications."""
    application = scene.workspace.service_certificates.application(scene.names[which])
    return scene.workspace.authorities.issued(serial_number=int(application.serial, 16))[0].status.state
