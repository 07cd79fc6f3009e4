"""Private cases: what a vendor's folder adds, and what a mistake in it does."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from conformance import CaseVerdict, Selection
from conformance.catalogue import catalogue
from conformance.declaring import Area
from conformance.extending import Extension
from conformance.requirements import Phase
from conformance.running import RunOptions, run
from conformance.scaffolding import NewCase, scaffold
from conformance.sut.facets import SystemUnderTest
from sotepki.cli import run as sotepki
from sotepki.errors import Misuse

SUT = SystemUnderTest("Fake TEST", "files")


def new(directory: Path, case_id: str = "own.rule") -> list[Path]:
    return scaffold(NewCase(case_id, 'A "quoted" title', Area.VERIFICATION, Phase.SUPPLIER), directory)


def test_a_new_case_is_found_with_its_requirement_and_its_mutant(tmp_path: Path) -> None:
    assert {p.name for p in new(tmp_path)} == {"case_own_rule.py", "own_rule.yaml", "test_own_rule.py", "mutants.py"}
    new(tmp_path, "own.other-rule")
    extension = Extension.load(tmp_path)
    assert extension.faults == ()
    assert [c.id for c in extension.cases] == ["own.other-rule", "own.rule"]
    assert {m.id for m in extension.mutants} == {"own-rule-broken", "own-other-rule-broken"}
    assert set(extension.requirements) == {"own.rule", "own.other-rule"}


def test_private_cases_run_beside_those_of_the_suite(tmp_path: Path) -> None:
    new(tmp_path / "own", "own.beside")
    options = RunOptions(extension=Extension.load(tmp_path / "own"))
    selection = Selection(cases=frozenset({"own.beside", "csr.server.form"}))
    summary = run(SUT, tmp_path / "report", selection=selection, options=options)
    assert {r.case: r.verdict for r in summary.results} == dict.fromkeys(
        ("csr.server.form", "own.beside"), CaseVerdict.SKIP
    )
    assert "own.beside" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("case_bad_a.py", "def broken(:\n", "case_bad_a.py cannot be read: invalid syntax, line 1"),
        ("case_bad_b.py", "x = 1\nraise RuntimeError('no')\n", "RuntimeError: no, line 2"),
        ("case_bad_c.py", "import nothing_of_this_name\n", "ModuleNotFoundError"),
        ("json.py", "x = 1\n", "bears the name of a Python module"),
        ("this.py", "x = 1\n", "bears the name of a Python module"),
        ("wrong.yaml", "own.x: 5\n", "must be a mapping"),
        ("broken.yaml", "own: [", "cannot be used"),
    ],
)
def test_a_mistake_is_named_and_the_other_files_are_used(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """A vendor who mistypes one file gets a report that says so, not a traceback."""
    new(tmp_path / "own", "own.good")
    (tmp_path / "own" / name).write_text(text, encoding="utf-8")
    extension = Extension.load(tmp_path / "own")
    assert sentence in " ".join(extension.faults)
    chosen = Selection(cases=frozenset({"csr.server.form"}))
    summary = run(SUT, tmp_path / "report", selection=chosen, options=RunOptions(extension=extension))
    assert (summary.exit_code, summary.faults) == (3, extension.faults)
    assert (tmp_path / "report" / "report.json").is_file()


def test_a_file_named_like_a_module_is_not_taken_for_it_by_other_processes(tmp_path: Path) -> None:
    """The workers of a run inherit the import path; with the folder in front they could not even read JSON."""
    new(tmp_path / "own", "own.good")
    (tmp_path / "own" / "json.py").write_text("x = 1\n", encoding="utf-8")
    Extension.load(tmp_path / "own")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as worker:
        assert worker.submit(json.loads, "[1]").result() == [1]


def test_what_cannot_be_scaffolded_gets_a_sentence(tmp_path: Path) -> None:
    new(tmp_path)
    for case_id, sentence in (
        ("Own Rule", "no id of a case"),
        ("../own", "no id of a case"),
        (catalogue()[0].id, "already"),
        ("own.rule", "is there already"),
    ):
        with pytest.raises(Misuse, match=sentence):
            new(tmp_path, case_id)
    with pytest.raises(Misuse, match="There is no folder"):
        Extension.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Misuse, match="holds no case"):
        Extension.load(tmp_path / "empty")


@pytest.mark.parametrize("title", ["Sender: signs again # twice", "yes", "- {a}: 'b' \"c\"", "'Allekirjoitus'"])
def test_any_title_makes_a_case_that_can_be_used(tmp_path: Path, title: str) -> None:
    """A title with a colon wrote a requirement that is not YAML, and the new case could not be run."""
    scaffold(NewCase("own.titled", title, Area.VERIFICATION, Phase.SUPPLIER), tmp_path)
    extension = Extension.load(tmp_path)
    assert extension.faults == ()
    assert extension.requirements["own.titled"].text == title.replace('"', "'") + "."


def test_a_file_that_cannot_be_used_is_told_where_its_case_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who mistyped the file of a case read that there is no such case, and looked for the fault in its name."""
    new(tmp_path, "own.good")
    (tmp_path / "case_own_bad.py").write_text("def broken(:\n", encoding="utf-8")
    told = "The file case_own_bad.py cannot be read: invalid syntax, line 1."
    assert sotepki(["conformance", "list", "--cases", str(tmp_path)]) == 0
    listed = capsys.readouterr()
    assert told in listed.err and "own.good" in listed.out
    (tmp_path / "sut.toml").write_text("[csrs]\nserver = 'x.csr'\n", encoding="utf-8")
    how = ["--sut", str(tmp_path / "sut.toml"), "--report", str(tmp_path / "out"), "--cases", str(tmp_path)]
    assert sotepki(["conformance", "run", *how, "--case", "own.bad"]) == 2
    assert told in capsys.readouterr().err
