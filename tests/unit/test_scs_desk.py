"""The user's side of the service: the workstation's page with any card, and PINs typed on a terminal."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from scs_world import MemoryCard

from sotepki.card import CardShelf
from sotepki.cli.scs_pins import terminal_pins
from sotepki.errors import Fault, Refused
from sotepki.scs import PinKind, PinRequest
from sotepki.scs.pins import PinDesk
from sotepki.scs.readers import ShelfReader
from sotepki.scs.workstation import Workstation
from sotepki.tokens import Pin

PATIENCE = 10.0


class PartlyRead(MemoryCard):
    """A card some of whose certificates are not there, or not read by strict readers."""

    unread: tuple[str, ...] = ()

    def certificate(self, which: str) -> x509.Certificate:
        if which in self.unread:
            raise Refused(f"The card has no certificate for {which}.", rule="scs.selector.no-match")
        return super().certificate(which)


def partly_read(*unread: str) -> PartlyRead:
    card = PartlyRead()
    card.unread = unread
    return card


def shown(card: MemoryCard | None) -> str:
    return str(Workstation(lambda: card, PinDesk()).state()["holder"])


def test_the_page_names_the_holder_of_a_card_for_login_only() -> None:
    """It answered 400, and the page said that the service had stopped."""
    assert shown(None) == ""
    assert shown(partly_read()) == shown(partly_read("signature")) == "Testaaja Aino"


def test_the_page_shows_a_card_whose_certificates_cannot_be_read() -> None:
    """By what is printed on it where that is known; never as an empty reader."""
    card = partly_read("signature", "authentication")
    assert shown(card) == "?"
    card.holder = "Printed Name"  # type: ignore[attr-defined]
    assert shown(card) == "Printed Name"


def test_the_page_says_what_is_wrong_with_a_reader_that_fails() -> None:
    def reader() -> MemoryCard:
        raise Fault("The PKCS#11 module failed: general error.", rule="scs.card.failed")

    state = Workstation(reader, PinDesk()).state()
    assert (state["holder"], state["last"]) == ("", "The PKCS#11 module failed: general error.")


def test_a_damaged_card_on_the_shelf_does_not_take_the_page_away(tmp_path: Path) -> None:
    shelf = CardShelf(tmp_path)
    shelf.add_blank("9900000001")
    shelf.add_blank("9900000002")
    (tmp_path / "9900000001" / "card.json").write_bytes(b"damaged")
    reader = ShelfReader(shelf)
    cards = Workstation(reader, PinDesk(), reader).state()["cards"]
    assert [card["number"] for card in cards] == ["9900000001", "9900000002"]
    assert cards[0]["holder"] == ""


class Terminal:
    """A pseudo-terminal as standard input: what is typed on it, and whether it shows what is typed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keyboard, self.line = pty.openpty()
        self.stdin = os.fdopen(self.line, "r", encoding="utf-8")
        monkeypatch.setattr("sys.stdin", self.stdin)
        self.stop = threading.Event()
        self.present = True
        self.ask = terminal_pins(self.stop)

    @property
    def echo(self) -> bool:
        return bool(termios.tcgetattr(self.line)[3] & termios.ECHO)

    def question(self) -> tuple[threading.Thread, list[Pin | None]]:
        """A question that is open: the terminal shows nothing any more."""
        answers: list[Pin | None] = []
        request = PinRequest(PinKind.PIN2, "https://a.example", present=lambda: self.present)
        asking = threading.Thread(target=lambda: answers.append(self.ask(request)), daemon=True)
        asking.start()
        until(lambda: not self.echo)
        return asking, answers

    def type(self, text: bytes) -> None:
        os.write(self.keyboard, text)


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def answer_of(question: tuple[threading.Thread, list[Pin | None]]) -> Pin | None:
    asking, answers = question
    asking.join(PATIENCE)
    (answer,) = answers
    return answer


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    made = Terminal(monkeypatch)
    yield made
    made.stop.set()
    os.close(made.keyboard)  # first: whoever still reads is told that the terminal is gone
    made.stdin.close()


def test_a_pin_is_typed_unseen(terminal: Terminal) -> None:
    question = terminal.question()
    terminal.type(b"\n")
    terminal.type(b"567890\n")
    assert answer_of(question) == Pin("567890")
    assert terminal.echo


@pytest.mark.parametrize("typed", [b"\x04", b"letters\n"])
def test_what_is_no_pin_cancels(terminal: Terminal, typed: bytes) -> None:
    question = terminal.question()
    terminal.type(typed)
    assert answer_of(question) is None
    assert terminal.echo


def test_a_service_that_stops_gives_the_terminal_back(terminal: Terminal) -> None:
    """After Ctrl-C the shell showed nothing of what was typed."""
    question = terminal.question()
    terminal.stop.set()
    assert answer_of(question) is None
    assert terminal.echo


def test_a_card_that_comes_back_is_asked_for_by_one_question(terminal: Terminal) -> None:
    """The question of before took the next line, and switched the echo on under the one that was asked."""
    question = terminal.question()
    terminal.type(b"56")
    terminal.present = False
    assert answer_of(question) is None
    assert terminal.echo
    terminal.present = True
    again = terminal.question()
    time.sleep(0.3)
    assert not terminal.echo
    terminal.type(b"222222\n")
    assert answer_of(again) == Pin("222222"), "the half that was typed before the card went is not a part of it"


def test_without_a_terminal_every_question_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"567890\n")
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert terminal_pins(threading.Event())(PinRequest(PinKind.PIN2, "")) is None
