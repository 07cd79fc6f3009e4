"""The vault of a card: counters, locks and the one-signature rule, without a token."""

from __future__ import annotations

import json
from pathlib import Path

import field_tables as field
import pytest
from card_vault_world import CODE, PIN1, PIN2, PINS, WRONG, MemoryStore, PowerCut, personalised, sign
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sotepki.card.kinds import Credential, KeyUse
from sotepki.card.seams import Operation
from sotepki.card.state import StateFile
from sotepki.card.vault import Vault
from sotepki.errors import Fault, Refused
from sotepki.tokens import Pin


@pytest.fixture
def card(tmp_path: Path) -> tuple[Vault, MemoryStore]:
    vault, store = personalised(tmp_path)
    vault.activate(CODE, PIN1, PIN2)
    return vault, store


def refusal(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.rule


def test_every_signature_wants_pin2_anew(card: tuple[Vault, MemoryStore]) -> None:
    """With a remembered PIN2, software could sign documents that the professional never saw."""
    vault, _ = card
    assert refusal(sign, vault) == "card.pin2.not-verified"
    vault.verify(Credential.PIN2, PIN2)
    assert len(sign(vault)) == 64
    assert refusal(sign, vault) == "card.pin2.not-verified"


def test_pin1_serves_until_the_card_loses_power(card: tuple[Vault, MemoryStore], tmp_path: Path) -> None:
    """Login to several systems with one PIN1 is how the cards are used; a new insertion asks again."""
    vault, store = card
    vault.verify(Credential.PIN1, PIN1)
    for _ in range(3):
        sign(vault, KeyUse.AUTHENTICATION)
    vault.power_off()
    assert refusal(sign, vault, KeyUse.AUTHENTICATION) == "card.pin1.not-verified"
    assert refusal(sign, Vault(StateFile(tmp_path / "card.json"), store)) == "card.pin2.not-verified"


@pytest.mark.parametrize(("left", "words"), [(1, "; 1 try is left."), (2, "; 2 tries are left.")])
def test_a_wrong_pin_is_told_with_the_tries_that_are_left(
    card: tuple[Vault, MemoryStore], left: int, words: str
) -> None:
    """The last try is the sentence that people read twice."""
    vault, _ = card
    vault.lower_tries(Credential.PIN2, left + 1)
    with pytest.raises(Refused) as refused:
        vault.verify(Credential.PIN2, WRONG)
    assert refused.value.sentence.endswith(words)


def test_only_pin2_is_said_to_be_asked_for_every_time(card: tuple[Vault, MemoryStore]) -> None:
    """Who reads it of PIN1 would think that the session is broken."""
    advice = []
    for use in (KeyUse.SIGNATURE, KeyUse.AUTHENTICATION):
        with pytest.raises(Refused) as refused:
            sign(card[0], use)
        advice.append(refused.value.advice)
    assert "every single signature" in advice[0] and advice[1] == ""


def test_pin1_opens_no_signature_key(card: tuple[Vault, MemoryStore]) -> None:
    """Somebody who saw PIN1 at a login must not be able to sign."""
    vault, _ = card
    vault.verify(Credential.PIN1, PIN1)
    assert refusal(sign, vault) == "card.pin2.not-verified"


def test_a_failed_signature_does_not_consume_pin2(card: tuple[Vault, MemoryStore]) -> None:
    """The holder would be asked twice for one signature."""
    vault, _ = card
    vault.verify(Credential.PIN2, PIN2)
    with pytest.raises(Fault):
        vault.use_key(KeyUse.SIGNATURE, Operation.SIGN_PKCS1, b"x")
    sign(vault)


def test_the_signature_key_does_not_decrypt(card: tuple[Vault, MemoryStore]) -> None:
    """A decryption with the signature key is a signature on somebody else's choice."""
    vault, _ = card
    vault.verify(Credential.PIN2, PIN2)
    for operation in (Operation.DECRYPT_RAW, Operation.DECRYPT_PKCS1):
        assert refusal(vault.use_key, KeyUse.SIGNATURE, operation, bytes(256)) == "card.key.use"


@pytest.mark.parametrize("credential", [Credential.PIN1, Credential.PIN2])
def test_five_wrong_pins_lock(card: tuple[Vault, MemoryStore], credential: Credential) -> None:
    """A found card must not let anybody guess on."""
    vault, store = card
    for left in (4, 3, 2, 1):
        assert refusal(vault.verify, credential, WRONG) == "card.pin.wrong"
        assert vault.state.tries[credential] == left
    assert refusal(vault.verify, credential, WRONG) == "card.pin.locked"
    assert vault.state.condition == f"{credential}-blocked"
    looks = store.looks
    assert refusal(vault.verify, credential, PINS[credential]) == "card.pin.locked"
    assert refusal(vault.change_pin, credential, PINS[credential], PIN2) == "card.pin.locked"
    assert store.looks == looks, "a locked PIN is not even looked at"


def test_the_right_pin_gives_the_tries_back(card: tuple[Vault, MemoryStore]) -> None:
    """Only wrong tries in a row count."""
    vault, _ = card
    refusal(vault.verify, Credential.PIN1, WRONG)
    vault.verify(Credential.PIN1, PIN1)
    assert vault.state.tries[Credential.PIN1] == 5


def test_a_wrong_pin_ends_the_verified_state(card: tuple[Vault, MemoryStore]) -> None:
    """After a wrong PIN somebody else may be at the keyboard."""
    vault, _ = card
    vault.verify(Credential.PIN1, PIN1)
    refusal(vault.verify, Credential.PIN1, WRONG)
    assert refusal(sign, vault, KeyUse.AUTHENTICATION) == "card.pin1.not-verified"


def test_pulling_the_card_gives_no_try_back(card: tuple[Vault, MemoryStore], tmp_path: Path) -> None:
    """Pulling the card at the right moment would otherwise make guessing free."""
    vault, store = card
    for left in (4, 3, 2, 1, 0):
        store.cut = True
        with pytest.raises(PowerCut):
            vault.verify(Credential.PIN2, WRONG)
        assert json.loads((tmp_path / "card.json").read_text())["tries"]["pin2"] == left
        vault = Vault(StateFile(tmp_path / "card.json"), store)
    assert refusal(vault.verify, Credential.PIN2, PIN2) == "card.pin.locked"


def test_no_pin_is_looked_at_if_the_try_cannot_be_written(
    card: tuple[Vault, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk or a read-only workspace, tries would be free."""
    vault, store = card

    def full(*_: object, **__: object) -> None:
        raise Fault("The disk is full.")

    monkeypatch.setattr("sotepki.card.state.write_private", full)
    monkeypatch.setattr("sotepki.card.state.replace_one_byte", full)
    looks = store.looks
    with pytest.raises(Fault, match="full"):
        vault.verify(Credential.PIN1, PIN1)
    assert store.looks == looks
    assert not vault.verified(Credential.PIN1)


def test_activation_takes_the_code_and_happens_once(tmp_path: Path) -> None:
    """Before activation no PIN exists; after it the letter's code must not silently reset both PINs."""
    vault, _ = personalised(tmp_path)
    assert refusal(vault.verify, Credential.PIN1, PIN1) == "card.not-activated"
    assert refusal(sign, vault) == "card.not-activated"
    assert refusal(vault.unblock, CODE, Credential.PIN1, PIN1) == "card.not-activated"
    assert refusal(vault.activate, WRONG, PIN1, PIN2) == "card.code.wrong"
    assert vault.state.tries[Credential.PUK] == 4
    assert vault.state.condition == "personalised"
    vault.activate(CODE, PIN1, PIN2)
    assert vault.state.condition == "active"
    assert vault.state.tries == dict.fromkeys(Credential, 5)
    assert refusal(vault.activate, CODE, PIN1, PIN2) == "card.already-active"


def test_the_same_digits_for_both_pins_are_taken(tmp_path: Path) -> None:
    """DVV's pages advise against them and no card refuses them; a holder's software must expect them."""
    assert "not enforced" in field.row("card.md", "4.3", "PIN1 and PIN2 should not be the same digits")[0]
    vault, _ = personalised(tmp_path)
    vault.activate(CODE, PIN1, PIN1)
    vault.verify(Credential.PIN2, PIN1)


def test_five_wrong_codes_lock_the_card_for_ever(tmp_path: Path) -> None:
    """The activation code can be guessed no more often than a PIN."""
    vault, _ = personalised(tmp_path)
    for _ in range(4):
        assert refusal(vault.activate, WRONG, PIN1, PIN2) == "card.code.wrong"
    assert refusal(vault.activate, WRONG, PIN1, PIN2) == "card.code.locked"
    assert refusal(vault.activate, CODE, PIN1, PIN2) == "card.code.locked"
    assert vault.state.condition == "puk-blocked"


def test_unblocking_sets_a_new_pin(card: tuple[Vault, MemoryStore]) -> None:
    """A forgotten PIN costs a visit to nobody while the letter is kept."""
    vault, _ = card
    for _ in range(5):
        refusal(vault.verify, Credential.PIN2, WRONG)
    assert refusal(vault.unblock, WRONG, Credential.PIN2, Pin("444444")) == "card.code.wrong"
    vault.unblock(CODE, Credential.PIN2, Pin("444444"))
    assert vault.state.tries == dict.fromkeys(Credential, 5)
    assert refusal(sign, vault) == "card.pin2.not-verified", "unblocking verifies nothing"
    assert refusal(vault.verify, Credential.PIN2, PIN2) == "card.pin.wrong"
    vault.verify(Credential.PIN2, Pin("444444"))
    sign(vault)


@pytest.mark.parametrize("new", ["123", "123456789"])
def test_a_new_pin_of_a_wrong_length_costs_no_try(card: tuple[Vault, MemoryStore], new: str) -> None:
    """A slip of the finger when choosing a PIN must not lock a card."""
    vault, _ = card
    for call in (
        lambda: vault.change_pin(Credential.PIN1, PIN1, Pin(new)),
        lambda: vault.unblock(CODE, Credential.PIN1, Pin(new)),
        lambda: vault.unblock(Pin("1234567"), Credential.PIN1, PIN1),
    ):
        assert refusal(call) == "card.pin.form"
    assert vault.state.tries == dict.fromkeys(Credential, 5)


def test_the_activation_code_is_no_pin(card: tuple[Vault, MemoryStore]) -> None:
    """Its own change and reset are never possible on these cards."""
    vault, _ = card
    assert refusal(vault.change_pin, Credential.PUK, CODE, WRONG) == "card.code.fixed"
    assert refusal(vault.unblock, CODE, Credential.PUK, WRONG) == "card.code.fixed"
    assert refusal(vault.verify, Credential.PUK, CODE) == "card.code.fixed"


def test_state_holds_no_secrets(card: tuple[Vault, MemoryStore], tmp_path: Path) -> None:
    """The state file may be read by whoever looks at the shelf."""
    content = (tmp_path / "card.json").read_text()
    for pin in (CODE, PIN1, PIN2):
        assert pin.reveal() not in content


GOOD_STATE = {
    "format": 1,
    "number": "1",
    "holder": "x",
    "kind": "professional",
    "phase": "active",
    "tries": {"pin1": 5, "pin2": 5, "puk": 5},
}


@pytest.mark.parametrize(
    "change",
    [
        {"tries": {"pin1": 6, "pin2": 5, "puk": 5}},
        {"tries": {"pin1": -1, "pin2": 5, "puk": 5}},
        {"tries": {"pin1": True, "pin2": 5, "puk": 5}},
        {"tries": {"pin1": 5}},
        {"tries": [5, 5, 5]},
        {"phase": "new"},
        {"kind": "bus-card"},
        {"format": 2},
        {"number": 1},
        {"more": 1},
    ],
    ids=str,
)
def test_a_state_file_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Counters that are guessed can be reset by damaging a file."""
    path = tmp_path / "card.json"
    path.write_text(json.dumps(GOOD_STATE))
    StateFile(path).load()
    path.write_text(json.dumps({**GOOD_STATE, **change}))
    with pytest.raises(Fault) as fault:
        StateFile(path).load()
    assert fault.value.rule == "card.state-file"


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_in_the_state_file_give_one_sentence(tmp_path: Path, content: bytes) -> None:
    """A damaged workspace must not show a traceback."""
    path = tmp_path / "card.json"
    path.write_bytes(content)
    with pytest.raises(Fault):
        StateFile(path).load()
