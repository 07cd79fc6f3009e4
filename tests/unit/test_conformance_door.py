"""The door of the suite: whatever a program sends to it, it answers, stays open, and remembers what was wrong."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from conformance.sut import asking_card
from conformance.sut.door import Door, Step, open_door
from conformance.sut.facets import Card, PinPad, SystemFailed
from sotepki.errors import Refused


def post(door: Door, body: bytes, path: str | None = None) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(door.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request("POST", parts.path if path is None else path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wrong_pin(_row: object) -> dict[str, Any]:
    raise Refused("The PIN is wrong.", rule="card.pin.wrong")


def without_end(_row: object) -> dict[str, Any]:
    raise SystemFailed("The system asked without end.")


STEPS: dict[str, Step] = {
    "tries": lambda row: {"pin2": row["start"] - 1},
    "verify": wrong_pin,
    "nag": without_end,
}


def test_a_step_is_done_and_a_refusal_of_the_card_is_an_answer() -> None:
    with open_door(STEPS) as door:
        assert post(door, b'{"operation": "tries", "start": 5}') == (200, {"pin2": 4})
        assert post(door, b'{"operation": "verify"}') == (
            200,
            {"error": "card.pin.wrong", "message": "The PIN is wrong."},
        )


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b"5", b"[" * 100_000, b'{"operation": "dance"}', b'{"operation": []}', b"\xff\xfe"]
)
def test_garbage_gets_an_answer_and_the_door_stays_open(body: bytes) -> None:
    with open_door(STEPS) as door:
        assert post(door, body)[0] == 400
        assert post(door, b'{"operation": "tries"}')[0] == 400  # a field is missing
        assert post(door, b'{"operation": "tries", "start": 5}')[0] == 200


def test_nobody_enters_who_was_not_told_the_address() -> None:
    with open_door(STEPS) as door:
        assert post(door, b'{"operation": "tries", "start": 5}', "/")[0] == 404


def test_a_program_that_says_nothing_does_not_shut_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.sut.door._SECONDS", 0.2)
    with open_door(STEPS) as door, socket.create_connection(("127.0.0.1", urlsplit(door.url).port or 0)):
        assert post(door, b'{"operation": "tries", "start": 5}')[0] == 200


def test_what_no_right_system_does_ends_the_case_whatever_it_answers() -> None:
    with pytest.raises(SystemFailed, match="without end"), open_door(STEPS) as door:
        assert post(door, b'{"operation": "nag"}')[0] == 409


def test_a_program_may_break_the_lines_of_its_base64() -> None:
    """The suite would otherwise say that a right program sent no document."""

    class Echo:
        def sign(self, document: bytes) -> bytes:
            return document

    steps = asking_card._card_steps(cast(Card, Echo()), cast(PinPad, None))
    with open_door(steps) as door:
        answer = post(door, b'{"operation": "sign", "document": "YWJj\\r\\nZGVm\\r\\n"}')
    assert answer == (200, {"document": "YWJjZGVm"})
