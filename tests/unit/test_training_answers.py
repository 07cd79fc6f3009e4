"""What is handed in at the command line reaches the check as the kind of answer that the task takes."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sotepki import cli
from sotepki.cli import training as commands
from sotepki.training import find_task
from sotepki.training.showing import Look, Shown
from sotepki.workspace import Workspace

PEM = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"
ANSWERS = {
    "text": ("which-answer-to-repeat", "AR\n", "AR"),
    "a number": ("question-of-the-minister", " 42\r\n", "42"),
    "a day": ("when-to-renew", "\ufeff2027-03-31\n", "2027-03-31"),
    "a list": ("what-a-system-may-know", '["10", "30"]\n', ["10", "30"]),
    "bytes": ("request-ready-to-send", PEM, PEM.encode()),
}


@pytest.fixture
def handed_in(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What checks were given; each of them says that the task is done."""
    given: list[Any] = []

    def check(answer: Any) -> Shown:
        given.append(answer)
        return Shown("Done", [], Look.DONE, done=True)

    def opened(_workspace: Workspace, task_id: str, *_who: str) -> object:
        return SimpleNamespace(task=find_task(task_id), check=check)

    monkeypatch.setattr(Workspace, "open", lambda _directory: nullcontext())
    monkeypatch.setattr(commands, "_open", opened)
    return given


@pytest.mark.parametrize("way", ["--answer", "--answer-file", "-"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_read_by_the_kind_that_the_task_takes(
    kind: str, way: str, handed_in: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right answer in a file would be refused with 'Hand in a list of codes', and a pasted request as no bytes."""
    name, written, meant = ANSWERS[kind]
    (tmp_path / "answer").write_bytes(written.encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(written.encode())))
    where = {"--answer": written, "--answer-file": str(tmp_path / "answer"), "-": "-"}[way]
    option = "--answer" if way == "--answer" else "--answer-file"
    assert cli.run(["training", "check", name, option, where]) == 0
    assert handed_in == [meant]


def test_what_is_no_text_reaches_the_check_as_it_is(handed_in: list[Any], tmp_path: Path) -> None:
    """The two status bytes of a card are a right answer; a picture would be told as an error inside the program."""
    (tmp_path / "answer").write_bytes(b"\x6a\x80")
    assert cli.run(["training", "check", "nine-digits", "--answer-file", str(tmp_path / "answer")]) == 0
    assert handed_in == [b"\x6a\x80"]
