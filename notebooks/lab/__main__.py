"""``python -m notebooks.lab [OPTIONS]``: becomes ``jupyter lab``, so that signals and exit codes are its own."""

from __future__ import annotations

import os
import sys

from notebooks import lab


def tell(line: str) -> None:
    """Print at once: JupyterLab takes the process over."""
    print(line, file=sys.stderr, flush=True)


directory = lab.workspace_directory()
lab.make_ready(directory, tell)
lab.lay_out()
command = [sys.executable, "-m", "jupyterlab", *lab.arguments(), *sys.argv[1:]]
os.execve(sys.executable, command, lab.environment(directory))
