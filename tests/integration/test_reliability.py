"""Kills and crowds: short runs of the programs whose long runs are in docs/reliability.md.

Each runs as a process of its own: it forks, and nothing that other tests have opened may be in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from databases import on_postgresql

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
DATABASE = "postgresql" if on_postgresql() else "sqlite"


def _run(program: str, *arguments: str) -> Mapping[str, Any]:
    environment = {key: value for key, value in os.environ.items() if key != "SOTEPKI_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.reliability.{program}", "--database", DATABASE, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600, env=environment,
    )  # fmt: skip
    assert done.stdout, done.stderr[-3000:]
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def test_after_a_kill_everything_or_nothing_is_done() -> None:
    """A power cut would use a serial number twice, lose a letter, or leave a certificate without a record."""
    answer = _run("kills", "--kills", "8" if on_postgresql() else "20")
    assert answer["violations"] == []
    assert answer["signatures"] > 4 and answer["different steps hit"] >= 6


def test_several_at_once_do_not_hurt_each_other() -> None:
    """Two registrars, two officers, two lists at the same moment: one wins, the other gets a sentence."""
    assert _run("crowd")["wrong"] == []
