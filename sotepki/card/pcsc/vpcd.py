"""A card in a reader of vpcd, the virtual PC/SC reader driver: its wire protocol, spoken from the card's side.

The reader is the server and the card connects (docs/field/card.md 9: confirmed, measured). A frame is a length of
two bytes, high byte first, and as many bytes. One byte is a command of the reader's, anything else is an APDU. A
closed connection is a removed card.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Protocol

from sotepki.errors import Fault, SotepkiError

FIRST_PORT = 35963
SLOTS = 2
LARGEST_FRAME = 65535
PATIENCE = 5.0
_LENGTH_BYTES = 2
_RETRY_AFTER = 0.2
_READER_RETURNS_WITHIN = 30.0


class Control(IntEnum):
    """The commands of the reader to the card. Only the last one is answered."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    GET_ATR = 4


class CardSide(Protocol):
    """What of a card the reader needs; ``ChipDoor`` offers it. A card that is gone answers nothing."""

    @property
    def atr(self) -> bytes: ...

    @property
    def present(self) -> bool: ...

    def power_on(self) -> bytes: ...

    def power_off(self) -> None: ...

    def reset(self) -> bytes: ...

    def transmit(self, command: bytes) -> bytes: ...


class Ending(Enum):
    """Why the card is not in the reader any more."""

    REMOVED = "removed"
    PULLED = "pulled"
    READER_GONE = "reader gone"


class VpcdConnection:
    """One card in one slot: from ``connect`` until ``remove`` or until either side fails."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = FIRST_PORT, patience: float = PATIENCE) -> None:
        """``patience``: seconds that the reader has for its first question, and for the rest of a frame."""
        self._address = (host, port)
        self._patience = patience
        self._socket: socket.socket | None = None
        self._removed = threading.Event()
        self._asked = False
        self._received = b""

    def connect(self) -> None:
        """Put the card in: connect to the reader.

        Raises:
            Fault: rule ``card.reader.absent``: nobody listens there, or the machine refuses.
        """
        try:
            connection = socket.create_connection(self._address, timeout=self._patience)
        except OSError as error:
            raise absent_reader(self._address[1], error) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._asked = False
        self._received = b""
        if self._removed.is_set():
            self.close()

    def serve(self, card: CardSide, on_ready: Callable[[], None] = lambda: None) -> Ending:
        """Let the card answer until it is removed or the reader goes; ``on_ready`` when the ATR was first given.

        Raises:
            Fault: rule ``card.reader.silent`` (the slot is occupied, or the reader stalls in a frame),
                ``card.reader.frame``, or what the card itself failed with; the card is out of the reader then.
        """
        connection = self._socket
        if connection is None:
            raise Fault("The card is not in a reader.", rule="card.removed")
        try:
            while True:
                frame = self._receive(connection)
                if frame is None:
                    return Ending.REMOVED if self._removed.is_set() else Ending.READER_GONE
                answer = _answer(card, frame)
                if answer == b"":
                    return Ending.PULLED  # an empty frame is no answer; vpcd knows an absent card by the closed line
                if answer is not None:
                    self._send(connection, answer)
                if not self._asked and frame == bytes([Control.GET_ATR]):
                    self._asked = True
                    on_ready()
        except SotepkiError:
            if self._removed.is_set():
                return Ending.REMOVED
            raise
        finally:
            self.close()
            card.power_off()

    def remove(self) -> None:
        """Take the card out, from any thread or signal handler; ``serve`` returns."""
        self._removed.set()
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def removed(self) -> bool:
        """Whether ``remove`` was called."""
        return self._removed.is_set()

    def wait_removed(self, seconds: float) -> bool:
        """Wait for ``remove``; whether it came."""
        return self._removed.wait(seconds)

    def _receive(self, connection: socket.socket) -> bytes | None:
        """The next frame, or None at the end of the connection."""
        self._received = self._received or self._first_bytes(connection)
        if not self._received:
            return None
        deadline = time.monotonic() + self._patience
        length = int.from_bytes(self._exactly(connection, _LENGTH_BYTES, deadline), "big")
        if not length:
            raise Fault(
                "The reader sent an empty frame, which is no command.",
                rule="card.reader.frame",
                advice="Is it vpcd that listens on this port?",
            )
        return self._exactly(connection, length, deadline)

    def _first_bytes(self, connection: socket.socket) -> bytes:
        # A reader that is in use asks for the ATR several times a second, but it may be silent for a while: a client
        # holds it, or pcscd is stopped in a debugger. Only the first question is waited for with a limit.
        connection.settimeout(None if self._asked else self._patience)
        try:
            _acknowledge_at_once(connection)
            return connection.recv(LARGEST_FRAME)
        except TimeoutError:
            raise Fault(
                f"The reader on port {self._address[1]} does not ask for the card within {self._patience:g} seconds.",
                rule="card.reader.silent",
                advice="Another card is in it (take the other reader, or remove that card), or it is not vpcd.",
            ) from None
        except OSError:
            return b""

    def _exactly(self, connection: socket.socket, count: int, deadline: float) -> bytes:
        while len(self._received) < count:
            left = deadline - time.monotonic()
            try:
                connection.settimeout(max(left, 0.001))
                _acknowledge_at_once(connection)
                part = connection.recv(LARGEST_FRAME)
            except TimeoutError:
                raise Fault(
                    f"The reader stopped in the middle of a frame: {len(self._received)} of {count} bytes came.",
                    rule="card.reader.silent",
                    advice="Restart pcscd and insert the card again.",
                ) from None
            except OSError as error:
                raise _broken(len(self._received), count) from error
            if not part:
                raise _broken(len(self._received), count)
            self._received += part
        content, self._received = self._received[:count], self._received[count:]
        return content

    def _send(self, connection: socket.socket, answer: bytes) -> None:
        if len(answer) > LARGEST_FRAME:
            raise Fault(f"The card answered {len(answer)} bytes, which no frame holds.", rule="card.reader.frame")
        connection.settimeout(self._patience)
        try:
            connection.sendall(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)
        except TimeoutError:
            raise Fault(
                "The reader does not take the card's answer.",
                rule="card.reader.silent",
                advice="Restart pcscd and insert the card again.",
            ) from None
        except OSError:
            return  # the reader has gone; the next read says so

    def close(self) -> None:
        """Close the connection; what is in the reader is removed. Closing twice is no error."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()


