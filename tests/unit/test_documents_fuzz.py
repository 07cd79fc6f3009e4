"""The fuzzer of ``tests/fuzz``: a short blind search here; long guided ones are run by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).parents[1] / "fuzz" / "documents.py"


def test_a_short_search_finds_nothing(tmp_path: Path) -> None:
    """Nothing escapes, nothing hangs, memory stays, and no body that nobody signed is found valid."""
    command = [sys.executable, str(FUZZER), "--engine", "blind", "--executions", "1500", "--seconds", "20",
               "--figures", str(tmp_path / "figures.json")]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["executions"] >= 200
    assert figures["verdicts"]["invalid"] > 0 and figures["verdicts"]["valid"] > 0
    assert not list(tmp_path.glob("fuzz-*.xml"))
