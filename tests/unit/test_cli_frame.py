"""The frame of the command line: every error becomes one sentence with the right exit code, and help is quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sotepki import cli
from sotepki.cli.context import emit, read_input, write_output
from sotepki.cli.lazy import add_common_options
from sotepki.errors import Fault, Misuse, Refused


@pytest.fixture
def command_that(monkeypatch: pytest.MonkeyPatch):
    """Makes ``sotepki probe`` do what the test wants."""

    def install(action) -> None:
        @click.command("probe")
        def probe() -> None:
            action()

        add_common_options(probe)
        monkeypatch.setattr(cli.root, "get_command", lambda _ctx, name: probe if name == "probe" else None)

    return install


def _raise(error: BaseException):
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            Refused("No right.", rule="vartti.right", advice="Ask Valvira."),
            1,
            "No right. [vartti.right] Ask Valvira.",
        ),
        (Misuse("No file."), 2, "No file."),
        (Fault("Disk full."), 3, "Disk full."),
        (OSError(28, "No space left on device", "x.db"), 3, "No space left on device (x.db)"),
        (MemoryError(), 3, "too little memory"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (ZeroDivisionError("boom"), 3, "A fault of ours: ZeroDivisionError: boom"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(
    command_that, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    """A vendor's script that checks exit codes would otherwise take a fault for a verdict."""
    command_that(_raise(error))
    assert cli.run(["probe"]) == code
    captured = capsys.readouterr()
    assert text in captured.err
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["probe", "--no-such-option"], ["probe", "--format", "xml"]]
)
def test_wrong_usage_is_exit_code_2(command_that, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    command_that(lambda: None)
    assert cli.run(arguments) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_every_command_prints_json_when_asked(command_that, capsys: pytest.CaptureFixture[str]) -> None:
    command_that(lambda: emit({"verdict": "valid", "name": "Ääkkönen"}, "text"))
    assert cli.run(["probe", "--format", "json"]) == 0
    assert '"name": "Ääkkönen"' in capsys.readouterr().out
    assert cli.run(["probe"]) == 0
    assert capsys.readouterr().out == "text\n"


def test_input_that_is_missing_a_directory_or_too_long_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no file"):
        read_input(tmp_path / "absent")
    with pytest.raises(Misuse, match="is a directory"):
        read_input(tmp_path)
    (tmp_path / "long").write_bytes(b"x" * 1025)
    with pytest.raises(Misuse, match="longer than"):
        read_input(tmp_path / "long", limit=1024)
    assert read_input(tmp_path / "long", limit=1025) == b"x" * 1025


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    with pytest.raises(Fault, match="No space left"):
        write_output("/dev/full", b"x" * 100_000)
    target = tmp_path / "answer.xml"
    target.write_bytes(b"old")
    with pytest.raises(Misuse, match="no directory"):
        write_output(tmp_path / "absent" / "answer.xml", b"new")
    write_output(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["answer.xml"]


def test_help_imports_nothing_heavy() -> None:
    """``sotepki --help`` answers at once; SQLAlchemy, pandas or lxml alone would take longer than all of it."""
    code = "import sys; from sotepki import cli; cli.run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    loaded = set(eval(done.stderr))
    assert not loaded & {"cryptography", "sqlalchemy", "pandas", "lxml", "aiohttp", "pkcs11", "asn1crypto", "yaml"}
    assert "conformance" in done.stdout
    assert "Exit codes" in done.stdout


def test_a_closed_pipe_is_no_error() -> None:
    """``sotepki ... | head`` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m sotepki --help | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
