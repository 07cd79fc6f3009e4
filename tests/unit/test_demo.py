"""Where the demo puts its workspace."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from sotepki.cli import demo, root
from sotepki.errors import Misuse
from sotepki.workspace import Workspace

NOW = datetime(2026, 3, 2, 9, 30, 15)


class Reached(Exception):
    """The workspace would be made now."""


@pytest.mark.parametrize(("named", "begins"), [(".", "here-demo-"), ("..", "there-demo-"), ("new", "here/new-demo-")])
def test_the_demo_stands_beside_the_named_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, begins: str
) -> None:
    """'sotepki demo --workspace .' ended with a traceback, and '..' made a directory inside the working one."""
    place = tmp_path / "there" / "here"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    made: list[Path] = []

    def create(directory: Path, **_: object) -> None:
        made.append(directory)
        raise Reached

    monkeypatch.setattr(Workspace, "create", create)
    outcome = CliRunner().invoke(root, ["demo", "--workspace", named], standalone_mode=False)
    assert isinstance(outcome.exception, Reached)
    top = place.parent.parent if named == ".." else place.parent
    assert str(made[0].relative_to(top)).startswith(begins)
    assert not made[0].exists(), "nothing is left of a workspace that could not be made"


def test_the_demo_of_a_link_stands_beside_the_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--help says beside the directory that is named, not beside where it leads."""
    (tmp_path / "far" / "ws").mkdir(parents=True)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far" / "ws")
    made: list[Path] = []

    def create(directory: Path, **_: object) -> None:
        made.append(directory)
        raise Reached

    monkeypatch.setattr(Workspace, "create", create)
    CliRunner().invoke(root, ["demo", "--workspace", str(tmp_path / "near" / "link")], standalone_mode=False)
    assert made[0].parent == tmp_path / "near"


def test_beside_the_root_there_is_no_place() -> None:
    """'sotepki demo --workspace /' ended with a traceback."""
    with pytest.raises(Misuse, match="no place"):
        demo._new_directory(Path("/"), NOW)


def test_demos_of_one_second_have_a_directory_each(tmp_path: Path) -> None:
    """Two trainees on one machine begin together, and the second was told that a workspace is there already."""
    made = [demo._new_directory(tmp_path / "ws", NOW).name for _ in range(3)]
    assert made == ["ws-demo-20260302-093015", "ws-demo-20260302-093015-2", "ws-demo-20260302-093015-3"]
