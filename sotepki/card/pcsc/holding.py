"""Holding a card in a virtual reader: the process behind ``sotepki card insert``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from sotepki.card.door import ChipDoor, Faults, Reissue, open_door
from sotepki.card.pcsc.binding import PcscContext
from sotepki.card.pcsc.desk import ReaderDesk, ReaderPlace
from sotepki.card.pcsc.vpcd import Ending, VpcdConnection, keep_in_reader, port_of
from sotepki.card.shelf import CardShelf
from sotepki.errors import Fault


def hold_card(
    shelf: CardShelf,
    desk: ReaderDesk,
    number: str,
    *,
    reader: int = 0,
    profile: str = "opensc",
    layout: str = "application",
    language: str = "fi",
    faults: Faults,
    reissue: Reissue | None = None,
    on_connection: Callable[[VpcdConnection], None] = lambda _connection: None,
    on_ready: Callable[[], None] = lambda: None,
    port: int | None = None,
) -> Ending:
    """Put a card into a reader of vpcd and keep it there until it is removed; says how it ended.

    Args:
        on_connection: gets the connection before it is used; whoever calls its ``remove`` takes the card out.
        on_ready: called when the reader has seen the card.
        port: where the reader listens, if it is not Debian's port for this reader.

    Raises:
        Misuse: no such card, reader or profile.
        Refused: ``card.reader.occupied``, ``card.in-use``.
        Fault: ``card.reader.absent``, ``card.reader.silent``, ``card.reader.frame``.
    """
    with desk.occupy(reader, number, profile, faults) as place, contextlib.ExitStack() as stack:
        # pcscd may be started by its first client only, and end when the last has gone: be one.
        with contextlib.suppress(Fault):
            stack.enter_context(PcscContext())
        # The reader looks for cards a few times a second; connected already, the chip starts while it has not looked.
        connection = VpcdConnection(port=port_of(reader) if port is None else port)
        connection.connect()
        stack.callback(connection.close)
        on_connection(connection)
        door = stack.enter_context(
            open_door(
                shelf,
                number,
                profile=profile,
                layout=layout,
                language=language,
                faults=faults,
                trace=place.record,
                reissue=reissue,
                in_this_process=True,
            )
        )

        def seen() -> None:
            place.seen()
            on_ready()

        return keep_in_reader(connection, _Attended(door, place), seen)


class _Attended:
    """A door whose faults may be set anew between two commands."""

    def __init__(self, door: ChipDoor, place: ReaderPlace) -> None:
        self._door = door
        self._place = place

    @property
    def atr(self) -> bytes:
        return self._door.atr

    @property
    def present(self) -> bool:
        return self._door.present

    def power_on(self) -> bytes:
        return self._door.power_on()

    def power_off(self) -> None:
        self._door.power_off()

    def reset(self) -> bytes:
        return self._door.reset()

    def transmit(self, command: bytes) -> bytes:
        faults = self._place.new_faults()
        if faults is not None:
            self._door.set_faults(faults)
        return self._door.transmit(command)
