"""A card in a reader of vpcd: frames in pieces, control bytes, removal, and readers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from sotepki.card.pcsc.vpcd import Ending, VpcdConnection, keep_in_reader
from sotepki.errors import Fault

ATR = bytes.fromhex("3B9D1381316035803180")


class Card:
    """Answers every command by its own bytes and 9000, and writes down what happened to its power."""

    atr = ATR

    def __init__(self) -> None:
        self.events: list[str] = []
        self.present = True

    def power_on(self) -> bytes:
        self.events.append("on")
        return ATR

    def power_off(self) -> None:
        self.events.append("off")

    def reset(self) -> bytes:
        self.events.append("reset")
        return ATR

    def transmit(self, command: bytes) -> bytes:
        if command == b"gone!":
            self.present = False
            return b""
        return command + b"\x90\x00"


class Served:
    """A card that a thread holds in the reader whose socket the test has."""

    def __init__(self, reader: socket.socket, connection: VpcdConnection, card: Card) -> None:
        self.reader = reader
        self.connection = connection
        self.card = card
        self.ending: Ending | None = None
        self.fault: Fault | None = None
        self.ready = 0

    def run(self) -> None:
        try:
            self.ending = self.connection.serve(self.card, self._seen)
        except Fault as fault:
            self.fault = fault

    def _seen(self) -> None:
        self.ready += 1

    def say(self, payload: bytes) -> None:
        self.reader.sendall(len(payload).to_bytes(2, "big") + payload)

    def hear(self) -> bytes:
        length = int.from_bytes(self._exactly(2), "big")
        return self._exactly(length)

    def ask(self, payload: bytes) -> bytes:
        self.say(payload)
        return self.hear()

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self.reader.recv(count - len(content))
            assert part, "the card hung up"
            content += part
        return content


@contextmanager
def served(patience: float = 0.4) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = VpcdConnection(port=server.getsockname()[1], patience=patience)
        connection.connect()
        reader, _ = server.accept()
        reader.settimeout(5)
        one = Served(reader, connection, Card())
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        try:
            yield one
        finally:
            connection.remove()
            thread.join(5)
            reader.close()
        assert not thread.is_alive(), "the card does not let go of the reader"


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "it did not happen within five seconds"
        time.sleep(0.005)


def test_control_bytes_and_commands() -> None:
    """Power and reset are not answered; the ATR and every APDU are."""
    with served() as one:
        assert one.ask(b"\x04") == ATR
        for control in (b"\x01", b"\x02", b"\x00"):
            one.say(control)
        assert one.ask(b"\x00\xa4\x00\x0c") == b"\x00\xa4\x00\x0c\x90\x00"
        assert one.card.events == ["on", "reset", "off"]
        assert one.ask(b"\x04") == ATR
        assert one.ready == 1, "the card is new in the reader once"


def test_frames_that_come_byte_by_byte_are_frames() -> None:
    """TCP may split anywhere; a card that reads once for each frame would misunderstand its reader."""
    with served(patience=3) as one:
        long = bytes(range(256)) * 255
        for byte in b"\x00\x01\x04":
            one.reader.sendall(bytes((byte,)))
            time.sleep(0.01)
        assert one.hear() == ATR
        assert one.ask(long) == long + b"\x90\x00"
        one.reader.sendall(b"\x00\x05first\x00\x06second")
        assert (one.hear(), one.hear()) == (b"first\x90\x00", b"second\x90\x00")


def test_removal_closes_the_connection_and_takes_the_power() -> None:
    """vpcd knows a removed card by the closed line."""
    with served() as one:
        one.ask(b"\x04")
        one.connection.remove()
        assert one.reader.recv(1) == b""
        until(lambda: one.ending is Ending.REMOVED)
        assert one.card.events == ["off"]


def test_a_card_that_is_pulled_answers_nothing() -> None:
    """An answer of length zero would confuse the driver; the line is closed instead."""
    with served() as one:
        one.ask(b"\x04")
        one.say(b"gone!")
        assert one.reader.recv(1) == b""
        until(lambda: one.ending is Ending.PULLED)


def test_the_reader_may_be_silent_once_it_knows_the_card() -> None:
    """pcscd may be stopped in a debugger for longer than any patience."""
    with served(patience=0.1) as one:
        one.ask(b"\x04")
        time.sleep(0.4)
        assert one.ask(b"abcd") == b"abcd\x90\x00"


@pytest.mark.parametrize(
    ("said", "rule", "words"),
    [
        (b"", "card.reader.silent", "does not ask for the card"),
        (b"\x00", "card.reader.silent", "in the middle of a frame: 1 of 2"),
        (b"\x00\x09abc", "card.reader.silent", "3 of 9 bytes"),
        (b"\x00\x00", "card.reader.frame", "empty frame"),
    ],
)
def test_a_peer_that_stalls_or_is_no_reader_gets_one_sentence(said: bytes, rule: str, words: str) -> None:
    """Another program on the port must not hold the card for ever."""
    with served(patience=0.15) as one:
        one.reader.sendall(said)
        until(lambda: one.fault)
        assert one.fault is not None and one.fault.rule == rule
        assert words in one.fault.sentence
        assert one.card.events == ["off"]


def test_a_connection_cut_in_a_frame_is_said_so() -> None:
    """pcscd that crashes while it speaks is not a removed card."""
    with served() as one:
        one.reader.sendall(b"\x00\x09abc")
        one.reader.close()
        until(lambda: one.fault or one.ending)
        assert one.fault is not None and "3 of 9 bytes" in one.fault.sentence


def test_nobody_at_the_port() -> None:
    """The sentence says what to install."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Fault, match="apt-get install pcscd vsmartcard-vpcd") as absent:
        VpcdConnection(port=port).connect()
    assert absent.value.rule == "card.reader.absent"


def test_the_card_stays_in_when_pcscd_is_restarted() -> None:
    """After an update of the service the card must be there again without anybody's doing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connection, card, endings = VpcdConnection(port=port), Card(), list[Ending]()
        connection.connect()
        thread = threading.Thread(target=lambda: endings.append(keep_in_reader(connection, card)), daemon=True)
        thread.start()
        for _ in range(2):
            reader, _ = server.accept()
            reader.settimeout(5)
            reader.sendall(b"\x00\x01\x04")
            assert reader.recv(64)[2:] == ATR
            reader.close()
        last, _ = server.accept()
        connection.remove()
        thread.join(5)
        last.close()
    assert endings == [Ending.REMOVED]


def test_a_reader_that_does_not_come_back_is_given_up() -> None:
    """A background process must not wait for a service that was uninstalled."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = VpcdConnection(port=server.getsockname()[1])
        connection.connect()
        reader, _ = server.accept()
    with suppress(OSError):
        reader.sendall(b"\x00\x01\x04")
    reader.close()
    assert keep_in_reader(connection, Card(), returns_within=0.1) is Ending.READER_GONE
