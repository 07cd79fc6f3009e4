"""Every byte sequence of docs/field/card.md, from the data file."""

from __future__ import annotations

import pytest
from card_os_scripts import Script, load_scripts, run

SCRIPTS = load_scripts()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: f"{script.section} {script.name}")
def test_the_card_answers_as_the_facts_say(script: Script) -> None:
    """Middleware that was written for the real card must meet the same bytes here."""
    assert run(script)


def test_every_section_with_bytes_has_scripts() -> None:
    """A section of the facts without a script could change without anybody noticing."""
    assert {script.section for script in SCRIPTS} >= {
        "2.3", "3.1", "3.2", "3.3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "6", "8.3",
    }  # fmt: skip
    assert sum(len(script.script) for script in SCRIPTS) > 300
