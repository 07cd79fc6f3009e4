"""Cards as they are made, stored, and seen by other PKCS#11 programs."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import os
import re
import signal
import stat
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from card_chip_world import CODE, NUMBER, PIN1, PIN2, SHA256, card, certificate, gone, material, refusal, run, shelf  # noqa: F401
from cryptography.hazmat.primitives import serialization

from sotepki.card import CardShelf, InsertedCard, KeyUse, Personalisation
from sotepki.card.link import ChipLink
from sotepki.card.wire import Message
from sotepki.errors import Fault, Misuse
from sotepki.tokens import Pin, find_softhsm

pytestmark = pytest.mark.integration


def kill(process: int) -> None:
    with suppress(ProcessLookupError):  # it was done before
        os.kill(process, signal.SIGKILL)


def test_pkcs11_tool_lists_the_objects_of_the_card(shelf: CardShelf, card: InsertedCard) -> None:
    """The PKCS#11 door shows the tokens, labels and identifiers that OpenSC shows for such a card."""
    card.remove()
    module = str(find_softhsm())
    slots = run(["pkcs11-tool", "--module", module, "-L"], shelf).stdout
    assert "TEST sote (perustunnusluku)" in slots
    assert "TES... (allekirjoitustunnusluku)" in slots
    listed = {}
    for token, pin in (("TEST sote (perustunnusluku)", "1111"), ("TES... (allekirjoitustunnusluku)", "222222")):
        answer = run(
            ["pkcs11-tool", "--module", module, "--token-label", token, "--login", "--pin", pin, "-O"], shelf
        )
        assert answer.returncode == 0, answer.stderr
        listed[token] = answer.stdout
    first, second = listed.values()
    assert _object(first, "Private Key Object", "todentamis- ja salausavain", "45")
    assert _object(first, "Certificate Object", "todentamis- ja salausvarmenne", "45")
    assert _object(first, "Certificate Object", "TEST CA", "47")
    assert _object(first, "Certificate Object", "TEST root", "48")
    assert "allekirjoitus" not in first.replace("(allekirjoitustunnusluku)", "")
    assert _object(second, "Private Key Object", "allekirjoitusavain", "46")
    assert _object(second, "Certificate Object", "allekirjoitusvarmenne", "46")
    for listing in (first, second):
        assert listing.count("Private Key Object") == 1
        assert re.search(r"Access:\s+sensitive$", listing, re.MULTILINE), (
            "a key that may be taken out says extractable"
        )


