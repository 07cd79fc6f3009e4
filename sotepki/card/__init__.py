"""The card: keys behind PINs behind counters, made on a shelf, inserted into readers.

The names are fetched when they are first asked for: a chip is a process of its own, which needs few of them, and
whoever inserts a card waits for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sotepki.card.inserted import InsertedCard
    from sotepki.card.kinds import CardKind, Credential, KeyUse, card_kind, card_kinds
    from sotepki.card.letter import pin_letter
    from sotepki.card.personalisation import Personalisation, check_number, new_activation_code
    from sotepki.card.shelf import CardContent, CardShelf
    from sotepki.card.state import CardState, Phase

__all__ = [
    "CardContent",
    "CardKind",
    "CardShelf",
    "CardState",
    "Credential",
    "InsertedCard",
    "KeyUse",
    "Personalisation",
    "Phase",
    "card_kind",
    "card_kinds",
    "check_number",
    "new_activation_code",
    "pin_letter",
]


_PLACES = {
    "InsertedCard": "inserted",
    "CardKind": "kinds",
    "Credential": "kinds",
    "KeyUse": "kinds",
    "card_kind": "kinds",
    "card_kinds": "kinds",
    "pin_letter": "letter",
    "Personalisation": "personalisation",
    "check_number": "personalisation",
    "new_activation_code": "personalisation",
    "CardContent": "shelf",
    "CardShelf": "shelf",
    "CardState": "state",
    "Phase": "state",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
