"""A card with a real chip process and real SoftHSM tokens, used as its holder uses it."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from card_chip_world import (  # noqa: F401
    CODE,
    NUMBER,
    PIN1,
    PIN2,
    PKCS1,
    SHA256,
    WRONG,
    card,
    certificate,
    material,
    refusal,
    rsa_key,
    shelf,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from sotepki.card import CardShelf, Credential, InsertedCard, Personalisation
from sotepki.errors import Fault, Misuse, Refused
from sotepki.tokens import Pin

pytestmark = pytest.mark.integration


def test_the_whole_life_of_a_card(shelf: CardShelf, material: dict[str, Personalisation]) -> None:
    """Personalised, activated with the code of the letter, used for login and signing, removed."""
    content = shelf.read(NUMBER)
    assert content.holder == "TEST Eeva Esimerkki"
    assert content.certificates == material["rsa"].certificates
    assert list(content.issuers) == material["rsa"].issuers
    assert content.state.condition == "personalised"
    with shelf.insert(NUMBER) as card:
        assert refusal(card.verify_pin1, PIN1) == "card.not-activated"
        card.activate(CODE, PIN1, PIN2)
        card.verify_pin1(PIN1)
        key = rsa_key(card.authentication_key)
        assert key.public_key() == card.certificate("authentication").public_key()
        for turn in range(3):
            data = b"challenge %d" % turn
            key.public_key().verify(key.sign(data, PKCS1, SHA256), data, PKCS1, SHA256)
        assert refusal(rsa_key(card.signature_key).sign, b"x", PKCS1, SHA256) == "card.pin2.not-verified"
        card.verify_pin2(PIN2)
        pss = padding.PSS(padding.MGF1(SHA256), padding.PSS.DIGEST_LENGTH)
        signature = rsa_key(card.signature_key).sign(b"document", pss, SHA256)
        rsa_key(card.signature_key).public_key().verify(signature, b"document", pss, SHA256)
        assert refusal(rsa_key(card.signature_key).sign, b"document", PKCS1, SHA256) == "card.pin2.not-verified"
    with pytest.raises(Fault) as fault:
        card.verify_pin1(PIN1)
    assert fault.value.rule == "card.removed"
    with shelf.insert(NUMBER) as card:
        assert refusal(rsa_key(card.authentication_key).sign, b"x", PKCS1, SHA256) == "card.pin1.not-verified"


def test_a_card_with_elliptic_curve_keys(tmp_path: Path, material: dict[str, Personalisation]) -> None:
    """Cards move to P-384; the same commands must work with it."""
    with CardShelf(tmp_path / "cards") as shelf:
        shelf.personalise(material["ec"])
        with shelf.insert(NUMBER) as card:
            card.activate(CODE, PIN1, Pin("4444"))
            card.verify_pin2(Pin("4444"))
            key = card.signature_key
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            key.public_key().verify(key.sign(b"x", ec.ECDSA(hashes.SHA384())), b"x", ec.ECDSA(hashes.SHA384()))


def test_deciphering_with_the_authentication_key(card: InsertedCard) -> None:
    """'todentamis- ja salausavain' also deciphers; the signature key must not."""
    card.verify_pin1(PIN1)
    card.verify_pin2(PIN2)
    key, other = rsa_key(card.authentication_key), rsa_key(card.signature_key)
    oaep = padding.OAEP(padding.MGF1(SHA256), SHA256, None)
    for scheme in (PKCS1, oaep):
        assert key.decrypt(key.public_key().encrypt(b"secret", scheme), scheme) == b"secret"
    with pytest.raises(ValueError, match="failed"):
        key.decrypt(b"\1" * 256, oaep)
    assert refusal(other.decrypt, other.public_key().encrypt(b"secret", PKCS1), PKCS1) == "card.key.use"


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the system does not tell a process's limits")
def test_a_chip_that_crashes_leaves_no_core_file(card: InsertedCard) -> None:
    """Keys and PINs of its memory would lie in it."""
    limits = Path(f"/proc/{card.chip_process}/limits").read_text(encoding="ascii").splitlines()
    (core,) = [line for line in limits if line.startswith("Max core file size")]
    assert core.split()[4] == "0"


def test_wrong_pins_count_down_across_insertions_and_lock(card: InsertedCard, shelf: CardShelf) -> None:
    """Taking the card out between guesses must not help."""
    for left in (4, 3):
        assert refusal(card.verify_pin2, WRONG) == "card.pin.wrong"
        assert card.tries() == {"pin1": 5, "pin2": left, "puk": 5}
    card.remove()
    assert shelf.read(NUMBER).state.tries[Credential.PIN2] == 3
    with shelf.insert(NUMBER) as again:
        for _ in range(2):
            assert refusal(again.verify_pin2, WRONG) == "card.pin.wrong"
        assert refusal(again.verify_pin2, WRONG) == "card.pin.locked"
        assert refusal(again.verify_pin2, PIN2) == "card.pin.locked"
        assert again.condition() == "pin2-blocked"
        again.verify_pin1(PIN1)
        assert refusal(again.unblock, WRONG, "pin2", PIN2) == "card.pin.form"
        assert refusal(again.unblock, Pin("11111111"), "pin2", PIN2) == "card.code.wrong"
        assert again.tries()["puk"] == 4
        again.unblock(CODE, "pin2", Pin("333333"))
        assert again.tries() == {"pin1": 5, "pin2": 5, "puk": 5}
        again.verify_pin2(Pin("333333"))
        rsa_key(again.signature_key).sign(b"x", PKCS1, SHA256)


def test_pins_are_changed(card: InsertedCard) -> None:
    """The old PIN must stop working, in the counters and in the token."""
    card.verify_pin1(PIN1)
    card.change_pin("pin1", PIN1, Pin("5555"))
    assert refusal(card.verify_pin1, PIN1) == "card.pin.wrong"
    card.verify_pin1(Pin("5555"))
    rsa_key(card.authentication_key).sign(b"x", PKCS1, SHA256)
    with pytest.raises(Misuse):
        card.change_pin("pin3", PIN1, PIN2)


def test_several_threads_use_one_card(card: InsertedCard) -> None:
    """A signature service answers several browsers at once; answers must not be mixed up."""
    card.verify_pin1(PIN1)
    key = rsa_key(card.authentication_key)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                data = b"%d/%d" % (number, turn)
                key.public_key().verify(key.sign(data, PKCS1, SHA256), data, PKCS1, SHA256)
        except BaseException as error:  # noqa: BLE001  reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_pin2_buys_one_signature_from_many_threads(card: InsertedCard) -> None:
    """Two requests that come at the same moment must not both be signed for one PIN2."""
    card.verify_pin2(PIN2)
    key = rsa_key(card.signature_key)
    made: list[bytes] = []

    def work() -> None:
        try:
            made.append(key.sign(b"x", PKCS1, SHA256))
        except Refused:
            return

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_two_cards_are_inserted_at_once(shelf: CardShelf, material: dict[str, Personalisation]) -> None:
    """At a registration point the registrar's and the applicant's card are in two readers."""

    shelf.personalise(replace(material["ec"], number="TEST-000002"))
    assert shelf.numbers() == (NUMBER, "TEST-000002")
    with shelf.insert(NUMBER) as first, shelf.insert("TEST-000002") as second:
        first.activate(CODE, PIN1, PIN2)
        second.activate(CODE, PIN2, PIN1)
        first.verify_pin1(PIN1)
        assert refusal(second.verify_pin1, PIN1) == "card.pin.wrong"
        assert (first.tries()["pin1"], second.tries()["pin1"]) == (5, 4)
