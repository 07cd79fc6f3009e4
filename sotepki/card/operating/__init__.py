"""The card's operating system: files, PKCS#15 objects and commands in bytes, in front of the vault.

It runs in the chip's process and holds no right of its own: PINs, counters and keys are asked of ``vault.Vault``.
"""

from sotepki.card.operating.contents import CardContents, PublicCard, public_card
from sotepki.card.operating.profiles import CardProfile, Placement, card_placement, card_profile, card_profiles
from sotepki.card.operating.system import CardImage, CardSystem, card_image

__all__ = [
    "CardContents",
    "CardImage",
    "CardProfile",
    "CardSystem",
    "Placement",
    "PublicCard",
    "card_image",
    "card_placement",
    "card_profile",
    "card_profiles",
    "public_card",
]
