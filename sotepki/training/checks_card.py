"""Checks of the exercises with a card, command by command (notebook 11)."""

from __future__ import annotations

from sotepki.card.kinds import Credential
from sotepki.training.scene import DONE, Outcome, Scene

_MOST = 5


def nine_digits(scene: Scene) -> Outcome:
    """The status of a PIN that is too long, and no try spent on it."""
    if not _status(scene):
        return scene.lacks("nothing")
    if _status(scene) != "6a80":
        return scene.lacks("other-status")
    return DONE if _tries(scene) == _MOST else scene.lacks("spent", left=_tries(scene))


def padded_pin(scene: Scene) -> Outcome:
    """The status of a padded PIN, and the try that it cost."""
    if _tries(scene) == _MOST:
        return scene.lacks("not-tried")
    return DONE if _status(scene) == "63c4" else scene.lacks("other-status")


def serial_of_the_card(scene: Scene) -> Outcome:
    """The serial number of EF.TokenInfo, which ends with the card's number."""
    said = scene.said().replace(" ", "")
    if not said:
        return scene.lacks("no-text")
    return DONE if said == scene.names["card"] else scene.lacks("other-number")


def _status(scene: Scene) -> str:
    """Two status bytes, given as text or as bytes."""
    if isinstance(scene.answer, bytes):
        return scene.answer[-2:].hex()
    return scene.said().replace(" ", "")


def _tries(scene: Scene) -> int:
    return scene.workspace.cards.read(scene.names["card"]).state.tries[Credential.PIN1]
