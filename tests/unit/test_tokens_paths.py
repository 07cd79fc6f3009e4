"""Where SoftHSM looks for tokens: in a directory whose path it can read, and which it reads whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sotepki.errors import Misuse
from sotepki.tokens.softhsm import require_place, write_configuration
from sotepki.tokens.storage import is_locked, try_lock


@pytest.mark.parametrize("name", ["a#b", "a=b", "a\nb", "a\rb", "#"])
def test_a_path_that_softhsm_cuts_gets_no_configuration(tmp_path: Path, name: str) -> None:
    """SoftHSM takes a part of it for the whole: the tokens of every such directory would lie in one place."""
    directory = tmp_path / name / "hsm"
    for refuse in (require_place, write_configuration):
        with pytest.raises(Misuse, match="SoftHSM cannot keep tokens in the directory"):
            refuse(directory)
    with pytest.raises(Misuse, match="SoftHSM cannot keep tokens"):
        write_configuration(tmp_path / "plain", final=directory)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_to_a_path_that_softhsm_cuts(tmp_path: Path) -> None:
    (tmp_path / "a#b").mkdir()
    (tmp_path / "plain").symlink_to("a#b")
    with pytest.raises(Misuse, match="a#b"):
        write_configuration(tmp_path / "plain")


def test_a_line_that_softhsm_reads_in_two_is_refused(tmp_path: Path) -> None:
    """Its buffer has 1024 octets; of a longer line the first part would be the path."""
    longest = 1024 - len("directories.tokendir = ") - len("/tokens\n")
    path = tmp_path.resolve()
    while (left := longest - len(str(path))) > 220:
        path = path / ("d" * 200)
    require_place(path / ("d" * (left - 1)))
    with pytest.raises(Misuse, match="1024 octets of a line"):
        require_place(path / ("d" * left))


@pytest.mark.parametrize("name", [b"a b", "\u00e4".encode(), b"100%", b"what?", b"\xff"])
def test_other_odd_paths_are_written_as_they_are(tmp_path: Path, name: bytes) -> None:
    directory = tmp_path / os.fsdecode(name)
    configuration = write_configuration(directory)
    assert b"directories.tokendir = " + os.fsencode(directory.resolve() / "tokens") in configuration.read_bytes()


def test_whether_a_lock_is_held_is_asked_without_making_or_taking_it(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()
    held = try_lock(tmp_path / "lock")
    assert held is not None and is_locked(tmp_path / "lock")
    held.close()
    assert not is_locked(tmp_path / "lock")
    again = try_lock(tmp_path / "lock")
    assert again is not None
    again.close()
