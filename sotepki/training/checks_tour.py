"""Checks of the tour's exercises (notebook 00)."""

from __future__ import annotations

from sotepki.training.scene import DONE, Outcome, Scene


def card_too_many(scene: Scene) -> Outcome:
    """Vartti refused a second card for one person, as the journal tells."""
    return DONE if scene.refused("order.one-card") else scene.lacks("not-tried")


def whose_signature(scene: Scene) -> Outcome:
    """The registration number of the social worker who signed the plan."""
    professional = scene.workspace.valvira.professional_of(scene.cast.person("social-worker"))
    if not scene.said():
        return scene.lacks("nothing")
    return DONE if professional and scene.said() == str(professional.registration_number) else scene.lacks("other")
