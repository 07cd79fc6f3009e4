"""``sotepki card client`` and the reader commands over PC/SC, each as a user gives them."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from card_pcsc_world import CODE, PIN1, PIN2, RSA, RSA_SMALL, Desk, card_keys, desk, pins  # noqa: F401

from sotepki.card import CardShelf, KeyUse

pytestmark = pytest.mark.integration

SPARE = RSA_SMALL


@pytest.fixture(scope="module")
def reader(desk: Desk) -> Iterator[Desk]:
    desk.new_card(RSA)
    with desk.inserted(RSA, "--profile", "authentic"):
        yield desk


def test_the_client_lists_the_card(reader: Desk) -> None:
    """The content, its numbering and every certificate, without a PIN."""
    found = json.loads(reader.sotepki("client", "list", "--format", "json").output)
    content = CardShelf(reader.home / "cards").read(RSA)
    assert found["numbering"] == "organisational (S4-2)"
    assert [one["id"] for one in found["certificates"]] == ["45", "46", "47", "48"]
    assert all(one["subject"] and not one["problem"] for one in found["certificates"])
    read = reader.sotepki("client", "certificates").output
    assert read.count("BEGIN CERTIFICATE") == 2 + len(content.issuers)


def test_the_client_authenticates_and_signs(reader: Desk) -> None:
    """Login and signature by the organisational sequences, verified by openssl."""
    signature = reader.home / "signature"
    proof = reader.sotepki(
        "client", "authenticate", "--challenge", reader.data, "--output", signature, input=b"1111\n"
    )
    assert proof.code == 0, proof.output
    assert reader.openssl_verifies(KeyUse.AUTHENTICATION, "sha256")
    signed = reader.sotepki(
        *("client", "sign", reader.data, "--hash", "sha512", "--output", signature, "--overwrite"), input=b"222222\n"
    )
    assert signed.code == 0, signed.output
    assert reader.openssl_verifies(KeyUse.SIGNATURE, "sha512")


_BROKEN_AFTER_VERIFY = """
from sotepki.card.client import CardClient
from sotepki.card.pcsc.binding import PcscContext
from sotepki.errors import Fault
from sotepki.tokens import Pin

class Broken:
    def __init__(self, card):
        self.begin, self.end, self.reset, self.card = card.begin, card.end, card.reset, card

    def transmit(self, command):
        if command[1] == 0x22:
            raise KeyboardInterrupt
        return self.card.transmit(command)

def ask(card, *commands):
    return [card.transmit(bytes.fromhex(one))[-2:].hex() for one in commands]

sign = ("00A4040C06452E5349474E", "002241B606800142840182", "002A9E9A20" + "11" * 32 + "00")
with PcscContext() as context, context.connect() as mine, context.connect() as other:
    try:
        CardClient(Broken(mine)).sign_digest(bytes(32), "sha256", Pin("222222"))
    except KeyboardInterrupt:
        print("interrupted")
    try:
        print("other", *ask(other, *sign))
    except Fault as fault:
        print(fault)
    print("mine", *ask(mine, *sign, "00200004"))
    with context.connect() as third:
        print("third", *ask(third, *sign))
    print(CardClient(mine).sign_digest(bytes(32), "sha256", Pin("222222")).algorithm)
"""


def test_a_signature_that_fails_leaves_no_pin_to_other_programs(reader: Desk) -> None:
    """PIN2 stayed verified on the card, and whoever came next signed without it."""
    told = reader.run(sys.executable, "-c", _BROKEN_AFTER_VERIFY).output.splitlines()
    assert told[0] == "interrupted"
    assert "another program has reset the card" in told[1]
    assert told[2:] == ["mine 9000 9000 6982 63c5", "third 9000 9000 6982", "pkcs1-sha256"]


def test_the_trace_tells_the_story_without_the_pin(reader: Desk) -> None:
    """A trace goes into bug reports; a PIN in it would be a PIN published."""
    assert reader.sotepki("client", "sign", reader.data, input=b"222222\n").code == 0
    told = reader.sotepki("trace", RSA).output
    assert "VERIFY PIN2 (04) with 6 hidden bytes" in told
    assert "MSE SET digital signature: algorithm 42 (PKCS#1 with SHA-256), key 82 (signature)" in told
    assert "PSO COMPUTE DIGITAL SIGNATURE over a digest of 32 bytes" in told
    for file in (reader.home / "readers").iterdir():
        content = file.read_bytes()
        assert PIN2.encode() not in content
        assert PIN2.encode().hex().encode() not in content, file.name


def test_a_second_card_for_an_occupied_reader_is_refused(reader: Desk) -> None:
    """Two cards in one slot would stall both programs."""
    reader.new_card(SPARE)
    refused = reader.sotepki("insert", SPARE, "--background")
    assert refused.code == 1
    assert "card.reader.occupied" in refused.output
    same = reader.sotepki("insert", RSA, "--background", "--reader", "1")
    assert same.code == 1
    assert "card.in-use" in same.output


def test_wrong_pins_are_remembered_and_few_tries_are_respected(desk: Desk, reader: Desk) -> None:
    """A client in a loop must not lock somebody's card."""
    number = f"{RSA_SMALL}/1"
    desk.new_card(number)
    with desk.inserted("RSA-2048-1", "--reader", "1"):
        client = ("--reader", "00 01")
        assert "tries left: 4" in desk.sotepki("client", "sign", desk.data, *client, input=b"999999\n").output
        again = desk.sotepki("client", "sign", desk.data, *client, input=b"999999\n")
        assert again.code == 1 and "card.client.known-wrong" in again.output
        assert desk.tries("RSA-2048-1")["pin2"] == 4
        assert desk.sotepki("faults", "RSA-2048-1", "--tries", "pin2=2").code == 0
        few = desk.sotepki("client", "sign", desk.data, *client, input=PIN2.encode())
        assert few.code == 1 and "card.client.few-tries" in few.output
        assert desk.tries("RSA-2048-1")["pin2"] == 2
        insisted = desk.sotepki("client", "sign", desk.data, *client, "--insist", input=PIN2.encode())
        assert insisted.code == 0, insisted.output
        assert desk.tries("RSA-2048-1")["pin2"] == 5
    memory = (desk.home / "card-client-wrong-pins.json").read_text(encoding="utf-8")
    assert "999999" not in memory


