"""A short run of the command fuzzer, and the proof that it would notice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "fuzz"))

import card_apdus
from card_apdus import Violation, fuzz

from sotepki.card import Credential
from sotepki.card.operating import codes, reading
from sotepki.card.operating.apdu import Abort, Answer
from sotepki.card.state import CardState
from sotepki.card.vault import Vault

SEQUENCES = 1500


def test_no_command_sequence_breaks_the_card() -> None:
    """A reader, or malware behind one, may send anything; counters and keys must not care."""
    figures = fuzz(SEQUENCES, seed=20261)
    assert figures["sequences"] == SEQUENCES
    assert figures["private operations"] > 20, "the fuzzer never gets to a key"
    assert figures["PIN comparisons"] > 100, "the fuzzer never gets to a PIN"


def _forget_nothing(vault: Vault, credential: Credential) -> None:
    return


def _no_verification(vault: Vault, credential: Credential) -> None:
    vault._verified.add(credential)


def _spend_nothing(state: CardState, credential: Credential) -> CardState:
    return state


def _generous_probe(vault: Vault, credential: Credential) -> Any:
    vault._keep(vault.state.restore(credential), durable=True)
    raise Abort(0x63C5)


def _fragile_read(*arguments: object) -> Any:
    raise IndexError("string index out of range")


@pytest.mark.parametrize(
    ("place", "name", "replacement", "noticed"),
    [
        (Vault, "_forget", _forget_nothing, "without PIN"),
        (Vault, "_require_verified", _no_verification, "without PIN|6f00"),
        (CardState, "spend", _spend_nothing, "looked at with"),
        (codes, "_probe", _generous_probe, "rose from"),
        (reading, "read_binary", _fragile_read, "IndexError"),
    ],
)
def test_the_fuzzer_notices_a_broken_card(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, replacement: Any, noticed: str
) -> None:
    """A fuzzer that finds nothing proves something only if it would find what is there."""
    monkeypatch.setattr(place, name, replacement)
    with pytest.raises(Violation, match=noticed):
        fuzz(4000, seed=1)


def test_a_leaked_key_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that held key bytes by mistake would be read by anybody."""
    pieces: list[bytes] = []
    true_secrets = card_apdus.secrets_of

    def remember(card: Any) -> list[bytes]:
        pieces.extend(true_secrets(card)[3:])
        return true_secrets(card)

    monkeypatch.setattr(card_apdus, "secrets_of", remember)
    monkeypatch.setattr("sotepki.card.operating.system._challenge", lambda command: Answer(pieces[0], 0x9000))
    with pytest.raises(Violation, match="secret"):
        fuzz(4000, seed=1)
