"""Who acts on a card: its holder, a registrar, DVV, or somebody who may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sotepki.clock import finnish_day
from sotepki.dvv.registration.points import Registrar, RegistrationPoints, Standing
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.errors import Refused
from sotepki.identifiers import Hetu

DVV = "dvv"
"""The actor that stands for DVV itself: card production, revocation service."""


@dataclass(frozen=True)
class Acting:
    """The role that somebody has towards a card, and the name that the journal may show."""

    role: str
    name: str
    registrar: Registrar | None = None


def acting_on(
    row: CardOrderRow, actor: Hetu | str, points: RegistrationPoints, now: datetime, *, as_registrar: bool = False
) -> Acting:
    """The role of ``actor`` (a person, or ``"dvv"``) towards the card of ``row``.

    A person is the holder before anything else, unless the step is a registrar's (``as_registrar``). At several
    points the one of the order is preferred.
    """
    if actor == DVV:
        return Acting("dvv", DVV)
    if isinstance(actor, Hetu):
        if actor.value == row.hetu and not as_registrar:
            return Acting("holder", f"holder of card {row.card_number or ''}".strip())
        registrar = _registrar(row, actor, points, now)
        if registrar is not None:
            return Acting("registrar", registrar.name, registrar)
    return Acting("other", "a person without a role")


def _registrar(row: CardOrderRow, actor: Hetu, points: RegistrationPoints, now: datetime) -> Registrar | None:
    found = None
    for point_id in (row.point, ""):
        try:
            found = points.registrar(actor, point_id=point_id, at=now)
        except Refused:
            continue
        if found.standing(finnish_day(now)) is Standing.IN_FORCE:
            return found
    return found
