"""A workspace stands whole or not at all, whatever interrupts it, and touches nothing of the user's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import copy_workspace, on_postgresql, opened_books
from sqlalchemy import text

from sotepki.clock import SetClock, SystemClock
from sotepki.errors import Fault, Misuse
from sotepki.records import first_break
from sotepki.tokens import READY_KEYS
from sotepki.workspace import INCOMPLETE, SETTINGS, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("keys_of_the_test")]

SOTEPKI = (sys.executable, "-m", "sotepki")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to look at; tests that change one work on a copy."""
    directory = tmp_path_factory.mktemp("made") / "workspace"
    Workspace.create(directory, card_keys=0).close()
    return directory


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return copy_workspace(made, tmp_path / "copy")


def _sotepki(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SOTEPKI, *arguments], capture_output=True, text=True, check=False, timeout=120, **more)  # type: ignore[call-overload]


def test_the_world_is_of_the_size_that_training_needs(made: Path) -> None:
    with Workspace.open(made) as workspace:
        counts = workspace.counts()
    assert counts["people"] >= 60
    assert counts["organisations"] >= 15


def test_init_takes_the_keys_that_were_made_beforehand(tmp_path: Path) -> None:
    """A pipeline that makes a workspace for each job waits for its keys once."""
    ready = tmp_path / "ready"
    told = _sotepki("workspace", "keys", str(ready), "--cards", "1", "--format", "json")
    assert json.loads(told.stdout) == {"directory": str(ready), "rsa-4096": 3, "rsa-3072": 4}, told.stderr
    assert {path.stat().st_mode & 0o077 for path in ready.rglob("*")} == {0}
    environment = {**os.environ, READY_KEYS: str(ready)}
    done = _sotepki("init", "--workspace", str(tmp_path / "ws"), "--keys", "1", env=environment)
    assert done.returncode == 0, done.stderr
    assert [path for path in ready.rglob("*") if path.is_file()] == []


def test_a_second_init_changes_nothing(copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    done = _sotepki("init", "--workspace", str(copy))
    assert done.returncode == 2
    assert "holds a workspace already; nothing was changed" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()} == before


def test_init_into_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    """Somebody's own files must not be mixed with keys, nor removed."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Misuse, match="holds other files"):
        Workspace.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_a_workspace_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misuse, match="is a file"):
        Workspace.create(tmp_path / "file")
    with pytest.raises(Misuse, match="is a file"):
        Workspace.open(tmp_path / "file")


def test_no_workspace_is_said_with_the_command_that_makes_one(tmp_path: Path) -> None:
    done = _sotepki("audit", "verify", "--workspace", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert "sotepki init" in done.stderr


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (b"{", Fault, "is damaged"),
        (b"\xff\xfe", Fault, "is damaged"),
        (b'{"format": 1}', Fault, "is damaged"),
        (b'{"format": 99, "created": "2026-01-01T00:00:00+00:00"}', Misuse, "has form 99"),
    ],
)
def test_damaged_settings_are_one_sentence(copy: Path, content: bytes, error: type[Exception], text: str) -> None:
    (copy / SETTINGS).write_bytes(content)
    with pytest.raises(error, match=text):
        Workspace.open(copy)


def test_a_workspace_that_was_moved_still_works(copy: Path) -> None:
    """A trainer copies a prepared workspace to twenty laptops; the paths inside must not bind it to one place."""
    moved = copy.rename(copy.with_name("moved"))
    with Workspace.open(moved) as workspace:
        workspace.authorities.publish(workspace.published)
        assert str(moved) in workspace.hsm.configuration.read_text()


def test_a_workspace_that_was_moved_where_softhsm_is_lost_says_so(copy: Path) -> None:
    """Its authorities' keys are not found there, and those of another workspace might be."""
    moved = copy.rename(copy.with_name("exercise #1"))
    with Workspace.open(moved) as workspace, pytest.raises(Misuse, match="SoftHSM cannot keep tokens"):
        workspace.authorities.publish(workspace.published)


