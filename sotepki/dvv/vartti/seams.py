"""What Vartti needs of other rooms and desks, as Protocols: registration points' authorisations, shelf and keys."""

from __future__ import annotations

from typing import Protocol

from sotepki.card import CardContent, Personalisation
from sotepki.identifiers import Oid
from sotepki.tokens import KeyKind, PrivateKey


class PointAuthorisations(Protocol):
    """Which organisation has authorised which registration point (docs/field/registration.md 4)."""

    def authorised(self, organisation: Oid, point_id: str) -> bool: ...


class KeySource(Protocol):
    """Where card keys come from; each is given once."""

    def take(self, kind: KeyKind) -> PrivateKey: ...


class CardMaker(Protocol):
    """The shelf that makes and keeps cards."""

    def has(self, number: str) -> bool: ...

    def personalise(self, order: Personalisation) -> None: ...

    def read(self, number: str) -> CardContent: ...
