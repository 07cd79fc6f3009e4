"""A small card client: reads FINEID cards and uses their keys, over PC/SC or any other channel."""

from sotepki.card.client.card_client import RETRY_FLOOR, CardClient, PinStanding, PinStatus
from sotepki.card.client.channel import Channel
from sotepki.card.client.content import CardCertificate, CardObjects
from sotepki.card.client.memory import WrongPins
from sotepki.card.client.numbering import Role
from sotepki.card.client.proof import Proof

__all__ = [
    "RETRY_FLOOR",
    "CardCertificate",
    "CardClient",
    "CardObjects",
    "Channel",
    "PinStanding",
    "PinStatus",
    "Proof",
    "Role",
    "WrongPins",
]
