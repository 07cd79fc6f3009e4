"""Checks of the exercises in the pharmacy's notebook."""

from __future__ import annotations

from datetime import timedelta

from sotepki.clock import finnish_day
from sotepki.training.scene import DONE, Outcome, Scene

CANDIDATES = ("dentist", "farmaseutti", "prescribing-nurse", "psychologist")
_DAYS = 3
_DISPENSING = "dispensing"


def who_prescribes(scene: Scene) -> Outcome:
    """Exactly those of the four who have a prescriber's identifier in Valvira's register."""
    answer = scene.answer
    if not isinstance(answer, list | tuple | set | frozenset) or not answer:
        return scene.lacks("no-list")
    named = {str(part)[:40] for part in answer}
    able = {part for part in CANDIDATES if _prescribes(scene, part)}
    for part in sorted(named - able):
        return scene.lacks("too-many", part=part)
    return DONE if named == able else scene.lacks("too-few")


def forgotten_card(scene: Scene) -> Outcome:
    """The dentist has a spare card, and not for longer than the need."""
    cards = scene.workspace.spare_cards.cards()
    if not cards:
        return scene.lacks("no-blank")
    dentist = scene.workspace.valvira.professional_of(scene.cast.person("dentist"))
    issued = [card for card in cards if dentist and card.registration_number == dentist.registration_number.value]
    if not issued or issued[0].not_after is None:
        return scene.lacks("not-issued")
    latest = scene.workspace.clock.now() + timedelta(days=_DAYS)
    if finnish_day(issued[0].not_after) > finnish_day(latest):
        return scene.lacks("too-long", day=finnish_day(issued[0].not_after))
    return DONE


def restricted_farmaseutti(scene: Scene) -> Outcome:
    """The barred person's access is ended, and somebody else may dispense."""
    organisation = scene.cast.organisation("coast-pharmacy")
    pharmacy = scene.workspace.provider(organisation)
    barred = scene.workspace.valvira.professional_of(scene.cast.person("farmaseutti"))
    held = [one for one in pharmacy.access.held(organisation) if one.task == _DISPENSING]
    if barred and any(one.registration_number == barred.registration_number for one in held):
        return scene.lacks("still-held")
    if not any(pharmacy.may(one.registration_number, _DISPENSING) for one in held):
        return scene.lacks("nobody")
    return DONE


def _prescribes(scene: Scene, part: str) -> bool:
    professional = scene.workspace.valvira.professional_of(scene.cast.person(part))
    return professional is not None and professional.prescriber_id is not None
