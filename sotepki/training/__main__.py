"""``python -m sotepki.training solutions``: write ``notebooks/solutions.py`` anew from the tasks."""

from __future__ import annotations

import sys
from pathlib import Path

from sotepki.training.solutions import solutions_notebook

TARGET = Path("notebooks") / "solutions.py"


def main(arguments: list[str]) -> int:
    """Write the notebook below the present directory; 2 for anything else that is asked."""
    if arguments != ["solutions"] or not TARGET.parent.is_dir():
        print("Give 'python -m sotepki.training solutions' in the root of the project.", file=sys.stderr)
        return 2
    TARGET.write_text(solutions_notebook(), encoding="utf-8")
    print(f"{TARGET} is written; now: python -m notebooks.execute --write {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
