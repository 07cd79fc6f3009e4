"""``sotepki right`` as a trainer types it: answers, exit codes, and one sentence for every mistake."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from databases import database_url
from registers_world import NOON, Registers, open_registers

from sotepki import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


@pytest.fixture
def run(registers: Registers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a workspace that has the registers only."""

    class Workspace:
        @staticmethod
        @contextmanager
        def open(_directory: Path) -> Iterator[Registers]:
            yield registers

    module = ModuleType("sotepki.workspace")
    module.Workspace = Workspace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sotepki.workspace", module)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["right", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def _json(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer[2]
    return json.loads(answer[1])


def test_a_right_is_granted_shown_removed_and_restored(registers: Registers, run: Run) -> None:
    hetu = registers.hetu("client-adult").value
    granted = _json(run("grant", "--hetu", hetu, "--code", "001", "--format", "json"))
    number = granted["registration_number"]
    assert [right["code"] for right in granted["in_force"]] == ["001"]
    assert granted["prescriber_id"]
    assert hetu not in json.dumps(granted)
    registers.advance(hours=1)
    assert _json(run("remove", number, "001", "--reason", "test", "--format", "json"))["in_force"] == []
    shown = _json(run("show", number, "--at", NOON.isoformat(), "--format", "json"))
    assert [right["code"] for right in shown["in_force"]] == ["001"]
    registers.advance(hours=1)
    restored = _json(run("restore", number, "001", "--reason", "appeal", "--format", "json"))
    assert len(restored["in_force"]) == 1
    assert len(restored["rights"]) == 2


def test_text_answers_tell_the_same(registers: Registers, run: Run) -> None:
    number = registers.number("restricted-physician").value
    code, out, _ = run("show", number)
    assert code == 0
    assert "Jääskeläpuro" in out and "restricted: 10 30" in out and "prescriber 099006" in out
    code, out, _ = run("lift", number, "001", "10", "--reason", "ended")
    assert code == 0 and "restricted: 30" in out
    code, out, _ = run("restrict", number, "001", "40", "--reason", "ward")
    assert code == 0 and "restricted: 30 40" in out
    code, out, _ = run("show", registers.number("nurse-whose-right-was-removed").value)
    assert code == 0 and "  none\nRemoved:\n" in out
    code, out, _ = run("codes")
    assert code == 0 and "034" in out and "Laillistettu erikoislääkäri" in out


