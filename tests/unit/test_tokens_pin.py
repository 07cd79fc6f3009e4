"""A PIN must never show itself where people or logs can see it."""

from __future__ import annotations

import pickle
import random
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.tokens import Pin
from sotepki.tokens.storage import no_core_file


def test_a_pin_does_not_print_itself() -> None:
    """A log line, an f-string or a repr with a PIN in it would give the card away."""
    pin = Pin("48151623")
    shown = f"{pin} {pin!r} {[pin]}"
    assert "48151623" not in shown
    assert "****" in shown
    assert pin.reveal() == "48151623"


def test_a_pin_is_not_in_its_refusal() -> None:
    """The refusal of a malformed PIN must not repeat what was typed."""
    typed = "1234" + "x"
    with pytest.raises(Refused) as refusal:
        Pin(typed)
    assert typed not in "".join(traceback.format_exception(refusal.value))
    assert refusal.value.rule == "token.pin.digits"


def test_a_pin_is_not_pickled() -> None:
    """A pickled PIN would end up in files and in other processes."""
    with pytest.raises(TypeError):
        pickle.dumps(Pin("1234"))


@given(st.text(max_size=70))
def test_only_digits_make_a_pin(text: str) -> None:
    """A PIN of other digits (Arabic, superscript) would be refused by the card without an explanation."""
    good = 1 <= len(text) <= 64 and all(c in "0123456789" for c in text)
    if good:
        assert len(Pin(text)) == len(text)
    else:
        with pytest.raises(Refused):
            Pin(text)


def test_pins_compare_by_their_digits() -> None:
    """A second login to a token compares PINs; an always-true comparison would open it to anybody."""
    assert Pin("1234") == Pin("1234")
    assert Pin("1234") != Pin("1235")
    assert Pin("1234") != "1234"


def test_random_pins_can_be_repeated_with_a_seed() -> None:
    """Training runs with one seed show the same letters; without a seed two codes must differ."""
    assert Pin.random(8, random.Random(7)) == Pin.random(8, random.Random(7))
    assert Pin.random(32) != Pin.random(32)


def test_a_process_that_holds_pins_leaves_no_core_file() -> None:
    """A crash would write the memory with PINs and keys to the disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        no_core_file()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
