"""Blanks on a real shelf with real SoftHSM tokens: personalised on the spot, emptied, used again, and interrupted."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from card_chip_world import CODE, NUMBER, PIN1, PIN2, PKCS1, SHA256, material, refusal, rsa_key, shelf  # noqa: F401

from sotepki.card import CardShelf, Personalisation, Phase
from sotepki.card.face import face_of

pytestmark = pytest.mark.integration

BLANK = "9980000001"


@pytest.fixture
def order(material: dict[str, Personalisation]) -> Personalisation:
    return replace(material["rsa"], number=BLANK)


def test_a_blank_becomes_a_card_and_a_blank_again_twice(shelf: CardShelf, order: Personalisation) -> None:
    """The second holder must get keys of her own, and nothing of the first one's may be left on the disk."""
    shelf.add_blank(BLANK)
    assert shelf.read(BLANK).state.phase is Phase.MANUFACTURED
    assert refusal(shelf.insert, BLANK) == "card.out-of-use"
    assert BLANK.encode() in face_of(shelf.read(BLANK)).svg()
    for _ in range(2):
        shelf.personalise_blank(order)
        assert refusal(shelf.personalise_blank, order) == "card.not-blank"
        with shelf.insert(BLANK) as card:
            card.activate(CODE, PIN1, PIN2)
            card.verify_pin2(PIN2)
            key = rsa_key(card.signature_key)
            key.public_key().verify(key.sign(b"x", PKCS1, SHA256), b"x", PKCS1, SHA256)
            assert refusal(shelf.empty, BLANK) == "card.in-use"
        shelf.empty(BLANK)
        shelf.empty(BLANK)
        content = shelf.read(BLANK)
        assert (content.state.phase, content.holder, content.certificates) == (Phase.EMPTIED, "", {})
        left = [path.name for path in (shelf.directory / BLANK).rglob("*") if path.is_file()]
        assert not [name for name in left if name.endswith((".object", ".der"))], left


def test_what_an_interruption_left_in_a_blank_is_not_the_next_holders(
    shelf: CardShelf, order: Personalisation
) -> None:
    """Power goes while the tokens are copied: the card is a blank still, and is personalised whole."""
    shelf.add_blank(BLANK)
    shutil.copytree(shelf.directory / NUMBER / "tokens", shelf.directory / BLANK / "tokens")
    (shelf.directory / BLANK / "certificates").mkdir()
    shelf.personalise_blank(order)
    with shelf.insert(BLANK) as card:
        card.activate(CODE, PIN1, PIN2)
        card.verify_pin1(PIN1)
        key = rsa_key(card.authentication_key)
        key.public_key().verify(key.sign(b"x", PKCS1, SHA256), b"x", PKCS1, SHA256)
    assert len(list((shelf.directory / BLANK / "tokens").iterdir())) == 2


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="cards are built in memory on Linux only")
def test_what_a_killed_run_left_in_memory_goes(shelf: CardShelf, order: Personalisation) -> None:
    """Half a card with keys in it must not lie in memory until the machine is restarted."""
    left, alive = Path("/dev/shm/sotepki-99999999-x.partial"), Path(f"/dev/shm/sotepki-{os.getpid()}-x.partial")
    for bench in (left, alive):
        bench.mkdir(exist_ok=True)
    try:
        shelf.add_blank(BLANK)
        shelf.personalise_blank(order)
        assert not left.exists()
        assert alive.exists(), "it belongs to a run that is at work"
    finally:
        alive.rmdir()


def test_numbers_of_blanks_are_given_once(shelf: CardShelf) -> None:
    """A blank may not overwrite somebody's card."""
    assert refusal(shelf.add_blank, NUMBER) == "card.number.taken"
    assert shelf.read(NUMBER).state.phase is Phase.PERSONALISED
