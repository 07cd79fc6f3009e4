"""The JSON that other programs build on keeps its published shape (docs/schemas/check.schema.json)."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from sotepki import cli
from sotepki.journey import make_request
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shapes")
    assert cli.run(["init", "--keys", "0", "--workspace", str(directory / "ws")]) == 0
    make_request(directory, "request", {"C": "FI", "O": "X", "OU": "Y", "CN": "a.test.example"})
    (directory / "no.xml").write_text("<a/>")
    return directory


@pytest.mark.parametrize(
    "arguments",
    [
        ["cert", "lint", "ws/published/ca/dvvtshp2rc.crt"],
        ["cert", "lint", "ws/published/ca/dvvtshp2rc.crt", "ws/published/ca/dvvtest3rc.crt"],
        ["cert", "verify", "ws/published/ca/dvvtshp2rc.crt", "--workspace", "ws", "--purpose", "tls-server"],
        ["csr", "check", "request.csr", "--type", "server"],
        ["csr", "check", "no.xml", "--type", "system-signature"],
        ["document", "verify", "no.xml", "--workspace", "ws"],
        ["document", "verify", "no.xml", "request.csr", "--workspace", "ws"],
    ],
)
def test_an_answer_fits_its_schema(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(place)
    code = cli.run([*arguments, "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    schema = json.loads((SCHEMAS / "check.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(answer, schema)
    rows = answer if isinstance(answer, list) else [answer]
    assert code == (0 if all(row["verdict"] == "valid" for row in rows) else 1)


def test_profiles_and_cases_list_what_they_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cert", "profiles", "--format", "json"]) == 0
    profiles = json.loads(capsys.readouterr().out)
    assert all({"id", "title", "rows"} <= set(profile) for profile in profiles)
    assert all({"id", "rule", "source", "grade"} <= set(row) for profile in profiles for row in profile["rows"])
    assert cli.run(["conformance", "list", "--format", "json"]) == 0
    cases = json.loads(capsys.readouterr().out)
    assert all({"id", "title", "area", "phase", "requirements", "mutants"} <= set(case) for case in cases)
    assert all(case["requirements"] and case["mutants"] for case in cases)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["registration-point", "list", "--state", "opened"], 2, "no state 'opened'. States: applied, planned"),
        (["registration-point", "list", "--state", "closed"], 0, "Nothing was found."),
        (["kanta", "requests", "--environment", "nope"], 2, "no environment 'nope'. Environments: current, next."),
        (["kanta", "requests", "--environment", "next"], 0, "Nothing was found."),
        (["kanta", "requests"], 0, "No request yet."),
        (["joint-testing", "approved", "--system", "nope"], 0, "Nothing was found."),
        (["card", "list", "--kind", "actor"], 0, "Nothing was found."),
        (["contract", "list", "--organisation", "1.2.246.10.99000018.10.0"], 0, "Nothing was found."),
        (["service-certificate", "list", "--state", "draft"], 0, "Nothing was found."),
        (["card", "spare", "list", "--point", "nope"], 0, "Nothing was found."),
    ],
)
def test_a_filter_that_matches_nothing_does_not_say_that_there_are_none(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    """A slip in the filter looked like an empty register."""
    assert cli.run([*arguments, "--workspace", str(place / "ws")]) == code
    captured = capsys.readouterr()
    assert said in (captured.err if code else captured.out)


def test_a_subject_from_outside_adds_no_line_to_the_journal_as_it_is_printed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The id of a message is its sender's choice; with a line end in it, an entry could be made to appear."""
    monkeypatch.chdir(place)
    with Workspace.open(place / "ws") as workspace, workspace.records.change(office="kela", actor="test") as tx:
        tx.journal("request", "id\n   999  2026-01-01T00:00:00+00:00  dvv: card-closed 1\x1b[0m")
    assert cli.run(["audit", "list", "--last", "1", "--workspace", "ws"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "id\\u000a" in line and line.endswith("\\u001b[0m")
