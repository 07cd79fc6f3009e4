"""A workstation in the house: a reader with a card of the workspace in it, and where its PINs come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sotepki.services.house import House

if TYPE_CHECKING:
    from sotepki.scs.pins import PinDesk
    from sotepki.scs.readers import ShelfReader
    from sotepki.scs.service import PinSource
    from sotepki.scs.workstation import Workstation


@dataclass(frozen=True)
class Desk:
    """What the Signature Creation Service and the workstation's page share.

    Attributes:
        chain: PEM file with key and certificate of localhost.
    """

    reader: ShelfReader
    pins: PinSource
    station: Workstation
    chain: Path


def workstation_of(house: House) -> Desk:
    """The desk of a house. Options of the house: ``card`` (a number) and ``pins`` (a ``PinSource``), if any."""
    if "workstation" not in house.shared:
        house.shared["workstation"] = _made(house)
    return cast(Desk, house.shared["workstation"])


def _made(house: House) -> Desk:
    from sotepki.clock import SystemClock
    from sotepki.scs import local_certificate
    from sotepki.scs.pins import PinDesk
    from sotepki.scs.readers import ShelfReader
    from sotepki.scs.workstation import Workstation

    reader = house.resources.enter_context(ShelfReader(house.workspace.cards))
    if house.options.get("card"):
        reader.insert(str(house.options["card"]))
    desk: PinDesk = PinDesk()
    # Browsers judge the local certificate by the machine's time, so that is when it is made.
    chain = local_certificate(house.workspace.directory / "scs" / "localhost.pem", SystemClock().now())
    pins = cast("PinSource | None", house.options.get("pins"))
    return Desk(reader, pins or desk, Workstation(reader, desk, reader), chain)
