"""Pages that do not wait for their answer, a service that stops while one waits: nothing is signed for nobody."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable

from scs_world import PIN2, MemoryCard

from sotepki import loopback
from sotepki.scs import PinRequest, PinSource, ScsHttp, SignatureService
from sotepki.scs.pins import PinDesk
from sotepki.tokens import Pin


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Station:
    """A service whose ends are noted; over plain HTTP, since TLS makes no difference here."""

    def __init__(self, pin: PinSource) -> None:
        self.card, self.ends = MemoryCard(), list[str]()
        service = SignatureService(lambda: self.card, pin, outcome=lambda _origin, text: self.ends.append(text))
        self.running = loopback.running(ScsHttp(service).application())


def asking(url: str) -> http.client.HTTPConnection:
    """A page that has asked for a signature."""
    host, port = url.removeprefix("http://").split(":")
    page = http.client.HTTPConnection(host, int(port), timeout=10)
    body = json.dumps({"content": "eA==", "selector": {"keyusages": ["nonrepudiation"]}})
    page.request("POST", "/sign", body, {"Content-Type": "application/json"})
    return page


def test_a_page_that_has_gone_leaves_no_question() -> None:
    """A closed tab kept its question on the user's desk for two minutes, and all other pages were refused as busy."""
    desk = PinDesk()
    station = Station(desk)
    with station.running as url:
        for number in (1, 2):
            page = asking(url)
            until(lambda: desk.question is not None)
            page.close()
            until(lambda number=number: len(station.ends) == number)  # type: ignore[misc]
            assert desk.question is None
    assert all("[scs.pin.cancelled]" in end for end in station.ends)


def test_a_pin_that_comes_when_the_page_has_gone_is_not_used() -> None:
    """The card signed what nobody would ever get, and the user did not know what for."""
    asked, gone = threading.Event(), threading.Event()

    def late(request: PinRequest) -> Pin:
        asked.set()
        assert gone.wait(10)
        until(lambda: not request.present())
        return PIN2

    station = Station(late)
    with station.running as url:
        page = asking(url)
        assert asked.wait(10)
        page.close()
        gone.set()
        until(lambda: bool(station.ends))
    assert "its page has gone" in station.ends[0] and station.card.verified == set()


def test_a_service_that_stops_answers_the_page_that_waits() -> None:
    """At Ctrl-C the page got an empty reply, as from a service that is broken."""
    desk = PinDesk()
    station = Station(desk)
    with station.running as url:
        page = asking(url)
        until(lambda: desk.question is not None)
    answer = json.loads(page.getresponse().read())
    assert answer["reasonCode"] == 401 and "[scs.pin.cancelled]" in answer["reasonText"]