def test_the_users_own_softhsm_is_not_touched(tmp_path: Path) -> None:
    """Init with a foreign HOME and SOFTHSM2_CONF must leave both as they were."""
    home, tokens = tmp_path / "home", tmp_path / "own-tokens"
    home.mkdir()
    tokens.mkdir()
    own = tmp_path / "softhsm2.conf"
    own.write_text(f"directories.tokendir = {tokens}\n")
    environment = {**os.environ, "HOME": str(home), "SOFTHSM2_CONF": str(own)}
    done = _sotepki("init", "--keys", "0", "--workspace", str(tmp_path / "ws"), env=environment)
    assert done.returncode == 0, done.stderr
    assert not list(home.iterdir())
    assert not list(tokens.iterdir())
    assert own.read_text() == f"directories.tokendir = {tokens}\n"


def _started_init(directory: Path) -> subprocess.Popen[str]:
    """An init that is in the middle of its work."""
    process = subprocess.Popen(
        [*SOTEPKI, "init", "--keys", "12", "--workspace", str(directory)], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (directory / "key-pool").exists():
        assert process.poll() is None, "init ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "cancelled-build"])
def test_an_interrupted_init_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Half a workspace would stand where the help of init promises that nothing is left."""
    directory = tmp_path / "ws"
    process = _started_init(directory)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert not directory.exists()


def test_two_inits_at_once_do_not_hurt_each_other(tmp_path: Path) -> None:
    """The second cleared away what the first had made, and the first then said that its workspace stands."""
    first = _started_init(tmp_path / "ws")
    first.send_signal(signal.SIGSTOP)  # else it may be ready before the second has begun
    try:
        second = _sotepki("init", "--keys", "0", "--workspace", str(tmp_path / "ws"))
    finally:
        first.send_signal(signal.SIGCONT)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert second.returncode == 2 and "Another init is at work here" in second.stderr
    with Workspace.open(tmp_path / "ws") as workspace, workspace.records.look() as session:
        assert first_break(session) is None
        assert workspace.authorities.publish(workspace.published)


def test_a_killed_init_is_said_and_can_be_given_again(tmp_path: Path) -> None:
    """After a power cut the half-made workspace must neither be opened nor stand in the way."""
    directory = tmp_path / "ws"
    process = _started_init(directory)
    process.kill()
    process.communicate(timeout=60)
    assert (directory / INCOMPLETE).exists()
    with pytest.raises(Misuse, match="left incomplete"):
        Workspace.open(directory)
    assert "Its books bear the mark" in (directory / INCOMPLETE).read_text()
    Workspace.create(directory, card_keys=0).close()
    with Workspace.open(directory) as workspace, workspace.records.look() as session:
        assert first_break(session) is None


@pytest.fixture(params=[200, 500, 700, 900])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of so many kilobytes, so that init meets its end at different steps; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(on_postgresql(), reason="the books are on the server's disk")
def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    done = _sotepki("init", "--keys", "0", "--workspace", str(small_disk / "ws"))
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (small_disk / "ws").exists()


def test_a_read_only_workspace_is_said(copy: Path) -> None:
    if os.geteuid() == 0:
        mounted = subprocess.run(
            ["mount", "--bind", "-o", "ro", str(copy), str(copy)], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("root may write everywhere, and a read-only mount is not possible here")
    else:
        copy.chmod(0o500)
    try:
        done = _sotepki("clock", "advance", "1", "--workspace", str(copy))
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", str(copy)], check=True)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_the_clock_moves_forward_and_stays_moved(copy: Path) -> None:
    with Workspace.open(copy) as workspace:
        before = workspace.clock.now()
        workspace.advance_clock(30)
    with Workspace.open(copy) as workspace:
        assert 29.9 < (workspace.clock.now() - before).total_seconds() / 86400 < 30.1
        for days in (-1, float("nan"), 1e9):
            with pytest.raises(Misuse, match="cannot be moved"):
                workspace.advance_clock(days)
        assert isinstance(workspace.clock, SystemClock)
    with Workspace.open(copy, clock=SetClock(before)) as workspace, pytest.raises(Misuse, match="in the hands"):
        workspace.advance_clock(1)


def test_a_change_behind_the_journals_back_is_found(copy: Path) -> None:
    """What an auditor would miss otherwise: an entry rewritten with a database tool."""
    assert json.loads(_sotepki("audit", "verify", "--format", "json", "--workspace", str(copy)).stdout)["entries"] > 3
    with opened_books(copy) as books:
        books.execute(text("UPDATE journal SET actor = 'somebody else' WHERE sequence = 3"))
    done = _sotepki("audit", "verify", "--workspace", str(copy))
    assert done.returncode == 1
    assert "Journal entry 3" in done.stderr
    assert "[audit.chain]" in done.stderr
