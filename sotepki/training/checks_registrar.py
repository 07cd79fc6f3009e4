"""Checks of the registrar's course (notebook 03): they look at Vartti's orders and cards, and at the points."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from sotepki.dvv import CardOrder
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.training.scene import DONE, Outcome, Scene

_ENDED = frozenset({"rejected", "cancelled", "closed", "expired"})
_HANDED_OUT = frozenset({"handed-out", "activated", "renewal-open"})


def driving_licence(scene: Scene) -> Outcome:
    """A live order of the sosionomi."""
    return DONE if _live(scene, "sosionomi") else scene.lacks("no-order")


def expired_passport(scene: Scene) -> Outcome:
    """A live order of the psychologist, which rests on the identification by the police."""
    orders = _live(scene, "psychologist")
    if not orders:
        return scene.lacks("no-order")
    seen = _identity_document(scene, orders[-1])
    return DONE if seen.startswith("police-identification") else scene.lacks("other-document", document=seen)


def order_for_a_colleague(scene: Scene) -> Outcome:
    """A live order of the second registrar."""
    return DONE if _live(scene, "registrar-county-2") else scene.lacks("no-order")


def right_removed(scene: Scene) -> Outcome:
    """A personnel card of the county for the nurse whose right was removed, and no professional one."""
    part = "nurse-whose-right-was-removed"
    if _live(scene, part):
        return scene.lacks("professional")
    orders = _live(scene, part, kind="personnel")
    if not orders:
        return scene.lacks("no-order")
    employment = orders[-1].employment
    task = employment.task if employment else ""
    return DONE if task == "patient-care" else scene.lacks("task", task=task)


def two_professions(scene: Scene) -> Outcome:
    """Two live orders of the person who is both dentist and physician, one for each right."""
    codes = sorted(order.right_code for order in _live(scene, "dentist-and-physician"))
    if not codes:
        return scene.lacks("no-order")
    return DONE if codes == ["001", "T02"] else scene.lacks("codes", codes=", ".join(codes))


def three_rights(scene: Scene) -> Outcome:
    """One live order of the nurse with three rights, with the one of a midwife."""
    orders = _live(scene, "nurse-with-three-rights")
    if not orders:
        return scene.lacks("no-order")
    return DONE if orders[-1].right_code == "T08" else scene.lacks("other-right", code=orders[-1].right_code)


def hand_over(scene: Scene) -> Outcome:
    """The delivered card is in its holder's hands."""
    state = _card(scene).state
    return DONE if state in _HANDED_OUT else scene.lacks("state", state=state)


def letter_lost(scene: Scene) -> Outcome:
    """A new code was ordered for the card."""
    return DONE if _step_taken(scene, "new-code") else scene.lacks("no-code")


def lost_card(scene: Scene) -> Outcome:
    """The card is closed as lost, and a new one is on its way."""
    return _not_closed(scene, "lost") or (DONE if _live(scene, "prescribing-nurse") else scene.lacks("no-order"))


def left_at_home(scene: Scene) -> Outcome:
    """A spare card for the specialist, whose own card is still good."""
    if _card(scene).state == "closed":
        return scene.lacks("closed")
    number = scene.workspace.valvira.professional_of(scene.cast.person("specialist-physician"))
    assert number is not None
    given = [
        spare
        for spare in scene.workspace.spare_cards.cards()
        if spare.registration_number == number.registration_number.value and spare.state == "issued"
    ]
    return DONE if given else scene.lacks("no-spare")


def faulty_card(scene: Scene) -> Outcome:
    """Closed as broken, and complained of."""
    card = _card(scene)
    if card.state != "closed" or card.closing_reason != "broken":
        return scene.lacks("open", state=card.state)
    return DONE if _step_taken(scene, "complain") else scene.lacks("no-complaint")


def name_changed(scene: Scene) -> Outcome:
    """The old card is closed for the change of name, and a new one ordered."""
    return _not_closed(scene, "name-changed") or (
        DONE if _live(scene, "medical-student") else scene.lacks("no-order")
    )


def consultant_leaves(scene: Scene) -> Outcome:
    """The actor card is closed, since the work has ended."""
    return _not_closed(scene, "employment-ended") or DONE


def placement_student(scene: Scene) -> Outcome:
    """A personnel card with the task of a student, charged."""
    part = "student-whose-right-lapsed"
    if not (orders := _live(scene, part, kind="personnel")):
        return scene.lacks("professional" if _live(scene, part) else "no-order")
    return DONE if orders[-1].price == "charged" else scene.lacks("free")


def second_registrar(scene: Scene) -> Outcome:
    """The geronomi works as registrar at TEST-RP-04, by a certificate of the course, and the point is open."""
    point, trainee = "TEST-RP-04", scene.cast.person("geronomi")
    here = [one for one in scene.workspace.registration_points.registrars(point) if one.hetu == trainee]
    if not here or not here[-1].certificate:
        return scene.lacks("no-application")
    if here[-1].state != "in-force":
        return scene.lacks("not-granted", state=here[-1].state)
    state = scene.workspace.registration_points.point(point).state
    return DONE if state == "open" else scene.lacks("not-open", state=state)


def _live(scene: Scene, part: str, kind: str = "professional") -> Sequence[CardOrder]:
    """The orders of whoever plays a part that have not ended, oldest first."""
    orders = scene.workspace.vartti.orders(hetu=scene.cast.person(part), kind=kind)
    return [order for order in orders if order.state not in _ENDED]


def _card(scene: Scene) -> CardOrder:
    return scene.workspace.vartti.card(scene.names["card"])


def _not_closed(scene: Scene, reason: str) -> Outcome | None:
    """What is missing as long as the card is not closed for ``reason``; None when it is."""
    card = _card(scene)
    if card.state != "closed":
        return scene.lacks("open", state=card.state)
    return None if card.closing_reason == reason else scene.lacks("reason", reason=card.closing_reason)


def _step_taken(scene: Scene, step: str) -> bool:
    return any(taken.step == step for taken in scene.workspace.vartti.history(_card(scene).id))


def _identity_document(scene: Scene, order: CardOrder) -> str:
    """What the registrar wrote down as seen; an order does not show it, since only an inspector asks for it."""
    seen = select(CardOrderRow.identity_document).where(CardOrderRow.number == int(order.id[1:]))
    with scene.workspace.records.look() as session:
        return session.scalars(seen).one()
