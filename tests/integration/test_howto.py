"""Every page of docs/howto and docs/start is run word for word: who types what it says must see what it says.

The conventions of the pages are in docs/howto/README.md.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from databases import copy_workspace

from sotepki import cli
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    path for path in DOCS.glob("*/*.md") if path.parent.name in ("howto", "start") and path.stem != "README"
)
CARD_KEYS = 6
SECONDS = 120

_BLOCK = re.compile(r"^```console[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_FOR_A_SHELL = re.compile(r"[|&;<>$`*?()\n~]")
_NEW = re.compile(r"^(?:sotepki cert vectors|sotepki document corpus|sotepki init --workspace|cp -r \S+|mkdir) (\S+)")
"""What a command makes that must not be there yet."""
_EXIT = re.compile(r"\[exit ([0-9]+)\]")


@dataclass(frozen=True)
class Step:
    """One command of a page: where it stands, what it prints, how it ends."""

    line: int
    command: str
    expected: tuple[str, ...]
    exit_code: int


def steps_of(text: str) -> Iterator[Step]:
    """The commands of a page in order."""
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        lines = block[1].splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        assert starts and starts[0] == 0, f"line {first}: a console block begins with a command"
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            command, shown = [lines[start][2:]], lines[start + 1 : end]
            while shown and shown[0].startswith("> "):
                command.append(shown.pop(0)[2:])
            while shown and not shown[-1].strip():
                shown.pop()
            exit_code = 0
            if shown and (found := _EXIT.fullmatch(shown[-1].strip())):
                exit_code = int(found[1])
                shown.pop()
            yield Step(first + start, "\n".join(command), tuple(shown), exit_code)


def fits(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Whether lines are those that a page shows; ``...`` stands for anything."""
    patterns = []
    for line in expected:
        if line.strip() == "...":
            patterns.append(r"(?:[^\n]*\n)*?")
        else:
            patterns.append(".*?".join(map(re.escape, line.rstrip().split("..."))) + r"\n")
    return re.fullmatch("".join(patterns), "".join(f"{line.rstrip()}\n" for line in printed)) is not None


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("howto") / "workspace"
    with Workspace.create(directory, card_keys=CARD_KEYS):
        pass
    return directory


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_a_page_says_what_happens(page: Path, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list(steps_of(page.read_text(encoding="utf-8")))
    assert steps, f"{page.name} shows no command"
    workspace = copy_workspace(fresh, tmp_path / "workspace")
    commands = tmp_path / ".bin"
    commands.mkdir()
    # The program of this interpreter and this tree, whatever else is installed.
    for command, module in (("sotepki", "-m sotepki "), ("python", "")):
        (commands / command).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n', encoding="utf-8")
        (commands / command).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(page.resolve().parents[2]),
        "PYTHONUNBUFFERED": "1",
        "SOTEPKI_WORKSPACE": str(workspace),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "100",
    }.items():
        monkeypatch.setenv(name, value)
    for step in steps:
        exit_code, printed = in_this_process(step.command) if plain(step.command) else in_a_shell(step.command)
        where = f"docs/{page.parent.name}/{page.name}, line {step.line}: $ {step.command}"
        told = "\n".join([where, "--- the page shows", *step.expected, "--- it printed", *printed])
        assert exit_code == step.exit_code, f"exit code {exit_code} instead of {step.exit_code}\n{told}"
        assert fits(step.expected, printed), told


def test_the_first_steps_can_be_walked_in_one_desk() -> None:
    """Who had read one page would be told that a directory of the next is not empty, against docs/start/README.md."""
    makers: dict[str, str] = {}
    for page in (path for path in PAGES if path.parent.name == "start"):
        made = {name for step in steps_of(page.read_text(encoding="utf-8")) for name in _NEW.findall(step.command)}
        twice = {f"{name} of {makers[name]}" for name in made if name in makers}
        assert not twice, f"{page.name} makes anew what a page made before it: {', '.join(sorted(twice))}"
        makers |= dict.fromkeys(made, page.name)
    assert len(makers) >= 3, f"commands that want a new directory are not seen: {makers}"


def plain(command: str) -> bool:
    """Whether a command is one call of the program, with nothing in it that only a shell understands."""
    return command.startswith("sotepki ") and not _FOR_A_SHELL.search(command.replace("\\\n", " "))


def in_this_process(command: str) -> tuple[int, list[str]]:
    """Exit code and output of a call of the program, without the second that a new process takes to start."""
    kept = io.BytesIO()
    printed = io.TextIOWrapper(kept, encoding="utf-8", write_through=True)
    with redirect_stdout(printed), redirect_stderr(printed):
        exit_code = cli.run(shlex.split(command.replace("\\\n", " "))[1:])
    return exit_code, kept.getvalue().decode("utf-8").splitlines()


def in_a_shell(command: str) -> tuple[int, list[str]]:
    """Exit code and output of anything else that one types."""
    done = subprocess.run(
        [shutil.which("bash") or "/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout.decode("utf-8").splitlines()


@pytest.mark.parametrize(
    ("expected", "printed", "fit"),
    [
        ((), [], True),
        ((), ["x"], False),
        (("a ... c",), ["a b c"], True),
        (("a ... c",), ["a b", "c"], False),
        (("...", "c"), ["a", "b", "c"], True),
        (("...",), [], True),
        (("a", "..."), ["b", "a"], False),
        (("1.2",), ["1x2"], False),
    ],
)
def test_the_wildcard_is_no_more_than_it_says(expected: tuple[str, ...], printed: list[str], fit: bool) -> None:
    """A page could show anything and the test would agree."""
    assert fits(expected, printed) is fit


def test_a_page_is_read_as_its_conventions_say() -> None:
    text = "x\n\n```console\n$ a \\\n> b\nout\n[exit 1]\n$ c\n```\n\n```sh\n$ not run\n```\n"
    assert list(steps_of(text)) == [Step(4, "a \\\nb", ("out",), 1), Step(8, "c", (), 0)]
