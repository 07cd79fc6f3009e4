"""``./run bench [NAME]``: run the benchmarks, print one JSON line each, and last a line with all ratios."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")))
"""Each module beside this one is a benchmark with a function ``measure``."""


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"bench: There is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    ratios: dict[str, float] = {}
    rates: dict[str, float] = {}
    chosen = arguments or list(NAMES)
    for name in chosen:
        result: dict[str, Any] = importlib.import_module(f"benchmarks.{name}").measure()
        print(json.dumps(result), flush=True)
        ratios |= result["ratios"]
        rates |= result["rates"]
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "processor": platform.machine(),
    }
    print(json.dumps({"name": "+".join(chosen), "ratios": ratios, "rates": rates, "machine": machine}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
