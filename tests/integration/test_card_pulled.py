"""Chips that are killed, stopped, shared and talked nonsense to."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from card_chip_world import (  # noqa: F401
    NUMBER,
    PIN1,
    PIN2,
    PKCS1,
    SHA256,
    WRONG,
    card,
    gone,
    material,
    refusal,
    rsa_key,
    run,
    shelf,
)

from sotepki.card import CardShelf, Credential, InsertedCard
from sotepki.errors import Fault, Misuse, Refused

pytestmark = pytest.mark.integration


def test_a_card_is_in_one_reader_at_a_time(shelf: CardShelf, card: InsertedCard) -> None:
    """Two chips of one card would each have their own counters."""
    assert refusal(shelf.insert, NUMBER) == "card.in-use"
    code = (
        "import sys; from pathlib import Path; from sotepki.card import *; from sotepki.errors import Refused\n"
        "try:\n    CardShelf(Path(sys.argv[1])).insert(sys.argv[2])\n"
        "except Refused as error:\n    print(error.rule)"
    )
    answer = run([sys.executable, "-c", code, shelf.directory, NUMBER], shelf)
    assert answer.stdout.strip() == "card.in-use", answer.stderr
    card.verify_pin1(PIN1)
    card.remove()
    with shelf.insert(NUMBER):
        pass


def test_killing_the_chip_gives_one_sentence_and_no_try(card: InsertedCard, shelf: CardShelf) -> None:
    """A chip that dies is a card that was pulled: the reader says so, and the card works when inserted again."""
    card.verify_pin1(PIN1)
    refusal(card.verify_pin2, WRONG)
    process = card.chip_process
    assert process is not None
    os.kill(process, signal.SIGKILL)
    with pytest.raises(Fault) as fault:
        rsa_key(card.authentication_key).sign(b"x", PKCS1, SHA256)
    assert fault.value.rule == "card.chip.silent"
    assert "Insert it again" in str(fault.value)
    assert gone(process), "no zombie may stay"
    with pytest.raises(Fault, match="not in the reader"):
        card.tries()
    with shelf.insert(NUMBER) as again:
        assert again.tries()["pin2"] == 4
        again.verify_pin1(PIN1)


def test_killing_the_chip_in_the_middle_of_guessing_gives_no_try_back(card: InsertedCard, shelf: CardShelf) -> None:
    """Whenever the chip dies, the counters on the disk hold every guess that was answered."""
    answered = 0
    for turn in range(4):
        process = card.chip_process
        assert process is not None
        timer = threading.Timer(0.002 * turn, os.kill, (process, signal.SIGKILL))
        timer.start()
        try:
            card.verify_pin2(WRONG)
        except Refused:
            answered += 1
        except Fault as fault:
            assert fault.rule in ("card.chip.silent", "card.removed")
        timer.join()
        card.remove()
        left = shelf.read(NUMBER).state.tries[Credential.PIN2]
        assert left <= 5 - answered
        card = shelf.insert(NUMBER)
    card.remove()


def test_a_chip_that_hangs_is_given_up(shelf: CardShelf) -> None:
    """A reader that waits for ever takes the whole program with it."""
    impatient = CardShelf(shelf.directory, patience=10)
    card = impatient.insert(NUMBER)
    card._link._patience = 0.5
    process = card.chip_process
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(Fault, match=r"within 0\.5 seconds"):
        card.tries()
    assert time.monotonic() - began < 5
    assert gone(process)


def test_ctrl_c_in_the_middle_leaves_no_stale_answer(card: InsertedCard, shelf: CardShelf) -> None:
    """After an interrupted request, the next one must not get the answer that belonged to it."""
    process = card.chip_process
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        card.tries()
    timer.join()
    assert gone(process)
    with pytest.raises(Fault, match="not in the reader"):
        card.verify_pin1(PIN1)
    with shelf.insert(NUMBER) as again:
        again.verify_pin1(PIN1)


def test_the_chip_ends_with_its_reader(shelf: CardShelf) -> None:
    """A reader that is killed must not leave the card locked in a process that nobody knows."""
    code = (
        "import os, sys, time; from pathlib import Path; from sotepki.card import CardShelf\n"
        "card = CardShelf(Path(sys.argv[1])).insert(sys.argv[2])\n"
        "print(card.chip_process, flush=True); time.sleep(60)"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(shelf.directory), NUMBER], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    chip = int(reader.stdout.readline())
    reader.kill()
    reader.wait(10)
    reader.stdout.close()
    deadline = time.monotonic() + 10
    while not gone(chip) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(chip)
    with shelf.insert(NUMBER):
        pass


def test_any_request_gets_an_answer(card: InsertedCard) -> None:
    """Whatever comes down the pipe, the chip answers and goes on."""
    requests: list[dict[str, object]] = [
        {},
        {"do": None},
        {"do": "verify"},
        {"do": "verify", "credential": "pin9", "pin": "1"},
        {"do": "verify", "credential": "pin1", "pin": "12x4"},
        {"do": "verify", "credential": ["pin1"], "pin": {}},
        {"do": "use-key", "use": "signature", "operation": "sign_pkcs1", "data": "zz"},
        {"do": "use-key", "use": "signature", "operation": "delete", "data": ""},
    ]
    for request in requests:
        with pytest.raises((Refused, Misuse, Fault)) as answer:
            card._link.ask(request)
        assert "Traceback" not in str(answer.value)
    assert card.tries() == {"pin1": 5, "pin2": 5, "puk": 5}
    card.verify_pin1(PIN1)
    for operation in ("sign_pkcs1", "sign_pss", "sign_ecdsa", "decrypt_raw", "decrypt_pkcs1"):
        with pytest.raises((Refused, Misuse, Fault)):
            card._link.ask(
                {"do": "use-key", "use": "authentication", "operation": operation, "data": "00" * 999, "hash": "md5"}
            )
    rsa_key(card.authentication_key).sign(b"x", PKCS1, SHA256)


def test_broken_frames_end_the_chip_quietly(shelf: CardShelf) -> None:
    """A peer that talks nonsense gets silence, and the process ends."""
    for sent in (b"", b"\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x05{}", b"\0\0\0\x02[]", b"\0\0\0\x03\xff\xff\xff"):
        chip = subprocess.run(
            [sys.executable, "-m", "sotepki.card.chip", "insert", str(shelf.directory / NUMBER)],
            input=sent,
            capture_output=True,
            timeout=30,
        )
        assert chip.returncode == 0, chip.stderr
        assert b"Traceback" not in chip.stderr
        assert chip.stdout[4:].startswith(b'{"ready": true}')


def test_the_state_file_is_written_before_the_pin_is_looked_at(card: InsertedCard, shelf: CardShelf) -> None:
    """If the try cannot be written, the PIN is not looked at: here the card's directory is in the way."""
    state = shelf.directory / NUMBER / "card.json"
    before = json.loads(state.read_bytes())
    state.unlink()
    state.mkdir()
    (state / "in-the-way").write_bytes(b"")
    with pytest.raises(Fault, match="cannot be written"):
        card.verify_pin1(PIN1)
    with pytest.raises(Refused):
        rsa_key(card.authentication_key).sign(b"x", PKCS1, SHA256)
    assert card.tries() == before["tries"]
