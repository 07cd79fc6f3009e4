"""The script ``run`` at the door of the house."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"


def _charmap(locale: str) -> str:
    asked = {**os.environ, "LC_ALL": locale}
    return subprocess.run(
        ["locale", "charmap"], env=asked, capture_output=True, text=True, check=False
    ).stdout.strip()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of ``run`` below a directory with a Finnish name, where .venv finds a module by a path with that name.

    ``./run help`` shows its text with ``cat``, in whose place the Python of .venv is put here.
    """
    place = tmp_path / "Työpöytä"
    packages = place / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    programs = place / ".venv" / "bin"
    for directory in (packages, programs, place / "source"):
        directory.mkdir(parents=True)
    (programs / "python").symlink_to(Path(sys._base_executable).resolve())  # type: ignore[attr-defined]
    (place / ".venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n")
    (packages / "house.pth").write_text(f"{place / 'source'}\n", encoding="utf-8")
    (place / "source" / "house.py").write_text("print('at home')\n")
    (programs / "cat").write_text(f'#!/bin/sh\nexec "{programs}/python" -c "import house"\n', encoding="utf-8")
    (programs / "cat").chmod(0o755)
    shutil.copy2(RUN, place)
    return place


@pytest.mark.skipif(shutil.which("locale") is None or _charmap("C.UTF-8") != "UTF-8", reason="no locale C.UTF-8 here")
@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_the_house_may_stand_on_a_finnish_desktop(house: Path, locale: str) -> None:
    """On a build server without a locale every command died in site.py, below a directory with an ä in its name."""
    environment = {"PATH": f"{house}/.venv/bin:{os.environ['PATH']}", "LC_ALL": locale}
    done = subprocess.run([house / "run", "help"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "at home\n"), done.stderr
