"""Stock OpenSC and the card's PINs: wrong, locked, changed, unblocked; and cards that are pulled out.

Every test has a fresh card of its own.
"""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from card_pcsc_world import CODE, PIN1, RSA_SMALL, Desk, card_keys, desk, pins, send  # noqa: F401

from sotepki.card import KeyUse

pytestmark = pytest.mark.integration


@pytest.fixture
def own(desk: Desk, request: pytest.FixtureRequest) -> Iterator[tuple[Desk, str]]:
    """A fresh card, not in a reader yet."""
    number = f"{RSA_SMALL}/{abs(hash(request.node.name)) % 100000}"
    desk.new_card(number)
    yield desk, number.replace("/", "-")


def test_a_wrong_pin_costs_a_try_and_five_lock(own: tuple[Desk, str]) -> None:
    """The counter is the only thing between a finder of a card and its keys."""
    desk, number = own
    with desk.inserted(number):
        for left in (4, 3, 2, 1, 0):
            refused = desk.sign(KeyUse.SIGNATURE, "SHA256-RSA-PKCS", pin="999999")
            assert refused.code != 0
            assert refused.said("CKR_PIN_LOCKED" if not left else "CKR_PIN_INCORRECT"), refused.output
            assert desk.tries(number)["pin2"] == left
        assert desk.sign(KeyUse.SIGNATURE, "SHA256-RSA-PKCS").said("CKR_PIN_LOCKED")
        assert desk.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS").code == 0, "PIN1 has a counter of its own"
        assert pins(desk)[1].startswith("PIN2: locked, 0 tries left")


def test_a_locked_pin_is_unblocked_by_opensc(own: tuple[Desk, str]) -> None:
    """The holder's way out of a locked PIN, with stock tools and the code of the letter."""
    desk, number = own
    with desk.inserted(number, "--locked", "pin1"):
        assert desk.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS").said("CKR_PIN_LOCKED")
        unblocked = desk.run("pkcs15-tool", "--unblock-pin", "--auth-id", "01", "--puk", CODE, "--new-pin", "4321")
        assert unblocked.code == 0, unblocked.output
        signed = desk.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS", pin="4321")
        assert signed.code == 0, signed.output
        assert desk.openssl_verifies(KeyUse.AUTHENTICATION, "sha256", number=number)
        assert desk.tries(number) == {"pin1": 5, "pin2": 5, "puk": 5}


def test_a_pin_is_changed_by_opensc(own: tuple[Desk, str]) -> None:
    """After a change the old PIN must be worth nothing."""
    desk, number = own
    with desk.inserted(number):
        changed = desk.pkcs11("--change-pin", "--slot-index", "0", "--login", "--pin", PIN1, "--new-pin", "87654321")
        assert changed.code == 0, changed.output
        assert desk.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS").said("CKR_PIN_INCORRECT")
        assert desk.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS", pin="87654321").code == 0
        assert desk.tries(number)["pin1"] == 5


def test_a_card_pulled_in_the_middle_of_a_signature(own: tuple[Desk, str]) -> None:
    """Middleware must get an error in seconds, and the card must be well when it is put in again."""
    desk, number = own
    with desk.inserted(number, "--pulled-in-signature"):
        broken = desk.sign(KeyUse.SIGNATURE, "SHA256-RSA-PKCS")
        assert broken.code != 0
        assert not (desk.home / "signature").exists() or not (desk.home / "signature").read_bytes()
    assert desk.tries(number)["pin2"] == 5, "the PIN was right"
    with desk.inserted(number):
        assert desk.sign(KeyUse.SIGNATURE, "SHA256-RSA-PKCS").code == 0


def test_a_card_pulled_after_a_wrong_pin_keeps_the_spent_try(own: tuple[Desk, str]) -> None:
    """Pulling the card must never give a try back."""
    desk, number = own
    with desk.inserted(number):
        assert send(desk, "00A4040C06452E5349474E", "0020000406393939393939")[-1] == "63C4"
    assert desk.tries(number)["pin2"] == 4
    with desk.inserted(number):
        assert send(desk, "00A4040C06452E5349474E", "00200004")[-1] == "63C4"


def test_removal_between_two_commands_is_an_error_not_a_hang(own: tuple[Desk, str]) -> None:
    """A program that holds the card when it is taken out must be told."""
    desk, number = own
    with desk.inserted(number, "--pulled-after", "12"):
        listed = desk.run("pkcs15-tool", "-D")
        assert "Certificate [" not in listed.output, "the card was there longer than 12 commands"
    deadline = time.monotonic() + 60  # pcscd looks for cards a few times a second
    while desk.run("opensc-tool", "-a").code == 0:
        assert time.monotonic() < deadline, "pcscd has a card that is not there"