def test_a_card_whose_process_is_killed_keeps_its_spent_tries(desk: Desk, reader: Desk) -> None:
    """Tearing the card out is no way to more guesses, and it works again when it is put back."""
    desk.new_card(f"{RSA_SMALL}/13")
    number, client = "RSA-2048-13", ("--reader", "1")
    put_in = json.loads(desk.sotepki("insert", number, "--background", "--reader", "1", "--format", "json").output)
    assert "tries left: 4" in desk.sotepki("client", "sign", desk.data, *client, input=b"999999\n").output
    os.kill(put_in["process"], signal.SIGKILL)
    assert desk.tries(number)["pin2"] == 4
    with desk.inserted(number, "--reader", "1"):
        assert desk.sotepki("client", "sign", desk.data, *client, input=PIN2.encode()).code == 0
    assert desk.tries(number)["pin2"] == 5


def test_a_new_card_is_activated_changed_and_unblocked_by_the_client(desk: Desk, reader: Desk) -> None:
    """The life of the PINs, by the two-step sequences of organisational cards."""
    desk.new_card(f"{RSA_SMALL}/2", activated=False)
    with desk.inserted("RSA-2048-2", "--reader", "1"):
        client = ("--reader", "1")
        for which, pin in (("pin1", PIN1), ("pin2", PIN2)):
            made = desk.sotepki("client", "unblock", *client, "--which", which, input=f"{CODE}\n{pin}\n".encode())
            assert made.code == 0, made.output
        assert desk.sotepki("client", "authenticate", *client, "--challenge", desk.data, input=b"1111").code == 0
        changed = desk.sotepki("client", "change", *client, "--which", "pin1", input=b"1111\n2468\n")
        assert changed.code == 0, changed.output
        assert (
            "card.pin.wrong"
            in desk.sotepki("client", "authenticate", *client, "--challenge", desk.data, input=b"1111").output
        )
        assert desk.sotepki("client", "authenticate", *client, "--challenge", desk.data, input=b"2468").code == 0
    assert desk.tries("RSA-2048-2") == {"pin1": 5, "pin2": 5, "puk": 5}


def test_faults_are_set_and_cleared_live(desk: Desk, reader: Desk) -> None:
    """A trainer spoils the card while it is in the reader, and heals it again."""
    desk.new_card(f"{RSA_SMALL}/3")
    with desk.inserted("RSA-2048-3", "--reader", "1", "--missing-signature-certificate", "--unreadable-ca-files"):
        listed = desk.sotepki("client", "list", "--reader", "1").output
        assert listed.count("not readable") == 3, listed
        assert "no signature certificate" in desk.sotepki("faults", "RSA-2048-3").output
        assert desk.sotepki("faults", "RSA-2048-3", "--latency", "8").code == 0
        begin = time.monotonic()
        assert "not readable" not in desk.sotepki("client", "list", "--reader", "1").output
        assert time.monotonic() - begin > 0.008 * 60, "no command was slowed down"
        assert "has no faults" in desk.sotepki("faults", "RSA-2048-3", "--clear").output
    assert desk.sotepki("faults", "RSA-2048-3").code == 2


def test_a_certificate_of_another_key_is_found_by_the_client(desk: Desk, reader: Desk) -> None:
    """A card whose certificate is not of its key must fail here, not at somebody who verifies next year."""
    desk.new_card(f"{RSA_SMALL}/4")
    with desk.inserted("RSA-2048-4", "--reader", "1", "--wrong-key", "authentication"):
        refused = desk.sotepki("client", "authenticate", "--reader", "1", "--challenge", desk.data, input=b"1111")
        assert refused.code == 1
        assert "card.client.signature" in refused.output


def test_nothing_is_said_of_readers_that_are_not_there(tmp_path: Path) -> None:
    """Without pcscd: one clear sentence each, no traceback, no hang."""
    for arguments, rule in (
        (["client", "pins"], "card.pcsc.absent"),
        (["remove"], "card.reader.empty"),
        (["trace", "--reader", "0"], "card.reader.empty"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sotepki", "card", *arguments, "--workspace", tmp_path],
            capture_output=True, text=True, timeout=30, check=False,
            env={"PCSCLITE_CSOCK_NAME": str(tmp_path / "none"), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode in (2, 3), done.stderr
        assert rule in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_inserting_without_a_reader_says_what_to_install(desk: Desk) -> None:
    """The first thing a new user meets."""
    desk.new_card(f"{RSA_SMALL}/5")
    done = subprocess.run(
        [sys.executable, "-m", "sotepki", "card", "insert", "RSA-2048-5", "--port", "9", "--workspace", desk.home,
         "--reader", "1"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "apt-get install pcscd vsmartcard-vpcd" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_command_beside_readers_of_its_own(tmp_path: Path) -> None:
    """``card readers COMMAND`` is how a vendor's CI gets PC/SC without a service; the exit code is the command's."""
    done = subprocess.run(
        [sys.executable, "-m", "sotepki", "card", "readers", "sh", "-c", "opensc-tool -l; exit 7"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    if "card.readers" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 7
    assert len(re.findall("Virtual PCD", done.stdout)) == 2
