"""Workspaces of notebooks do not pile up in the temporary directory, and nobody loses what is somebody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
KERNEL = "from places import own_directory; print(own_directory('card'), flush=True); input()"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of these tests; notebooks import their modules from where they stand."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    return tmp_path


def kernel() -> tuple[subprocess.Popen[str], Path]:
    """A process that has made a directory and waits."""
    running = subprocess.Popen(
        [sys.executable, "-c", KERNEL], cwd=NOTEBOOKS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    return running, Path(running.stdout.readline().strip())


def test_what_a_killed_kernel_left_is_removed_and_what_lives_is_kept(place: Path) -> None:
    """Runs of nbval would leave gigabytes behind, or one notebook would take the ground from under another."""
    from places import own_directory

    dead, left = kernel()
    (left / "workspace").mkdir()
    dead.send_signal(signal.SIGKILL)
    dead.communicate()
    assert left.is_dir()
    living, kept = kernel()
    own = own_directory("card")
    assert (left.exists(), kept.is_dir(), own.is_dir()) == (False, True, True)
    assert own_directory("tour").is_dir() and own.is_dir(), "a second workspace of one notebook"
    living.communicate("\n")
    assert not kept.exists(), "who ends in peace removes its own"


def test_what_others_made_stays(place: Path) -> None:
    """A directory of another program, or one that a link pretends to be ours, would be lost with all in it."""
    from places import own_directory

    others = place / "sotepki-bench-1trpx_si"
    elsewhere = place / "precious"
    for directory in (others, elsewhere):
        directory.mkdir()
        (directory / "work.txt").write_text("a day's work")
    (elsewhere / "notebook.lock").touch()
    (place / "sotepki-card-link").symlink_to(elsewhere)
    own_directory("card")
    assert (others / "work.txt").is_file() and (elsewhere / "work.txt").is_file()


def test_what_another_user_made_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of a whole class the administrator's notebook would sweep everybody's."""
    from places import own_directory

    (place / "sotepki-card-abc").mkdir()
    (place / "sotepki-card-abc" / "notebook.lock").touch()
    mine = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: mine + 1)
    own_directory("card")
    assert (place / "sotepki-card-abc").is_dir()


def test_the_page_compares_with_the_sanitiser() -> None:
    """Who types the command would find a notebook broken by a serial number that is another in each run."""
    from notebooks.execute import SANITIZER

    page = (NOTEBOOKS.parent / "docs" / "notebooks.md").read_text(encoding="utf-8")
    command = f"--nbval-sanitize-with {SANITIZER.relative_to(NOTEBOOKS.parent)} notebooks"
    assert f"`pytest --nbval-lax {command}`" in page
    assert "`pytest --nbval-lax notebooks`" not in page
