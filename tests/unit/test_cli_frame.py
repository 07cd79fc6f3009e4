"""The frame of the command line: every error becomes one sentence with the right exit code, and help is quick."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from aiohttp.http_exceptions import BadHttpMessage

from sotepki import cli
from sotepki.cli.checks import findings_text
from sotepki.cli.context import emit, read_input
from sotepki.cli.foreground import RequestLines
from sotepki.cli.lazy import add_common_options
from sotepki.cli.writing import write_output
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
        (BrokenPipeError(32, "Broken pipe", "a socket"), 3, "Broken pipe (a socket)"),
        (EOFError("cut off"), 3, "A fault of ours: EOFError: cut off"),
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


def test_what_was_pasted_by_mistake_does_not_bury_the_sentence(
    command_that, capsys: pytest.CaptureFixture[str]
) -> None:
    command_that(_raise(Refused(f"There is no task '{'x' * 10_000}'; there are two.")))
    assert cli.run(["probe"]) == 1
    said = capsys.readouterr().err
    assert len(said) < 200 and said.endswith("there are two.\n")


@pytest.mark.parametrize("actor", ["", " ", "a\nb", "\x1b[31mred", "x" * 101, "010181-900C", "for 131052-308T"])
def test_who_acts_is_fit_for_the_journal(capsys: pytest.CaptureFixture[str], actor: str) -> None:
    """The journal is never cleaned: an identity code or a control character that came in would stay there."""
    assert cli.run(["provider", "sweep", "1.2.246.10.99000018.10.0", "--actor", actor]) == 2
    said = capsys.readouterr().err
    assert "'--actor'" in said and "900C" not in said and "308T" not in said


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Who forgets the second word reads what there is, as help and not as an error."""
    assert cli.run(["clock"]) == Misuse.exit_code
    assert capsys.readouterr().err.startswith("Usage: sotepki clock ")


def test_a_slip_in_a_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["conformanc", "list"]) == Misuse.exit_code
    assert "Did you mean 'conformance'? See 'sotepki --help'." in capsys.readouterr().err
    assert cli.run(["xyzzy"]) == Misuse.exit_code
    assert capsys.readouterr().err.startswith("sotepki: No such command 'xyzzy'")


def test_a_forgotten_choice_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["csr", "check", "request.csr"]) == Misuse.exit_code
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "\t" not in said
    assert "Choose from: server, system-signature" in said and "e-mail. See" in said


def test_a_directory_that_cannot_be_looked_into_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A closed directory is met by root too when its name is longer than names may be."""
    assert cli.run(["card", "list", "--workspace", str(tmp_path / ("x" * 300))]) == Misuse.exit_code
    assert "cannot be read: File name too long" in capsys.readouterr().err


def test_keys_are_not_written_beside_a_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``scs trust`` in the wrong directory would leave a private key there."""
    assert cli.run(["scs", "trust", "--workspace", str(tmp_path)]) == Misuse.exit_code
    assert "name yours with --workspace" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


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


def test_a_full_disk_is_said_and_no_part_of_a_file_stays(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    with pytest.raises(Fault, match="No space left"):
        write_output("/dev/full", b"x" * 100_000)
    with pytest.raises(Misuse, match="no directory"):
        write_output(tmp_path / "absent" / "answer.xml", b"new")
    write_output(tmp_path / "answer.xml", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("answer.xml", b"new")]


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


def test_a_command_that_verifies_no_document_does_not_wait_for_the_verifier() -> None:
    """The verification of documents is a quarter of what opening a workspace would take otherwise."""
    code = "import sys, sotepki.workspace; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(eval(done.stdout)) & {
        "sotepki.documents",
        "sotepki.kela",
        "aiohttp",
        "pyhanko_certvalidator",
        "lxml",
    }