def _groups(text: str) -> dict[str, list[str]]:
    """The codes under each heading of the text."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        if line.startswith("  "):
            found[list(found)[-1]].append(line.split()[0])
        else:
            found[line.split(" at ")[0].rstrip(":")] = []
    return found


def test_every_right_that_a_person_has_had_is_shown_and_stands_once(registers: Registers, run: Run) -> None:
    """An official would take a lapsed student for somebody without a past, and a right to come for none."""
    assert _groups(run("show", "00900000011")[1]) == {"In force": ["none"], "Expired": ["T20"]}
    nurse = registers.number("nurse").value
    _, out, _ = run("grant", "--hetu", registers.hetu("nurse").value, "--code", "T07", "--from", "2030-01-01")
    assert _groups(out) == {"In force": ["T06"], "To come": ["T07"]}
    _, out, _ = run("remove", nurse, "T06", "--reason", "x", "--at", "2026-12-01")
    assert _groups(out) == {"In force": ["T06"], "To come": ["T07"]}, "an announced removal has not taken effect"
    assert "removed 2026-11-30T22:00:00+00:00" in out
    for at, groups in {
        "2026-12-01": {"In force": ["none"], "To come": ["T07"], "Removed": ["T06"]},
        "2030-01-01": {"In force": ["T07"], "Removed": ["T06"]},
        "1990-01-01": {"In force": ["none"], "To come": ["T06", "T07"]},
    }.items():
        assert _groups(run("show", nurse, "--at", at)[1]) == groups, at


def test_a_past_moment_is_shown_without_what_was_decided_since(registers: Registers, run: Run) -> None:
    """A case would be decided on a restriction, or a removal, that did not exist on the day in question."""
    number = "00900000014"  # whose right was removed in 2020 and granted anew in 2022
    assert run("restrict", number, "001", "10", "--reason", "x")[0] == 0
    shown = _json(run("show", number, "--at", "2021-01-01", "--format", "json"))
    assert [right["restrictions"] for right in shown["rights"]] == [[], []]
    _, out, _ = run("show", number, "--at", "2021-01-01")
    assert _groups(out) == {"In force": ["none"], "To come": ["001"], "Removed": ["001"]}
    assert "restricted" not in out
    assert _groups(run("show", number, "--at", "2019-01-01")[1]) == {"In force": ["001"], "To come": ["001"]}


def test_the_public_search_prints_what_the_public_may_see(registers: Registers, run: Run) -> None:
    code, out, _ = run("search", "--surname", "Jääskeläpuro", "--given-names", "Kalervo")
    assert code == 0
    assert "born 1963" in out and "(restricted)" in out
    assert registers.hetu("restricted-physician").value not in out
    (entry,) = _json(run("search", "--number", registers.number("physician").value, "--format", "json"))
    assert entry["rights"] == [
        {
            "title": {"fi": "Laillistettu lääkäri", "sv": "Legitimerad läkare", "en": "Licensed physician"},
            "restricted": False,
        }
    ]
    assert run("search", "--surname", "Nobody", "--given-names", "At All")[1] == "Nobody was found.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["grant", "--hetu", "131052-308T", "--code", "001"], 1, "identifier.hetu.test-only"),
        (["grant", "--hetu", "rubbish", "--code", "001"], 1, "identifier.hetu.form"),
        (
            ["grant", "--hetu", "010181-900C", "--code", "001"],
            1,
            "the code '010181-****'. [valvira.person.exists]",
        ),
        (["grant", "--hetu", "010155-971Y", "--code", "nonsense"], 1, "valvira.code.known"),
        (["grant", "--hetu", "010155-971Y", "--code", "001", "--from", "yesterday"], 2, "--from"),
        (["grant", "--hetu", "010155-971Y", "--code", "001", "--until", "9999-12-31"], 1, "valvira.right.period"),
        (["grant", "--hetu", "010155-971Y", "--code", "001", "--from", "0001-01-01"], 1, "valvira.right.period"),
        (
            ["grant", "--hetu", "010155-971Y", "--code", "001", "--until", "31.5.2027"],
            2,
            "as 2027-05-31.",
        ),
        (["grant", "--hetu", "010155-971Y", "--code", "001", "--until", "2027-02-30"], 2, "Write YYYY-MM-DD, as in"),
        (["grant"], 2, "--hetu"),
        (["show", "123"], 1, "identifier.registration-number.form"),
        (["show", "00999999999"], 1, "valvira.person.known"),
        (["show", "00900000001", "--at", "soon"], 2, "not a moment"),
        (["show", "00900000001", "--at", "0001-01-01"], 2, "not a moment"),
        (["remove", "00900000001", "001"], 2, "--reason"),
        (["remove", "00900000001", "034", "--reason", "x"], 1, "valvira.right.held"),
        (
            ["remove", "00900000001", "001", "--reason", "x", "--at", "2020-01-01"],
            1,
            "01.01.2020 00:00 Finnish time",
        ),
        (["restrict", "00900000001", "001", "--reason", "x"], 2, "TARGETS"),
        (["restrict", "00900000001", "001", "99", "--reason", "x"], 1, "valvira.restriction.code"),
        (["lift", "00900000001", "001", "10", "--reason", "x"], 1, "valvira.restriction.held"),
        (["restore", "00900000001", "001", "--reason", "x"], 1, "valvira.right.removed"),
        (["search"], 1, "valvira.search.one-person"),
        (["search", "--surname", "A*", "--given-names", "B"], 1, "valvira.search.no-wildcards"),
        (["search", "--number", "\udcff"], 1, "identifier.registration-number.form"),
        (["grant", "--hetu", "010155-971Y", "--code", "\udcff"], 2, "UTF-8"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_rule_and_exit_code(
    run: Run, arguments: list[str], code: int, words: str
) -> None:
    answer = run(*arguments)
    assert answer[0] == code, answer
    assert words in answer[2]
    assert answer[1] == ""
    assert answer[2].startswith("sotepki: ") and answer[2].count("\n") == 1
    assert "fault of ours" not in answer[2]
