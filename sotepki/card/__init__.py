"""The card: keys behind PINs behind counters, made on a shelf, inserted into readers."""

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
