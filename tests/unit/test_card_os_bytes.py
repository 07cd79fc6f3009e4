"""Every byte sequence of docs/field/card.md, from the data file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from card_os_scripts import DATA, Script, load_scripts, run

from sotepki.card.operating import card_profiles

SCRIPTS = load_scripts()
FACTS = Path(__file__).parents[2] / "docs" / "field" / "card.md"
# Byte sequences of the facts that no command can show, and why.
ELSEWHERE = {
    "3B7B180000806201545646696E454944": "ATR of the legacy Segenmark card, which has no profile",
    "3B8980010031B8640429ECC17394018083": "contactless: the card has contacts only",
    "3B8D80010031B8640429ECC1739401808304": "contactless",
    "3B8980018057434954495A323191": "contactless",
    "0031B8640429ECC17394018083": "historical bytes, part of the ATR",
    "829000": "historical bytes of the Cosmo v7",
    "6984": "an answer that the client understands and this card never gives (tests/unit/test_card_client.py)",
    "62048102043F9000": "the size of one certificate; the scripts have it with the size of theirs",
    "3B7B940000806212515646696E454944": "ATR of a setcos card, which has no profile",
    "3B7B18": "ATR of a setcos card, which has no profile",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: f"{script.section} {script.name}")
def test_the_card_answers_as_the_facts_say(script: Script) -> None:
    """Middleware that was written for the real card must meet the same bytes here."""
    assert run(script)


def test_every_section_with_bytes_has_scripts() -> None:
    """A section of the facts without a script could change without anybody noticing."""
    assert {script.section for script in SCRIPTS} >= {
        "2.3", "3.1", "3.2", "3.3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "5",
        "5.1", "5.2", "5.3", "6", "8.3",
    }  # fmt: skip
    assert sum(len(script.script) for script in SCRIPTS) > 300


def test_every_byte_sequence_of_the_facts_is_in_a_script() -> None:
    """What is added to the facts must be tried on the card, or be named here with the reason why not."""
    scripts = "".join(DATA.read_text(encoding="utf-8").split())
    known = set(ELSEWHERE) | {one.atr.hex().upper() for one in card_profiles().values()}
    quoted = re.findall(r"`([0-9A-F]{2}(?: [0-9A-F]{2})+)", FACTS.read_text(encoding="utf-8"))
    sequences = {text.replace(" ", "") for text in quoted}
    assert len(sequences) > 80
    assert not [text for text in sorted(sequences) if text not in scripts and text not in known]
    assert set(ELSEWHERE) <= sequences, "an exception that is not in the facts any more"