def keep_in_reader(
    connection: VpcdConnection,
    card: CardSide,
    on_ready: Callable[[], None] = lambda: None,
    *,
    returns_within: float = _READER_RETURNS_WITHIN,
) -> Ending:
    """Serve a connected card until ``remove``, also when pcscd is restarted in between; says how it ended.

    A reader that has gone may come back within ``returns_within`` seconds.

    Raises:
        Fault: as ``VpcdConnection.serve``.
    """
    while (ending := connection.serve(card, on_ready)) is Ending.READER_GONE:
        deadline = time.monotonic() + returns_within
        while not connection.wait_removed(_RETRY_AFTER):
            try:
                connection.connect()
                break
            except Fault:
                if time.monotonic() > deadline:
                    return ending
        if connection.removed:
            return Ending.REMOVED
    return ending


def _answer(card: CardSide, frame: bytes) -> bytes | None:
    """What goes back for a frame: None for nothing at all, empty for a card that is gone."""
    if len(frame) != 1:
        return card.transmit(frame)
    match frame[0]:
        case Control.POWER_OFF:
            card.power_off()
        case Control.POWER_ON:
            card.power_on()
        case Control.RESET:
            card.reset()
        case Control.GET_ATR:
            return card.atr if card.present else b""
        case _:
            return card.transmit(frame)
    return None


def port_of(reader: int) -> int:
    """The port of a slot of Debian's vpcd: 35963 for 0, 35964 for 1."""
    return FIRST_PORT + reader


def absent_reader(port: int, error: OSError) -> Fault:
    """What to say when nobody listens where the reader should be."""
    return Fault(
        f"There is no virtual reader on port {port}: {error.strerror or 'no answer'}.",
        rule="card.reader.absent",
        advice="It needs pcscd with vpcd's driver, running: 'apt-get install pcscd vsmartcard-vpcd' and start pcscd; "
        "or 'sotepki card readers COMMAND' runs a command beside a pcscd of its own.",
    )


def _broken(came: int, wanted: int) -> Fault:
    return Fault(
        f"The reader closed the connection in the middle of a frame: {came} of {wanted} bytes came.",
        rule="card.reader.frame",
        advice="Restart pcscd and insert the card again.",
    )


def _acknowledge_at_once(connection: socket.socket) -> None:
    # vpcd sends the length and the content separately; Linux would hold back the acknowledgement of the length for
    # 40 ms, and vpcd's kernel the content until then. The option does not last, so it is set before every read.
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, option, 1)
