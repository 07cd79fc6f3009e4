"""PINs over the wire, down to the card's persistent memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_os_world import CODE, PIN1, PIN2, MemoryState, make_card
from card_vault_world import personalised
from hypothesis import given
from hypothesis import strategies as st

from sotepki.card import Credential, Phase
from sotepki.card.operating.apdu import Abort, Command, parse_command
from sotepki.card.state import StateFile
from sotepki.errors import Refused
from sotepki.tokens import Pin
from sotepki.tokens.storage import replace_one_byte

digits = st.text("0123456789", min_size=4, max_size=8)


@given(digits, digits)
def test_the_card_finds_where_the_old_pin_ends(old: str, new: str) -> None:
    """Old and new PIN come without a border; a wrong cut would lock the holder out with a PIN nobody chose."""
    card = make_card()
    card.store.pins[Credential.PIN1] = Pin(old)
    body = (old + new).encode()
    assert card.send(b"\x00\x24\x00\x03" + bytes([len(body)]) + body) == b"\x90\x00"
    assert card.store.pins[Credential.PIN1] == Pin(new)
    assert card.vault.state.tries[Credential.PIN1] == 5


@pytest.mark.parametrize("new", ["123", "123456789"])
def test_a_new_pin_of_a_wrong_length_costs_no_try_and_changes_nothing(new: str) -> None:
    """Somebody who mistypes the new PIN has shown the right old one."""
    card = make_card()
    body = b"1234" + new.encode()
    assert card.send(b"\x00\x24\x00\x03" + bytes([len(body)]) + body) == b"\x6a\x80"
    assert card.store.pins[Credential.PIN1] == PIN1
    assert card.vault.state.tries[Credential.PIN1] == 5
    assert not card.vault.verified(Credential.PIN1)


def test_a_try_is_on_the_disk_before_the_answer() -> None:
    """Pulling the card between answer and write would give the try back."""
    card = make_card()
    seen: list[int] = []
    look = card.store.check_pin

    def watched(credential: Credential, pin: Pin) -> bool:
        seen.append(card.memory.state.tries[credential])
        return look(credential, pin)

    card.store.check_pin = watched  # type: ignore[method-assign]
    card.send("002000030439393939")
    assert seen == [4]


def test_verifying_the_code_leaves_pin1_alone() -> None:
    """Unblocking PIN2 in the middle of a session must not end the login."""
    card = make_card()
    card.send("002000030431323334")
    assert card.send("00200012083132333435363738") == b"\x90\x00"
    assert card.send("00200003") == b"\x90\x00"
    assert card.send("002C020406353535353535") == b"\x90\x00"
    assert card.send("00200003") == b"\x90\x00"


def test_tries_are_only_ever_lowered() -> None:
    """A fault knob that gave tries would be a way to guess."""
    card = make_card()
    card.vault.lower_tries(Credential.PIN2, 2)
    card.vault.lower_tries(Credential.PIN2, 5)
    assert card.send("00200004") == b"\x63\xc2"
    card.send("0020000406323232323232")
    card.vault.lower_tries(Credential.PIN2, 0)
    assert card.send("00200004") == b"\x69\x83", "a lock does not wait until the verified PIN is used"
    card.vault.lower_tries(Credential.PIN1, -1)
    assert card.send("00200003") == b"\x63\xc5"


def test_half_an_activation_survives_the_power_cut(tmp_path: Path) -> None:
    """The holder who is interrupted after PIN1 goes on with PIN2."""
    vault, store = personalised(tmp_path)
    vault.set_by_code(Credential.PIN1, CODE, PIN1)
    assert vault.state.phase is Phase.PERSONALISED
    state = StateFile(tmp_path / "card.json").load()
    assert state.is_set(Credential.PIN1)
    assert not state.is_set(Credential.PIN2)
    vault.verify_code(CODE)
    vault.set_by_verified_code(Credential.PIN2, PIN2)
    assert StateFile(tmp_path / "card.json").load().phase is Phase.ACTIVE
    assert store.pins == {Credential.PIN1: PIN1, Credential.PIN2: PIN2}
    with pytest.raises(Refused) as refused:
        vault.set_by_verified_code(Credential.PIN2, PIN2)
    assert refused.value.rule == "card.code.not-verified"


def test_an_emptied_card_does_nothing_with_codes() -> None:
    """A returned spare card must not be taken into use again by its old letter."""
    card = make_card(phase="emptied")
    for command in ("00200012083132333435363738", "002C00030C313233343536373831313131", "002000030431323334"):
        assert card.send(command)[:1] in (b"\x69",)
    assert card.vault.state.phase is Phase.EMPTIED
    assert isinstance(card.memory, MemoryState)


def test_a_counter_is_replaced_in_place_and_anything_else_is_not(tmp_path: Path) -> None:
    """A try costs one short write; a file that is written in two parts could be half of each."""
    path = tmp_path / "card.json"
    assert not replace_one_byte(path, b"abc")
    path.write_bytes(b"pin1: 5")
    inode = path.stat().st_ino
    assert replace_one_byte(path, b"pin1: 4")
    assert replace_one_byte(path, b"pin1: 4")
    assert not replace_one_byte(path, b"pin2: 5")
    assert not replace_one_byte(path, b"pin1: 45")
    assert path.read_bytes() == b"pin1: 4"
    assert path.stat().st_ino == inode


@given(st.binary(max_size=700))
def test_any_bytes_are_a_command_or_a_wrong_length(raw: bytes) -> None:
    """A reader may send anything."""
    try:
        command = parse_command(raw)
    except Abort as abort:
        assert abort.status == 0x6700
        return
    assert raw[:4] == bytes(command[:4])
    assert len(command.data) < len(raw)


@pytest.mark.parametrize(
    ("raw", "data", "le"),
    [
        ("00B00000", "", None),
        ("00B0000000", "", 256),
        ("00B0000010", "", 16),
        ("00A4000C023F00", "3F00", None),
        ("00A40000023F0000", "3F00", 256),
        ("00B00000000000", "", 65536),
        ("00B00000000100", "", 256),
        ("002A80860000021122", "1122", None),
        ("002A808600000211220000", "1122", 65536),
    ],
)
def test_the_seven_forms_of_a_command(raw: str, data: str, le: int | None) -> None:
    """ISO 7816-3 12.1.3: a form that is read wrongly cuts cryptograms or asks for the wrong length."""
    command = parse_command(bytes.fromhex(raw))
    assert (command.data.hex().upper(), command.le) == (data, le)
    assert isinstance(command, Command)


def test_long_pins_of_a_citizen_card_are_right_over_every_numbering() -> None:
    """A holder with a PIN of 10 or 12 digits was told it is wrong, lost tries, and could not change it."""
    long, longest = "1234567890", "123456789012"
    card = make_card(kind="citizen")
    card.store.pins = {Credential.PIN1: Pin(long), Credential.PIN2: Pin(longest)}
    assert card.send(b"\x00\x20\x00\x03\x0a" + long.encode()) == b"\x90\x00"
    assert card.send(b"\x00\x20\x00\x04\x0c" + longest.encode()) == b"\x90\x00"
    assert card.send(b"\x00\x24\x00\x04\x18" + longest.encode() + longest[::-1].encode()) == b"\x90\x00"
    assert card.store.pins[Credential.PIN2] == Pin(longest[::-1])
    code = CODE.reveal().encode()
    assert card.send(b"\x00\x2c\x00\x03\x14" + code + longest.encode()) == b"\x90\x00"
    assert card.store.pins[Credential.PIN1] == Pin(longest)
    assert set(card.vault.state.tries.values()) == {5}
    assert card.send(b"\x00\x20\x00\x03\x0d" + b"1234567890123") == b"\x63\xc4", "longer than any PIN of this card"