def test_pkcs11_tool_signs_and_openssl_verifies(shelf: CardShelf, card: InsertedCard, tmp_path: Path) -> None:
    """Other software signs with the card's key, and what it signed fits the card's certificate."""
    card.remove()
    data, signature, public_key = tmp_path / "data", tmp_path / "signature", tmp_path / "key.pem"
    data.write_bytes(b"TEST document")
    public_key.write_bytes(
        shelf.read(NUMBER)
        .certificates[KeyUse.SIGNATURE]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    base: list[str | Path] = [
        "pkcs11-tool",
        "--module",
        find_softhsm(),
        "--token-label",
        "TES... (allekirjoitustunnusluku)",
    ]
    signing: list[str | Path] = [
        "--sign",
        "--mechanism",
        "SHA256-RSA-PKCS",
        "--id",
        "46",
        "-i",
        data,
        "-o",
        signature,
    ]
    answer = run([*base, "--login", "--pin", "222222", *signing], shelf)
    assert answer.returncode == 0, answer.stderr
    verified = run(["openssl", "dgst", "-sha256", "-verify", public_key, "-signature", signature, data], shelf)
    assert verified.stdout.strip() == "Verified OK"
    refused = run([*base, "--login", "--pin", "9999", *signing], shelf)
    assert refused.returncode != 0


def test_a_card_is_made_whole_or_not_at_all(tmp_path: Path, material: dict[str, Personalisation]) -> None:
    """Killing the personalisation leaves nothing that looks like a card, and it can be repeated."""
    with CardShelf(tmp_path / "cards") as shelf:
        shelf.personalise(material["ec"])
        assert refusal(shelf.personalise, material["ec"]) == "card.number.taken"

        for turn in range(6):
            order = replace(material["ec"], number=f"TEST-{turn:06d}x")
            assert shelf._machine is not None
            process = shelf._machine.process_id
            assert process is not None
            timer = threading.Timer(0.01 * turn, kill, (process,))
            timer.start()
            try:
                shelf.personalise(order)
            except Fault as fault:
                assert fault.rule == "card.chip.silent"
                assert order.number not in shelf.numbers()
                timer.join()
                shelf.personalise(order)
            timer.join()
            with shelf.insert(order.number) as card:
                card.activate(CODE, PIN1, PIN2)
                card.verify_pin2(PIN2)
            if shelf._machine is None or gone(process):
                shelf.close()
                shelf.personalise(replace(order, number=f"TEST-{turn:06d}y"))
        assert not [path for path in shelf.directory.iterdir() if path.name.endswith(".partial")]


def test_a_card_whose_maker_died_before_its_last_word_is_there(
    tmp_path: Path, material: dict[str, Personalisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hears that a card was not made orders it again, and is told that its number is taken."""
    ask = ChipLink.ask

    def ask_and_die(link: ChipLink, request: Message) -> Message:
        ask(link, request)
        assert link.process_id is not None
        os.kill(link.process_id, signal.SIGKILL)
        return ask(link, {"command": "state"})  # nobody answers

    with CardShelf(tmp_path / "cards") as shelf:
        shelf.add_blank("TEST-000002")
        with monkeypatch.context() as patch:
            patch.setattr(ChipLink, "ask", ask_and_die)
            shelf.personalise(replace(material["ec"], number="TEST-000001"))
            shelf.personalise_blank(replace(material["ec"], number="TEST-000002"))
            assert refusal(shelf.personalise, replace(material["ec"], number="TEST-000001")) == "card.number.taken"
        for number in ("TEST-000001", "TEST-000002"):
            with shelf.insert(number) as card:
                card.activate(CODE, PIN1, PIN2)


def test_a_maker_that_dies_without_making_is_told(
    tmp_path: Path, material: dict[str, Personalisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that was on the shelf before is no proof that this one was made."""

    def die(link: ChipLink, request: Message) -> Message:
        raise Fault("The personalising process stopped answering.", rule="card.chip.silent")

    with CardShelf(tmp_path / "cards") as shelf:
        shelf.personalise(replace(material["ec"], number="TEST-000001"))
        shelf.add_blank("TEST-000002")
        monkeypatch.setattr(ChipLink, "ask", die)
        for number in ("TEST-000001", "TEST-000003"):
            with pytest.raises(Fault, match=r"card\.chip\.silent"):
                shelf.personalise(replace(material["ec"], number=number))
        with pytest.raises(Fault, match=r"card\.chip\.silent"):
            shelf.personalise_blank(replace(material["ec"], number="TEST-000002"))


def test_a_card_that_could_not_work_is_not_made(shelf: CardShelf, material: dict[str, Personalisation]) -> None:
    """Swapped certificates make a card whose signatures nobody can verify."""

    order = replace(material["rsa"], number="TEST-000009")
    first, second = (order.certificates[use] for use in KeyUse)
    swapped = {KeyUse.AUTHENTICATION: second, KeyUse.SIGNATURE: first}
    assert refusal(shelf.personalise, replace(order, certificates=swapped)) == "card.key.mismatch"
    assert refusal(shelf.personalise, replace(order, activation_code=Pin("1234567"))) == "card.pin.form"
    for bad in (replace(order, number="../x"), replace(order, kind="bus-card"), replace(order, keys={})):
        with pytest.raises(Misuse):
            shelf.personalise(bad)
    assert shelf.numbers() == (NUMBER,)


def test_nothing_on_a_card_is_open_to_others_or_holds_a_code(shelf: CardShelf, card: InsertedCard) -> None:
    """The files of a card must give away neither keys nor codes to other users of the machine."""
    directory = shelf.directory / NUMBER
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CODE.reveal().encode() not in content, path
            assert PIN2.reveal().encode() not in content, path


def test_a_moved_workspace_keeps_its_cards(shelf: CardShelf, card: InsertedCard, tmp_path: Path) -> None:
    """People copy and rename workspaces."""
    card.remove()
    shelf.close()
    (tmp_path / "cards").rename(tmp_path / "elsewhere")
    with CardShelf(tmp_path / "elsewhere").insert(NUMBER) as moved:
        moved.verify_pin1(PIN1)


def test_damaged_and_unknown_cards(shelf: CardShelf) -> None:
    """One sentence each, never a traceback, and no counter is guessed."""
    with pytest.raises(Misuse, match="no card TEST-9"):
        shelf.insert("TEST-9")
    with pytest.raises(Misuse, match="not a card number"):
        shelf.read("../../etc")
    state = shelf.directory / NUMBER / "card.json"
    before = state.read_bytes()
    state.write_bytes(before[:40])
    with pytest.raises(Fault) as fault:
        shelf.insert(NUMBER)
    assert fault.value.rule == "card.state-file"
    state.write_bytes(before)
    (shelf.directory / NUMBER / "certificates" / "signature.der").write_bytes(b"x")
    with pytest.raises(Fault, match="signature certificate"):
        shelf.read(NUMBER)


def _object(listing: str, kind: str, label: str, key_id: str) -> bool:
    blocks = re.split(r"\n(?=\S)", listing)
    return any(
        block.startswith(kind)
        and re.search(rf"label:\s+{re.escape(label)}$", block, re.MULTILINE)
        and re.search(rf"ID:\s+{key_id}$", block, re.MULTILINE)
        for block in blocks
    )
