"""How long ``sotepki --help`` takes, as a ratio to a bare Python that prints one line."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any


def measure(runs: int = 7) -> dict[str, Any]:
    """Median seconds of both, interleaved so that noise of the machine meets both."""
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(runs):
        bare.append(_seconds([sys.executable, "-c", "print('x')"]))
        ours.append(_seconds([sys.executable, "-m", "sotepki", "--help"]))
    bare_median, our_median = statistics.median(bare), statistics.median(ours)
    return {
        "name": "startup",
        "ratios": {"startup.help.vs_bare_python": round(our_median / bare_median, 2)},
        "rates": {"startup.help.seconds": round(our_median, 3), "startup.bare.seconds": round(bare_median, 3)},
    }


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