def test_a_closed_pipe_is_no_error() -> None:
    """``sotepki ... | head`` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m sotepki --help | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("cert profiles | true", 0),
        ("cert profiles --format json | head -1", 0),
        ("conformance list 2>&1 | true", 0),
        ("csr check no.csr --type server 2>&1 | true", 2),
    ],
)
def test_a_command_whose_reader_has_gone_ends_with_its_own_code(command: str, code: int) -> None:
    """``clock advance 1 | true`` moved the clock and ended as if it had been refused."""
    script = f"{sys.executable} -m sotepki {command}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("cert profiles >&-", 0),
        ("cert profiles <&- >&- 2>&-", 0),
        ("csr check - --type server <&-", 1),
        ("card pin verify 1 --which pin1 --workspace none 2>&- <&-", 2),
    ],
)
def test_a_stream_that_was_closed_is_an_empty_one(command: str, code: int, tmp_path: Path) -> None:
    """Services are started so by some managers; each command was a fault of ours there."""
    done = subprocess.run(
        f"{sys.executable} -m sotepki {command}", shell=True, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == code


def test_sigterm_ends_a_command_as_ctrl_c_does(command_that, capsys: pytest.CaptureFixture[str]) -> None:
    """A build server that cancels left half a workspace, temporary directories, and workers for ever."""
    cleared: list[str] = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            cleared.append("temporary directory")

    earlier = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        command_that(work)
        assert cli.run(["probe"]) == 130
    finally:
        signal.signal(signal.SIGTERM, earlier)
    assert cleared and "Interrupted" in capsys.readouterr().err


def test_a_current_directory_that_is_gone_is_named(
    command_that, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``The machine refused: No such file or directory.`` told nobody what to do."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    command_that(lambda: print(Path("ws").absolute()))
    assert cli.run(["probe"]) == 2
    assert "The current directory is gone; change to another one." in capsys.readouterr().err


def test_a_shell_can_complete_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has set up completion would get the help of sotepki at each press of the key."""
    monkeypatch.setenv("_SOTEPKI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "sotepki conf")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert cli.run([]) == 0
    assert capsys.readouterr().out == "plain,conformance\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cert", "profiles", ""], "There is no certificate profile ''"),
        (["conformance", "calendar", "--deployment", "9999-12-31"], "outside the calendar"),
        (["conformance", "calendar", "--testing", "0001-01-01"], "outside the calendar"),
        (["conformance", "calendar", "--notice", "30.4.2027"], "write 30.4.2027 as 2027-04-30"),
        (["init", "--workspace", "loop"], "links may lead in a circle"),
    ],
)
def test_a_slip_of_the_user_is_no_fault_of_ours(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who mistypes was told to set SOTEPKI_DEBUG and to report it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert cli.run(arguments) == 2
    assert said in capsys.readouterr().err


def test_text_of_others_cannot_command_the_terminal(command_that, capsys: pytest.CaptureFixture[str]) -> None:
    """A name in a certificate could clear the screen, colour an error green, or turn the line's direction."""
    evil = "Oy\x1b[2J\x9b1m\x07\rvalid\u202edilav\ud800"
    command_that(lambda: emit({"name": evil}, f"{evil}\nplain\tÄ€\r\n"))
    assert cli.run(["probe"]) == 0
    assert capsys.readouterr().out == "Oy\\u001b[2J\\u009b1m\\u0007\\u000dvalid\\u202edilav\\ud800\nplain\tÄ€\r\n\n"
    assert cli.run(["probe", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": evil}, "a program still gets every character"
    command_that(_raise(Refused(evil, rule="some.rule")))
    assert cli.run(["probe"]) == 1
    assert (
        capsys.readouterr().err
        == "sotepki: Oy\\u001b[2J\\u009b1m\\u0007\\u000dvalid\\u202edilav\\ud800 [some.rule]\n"
    )


def test_a_line_end_in_a_found_value_begins_no_line_of_ours() -> None:
    """A request whose common name has a line end could add a verdict of its own to the answer."""
    finding = {"severity": "error", "message": "m", "rule": "r", "expected": "", "advice": "", "grade": "confirmed"}
    lines = findings_text([finding | {"source": "s", "found": "kanta\nrequest.csr: valid"}])
    assert "\n" not in "".join(lines)
    assert "    found kanta\\u000arequest.csr: valid" in lines


def test_a_card_in_the_background_imports_nothing_from_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a directory with a file named as a module of Python's, that file would run in its place."""
    (tmp_path / "ws" / "cards").mkdir(parents=True)
    (tmp_path / "queue.py").write_text("print('HIJACKED')", encoding="ascii")
    (tmp_path / "sotepki.py").write_text("print('HIJACKED')", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert cli.run(["card", "insert", "9900000001", "--background", "--workspace", "ws"]) != 0
    said = capsys.readouterr().err
    assert said.startswith("sotepki: There is no "), "no card or, before that, no reader"
    assert "HIJACKED" not in said


def test_a_client_of_a_service_writes_no_lines_into_its_log() -> None:
    """A head that is no HTTP came into the log as it was, with a traceback of twelve lines around it."""
    lines = RequestLines("level=%(levelname)s %(message)s")
    record = logging.LogRecord("sotepki.scs", logging.INFO, "", 0, "path=%s", ("/a\nlevel=INFO\x1b[0m",), None)
    assert lines.format(record) == "level=INFO path=/a\\u000alevel=INFO\\u001b[0m"
    try:
        raise BadHttpMessage("Invalid header value char:\n\n  b'Cookie: secret'")
    except BadHttpMessage:
        raised = sys.exc_info()
    bad = logging.LogRecord("aiohttp.server", logging.ERROR, "", 0, "Error handling request from %s", ("x",), raised)
    assert lines.format(bad) == "level=INFO A client sent what is no HTTP."
    fault = logging.LogRecord("sotepki.scs", logging.ERROR, "", 0, "request failed", (), raised)
    assert "Traceback" in lines.format(fault), "our own faults are traced"


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "--keys", "9" * 20],
        ["init", "--keys", "-1"],
        ["audit", "list", "--last", "9" * 20],
        ["audit", "list", "--last", "-1"],
    ],
)
def test_a_number_beyond_reason_is_wrong_usage(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So many keys were begun and never ended; so many entries were a fault of ours."""
    assert cli.run([*arguments, "--workspace", str(tmp_path / "ws")]) == 2
    assert "is not in the range" in capsys.readouterr().err
    assert not (tmp_path / "ws").exists()
