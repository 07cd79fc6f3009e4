"""Several documents in one go: PIN habits of clients, and a failure in the middle."""

from __future__ import annotations

import pytest

from sotepki.documents.multi_signing import PinPolicy, SeveralSigned, middlewares, pin_supply, sign_several
from sotepki.errors import Misuse, Refused
from sotepki.tokens import Pin


def test_a_failure_in_the_middle_keeps_what_was_done() -> None:
    """The user sees which documents are signed, where it stopped and why, and which were not reached."""
    stored: list[str] = []

    def sign(name: str) -> None:
        if name == "c":
            raise Refused("PIN2 is wrong.", rule="card.pin.wrong")
        stored.append(name)

    told: list[str] = []
    result = sign_several(["a", "b", "c", "d", "e"], sign, tell=told.append)
    assert stored == told == list(result.done) == ["a", "b"]
    assert (result.stopped_at, result.left) == ("c", ("d", "e"))
    assert result.reason is not None
    assert result.reason.rule == "card.pin.wrong"


def test_when_all_are_signed_nothing_is_left() -> None:
    assert sign_several(["a", "b"], lambda _name: None) == SeveralSigned(("a", "b"))


@pytest.mark.parametrize(
    ("policy", "client", "asked"),
    [("each", "direct", 21), ("each", "opensc", 21), ("batch", "direct", 1), ("batch", "opensc", 3)],
)
def test_how_often_pin2_is_typed(policy: str, client: str, asked: int) -> None:
    """OpenSC keeps a PIN for ten uses, so 21 documents cost three entries."""
    typed: list[Pin] = []

    def ask() -> Pin:
        typed.append(Pin("123456"))
        return typed[-1]

    supply = pin_supply(PinPolicy(policy), middlewares()[client], ask)
    assert all(supply() == Pin("123456") for _ in range(21))
    assert len(typed) == asked


@pytest.mark.parametrize("client", ["kelain", "opensc-user-consent", "refineid"])
def test_a_client_that_asks_each_time_has_no_batch(client: str) -> None:
    """Said before the first PIN is typed."""
    with pytest.raises(Misuse) as caught:
        pin_supply(PinPolicy.BATCH, middlewares()[client], lambda: Pin("123456"))
    assert caught.value.rule == "doc.pin-policy"
