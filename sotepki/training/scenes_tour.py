"""Where the exercises of the tour begin (notebook 00)."""

from __future__ import annotations

from sotepki.journey import Cast
from sotepki.training.cards import card_of
from sotepki.workspace import Workspace


def card_in_pocket(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The social worker has an activated card."""
    return {"card": card_of(workspace, cast, "social-worker").card_number}
