"""The mutation corpus: what its index says is what our verifier says, and other verifiers can be run on it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from sotepki.cli import root as cli
from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.corpus import (
    CorpusWorld,
    Entry,
    Importance,
    catalogue,
    made_document,
    run_verifier,
    score,
    write_corpus,
)
from sotepki.documents.report import all_rules
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Verdict

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "corpus.schema.json"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("corpus")
    return directory, write_corpus(directory)


def test_the_command_line_says_of_every_document_what_the_index_says(written: tuple[Path, dict[str, Any]]) -> None:
    """A vendor who runs the command on the corpus sees the index again; rule by rule, not only by verdict."""
    directory, index = written
    root, issuers = str(directory / index["trust"]), str(directory / index["intermediates"])
    arguments = ["document", "verify", str(directory / "documents"), "--format", "json", "--no-revocation",
                 "--trust", root, "--intermediates", issuers, "--at", index["at"], "--no-diagnosis",
                 "--workspace", str(directory / "nowhere")]  # fmt: skip
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    rows = {Path(row["file"]).name: row for row in json.loads(result.output)}
    assert len(rows) == len(index["documents"])
    wrong = []
    for entry in index["documents"]:
        row = rows[Path(entry["file"]).name]
        rules = {finding["rule"] for finding in row["findings"]}
        if row["verdict"] != entry["verdict"] or (entry["rule"] and entry["rule"] not in rules):
            wrong.append((entry["id"], entry["verdict"], entry["rule"], row["verdict"], sorted(rules)))
    assert wrong == []


def test_the_index_keeps_its_schema(written: tuple[Path, dict[str, Any]]) -> None:
    """Other people's tools read the index; what they rely on stays as the schema says."""
    directory, index = written
    jsonschema.validate(index, json.loads(SCHEMA.read_text()))
    assert json.loads((directory / "index.json").read_text()) == index
    assert len(index["documents"]) >= 120
    assert all((directory / row["file"]).is_file() for row in index["documents"])


def test_the_corpus_has_all_attacks_and_enough_good_documents() -> None:
    """A verifier that refuses everything, or accepts everything, must not look good."""
    verdicts = Counter(entry.verdict for entry in catalogue().values())
    assert verdicts[Verdict.VALID] >= 30
    assert verdicts[Verdict.INVALID] >= 100
    critical = [entry for entry in catalogue().values() if entry.importance is Importance.CRITICAL]
    assert len(critical) >= 60
    assert all(entry.verdict is not Verdict.VALID for entry in critical)
    known = set(all_rules().rules)
    assert all(not e.rule or e.rule in known or e.rule.startswith("path.") for e in catalogue().values())


def test_every_document_is_different() -> None:
    """An entry whose steps have no effect would count twice."""
    world = CorpusWorld()
    documents = [made_document(entry, world) for entry in catalogue().values()]
    assert len(set(documents)) == len(documents)


def test_every_refused_document_gives_out_no_content() -> None:
    """What is not valid because of its content may not hand a body to a caller who forgets the verdict."""
    world = CorpusWorld()
    context = VerificationContext((world.root,), world.at, world.intermediates, revocation=False, profiles=False)
    bodies = {verify_document(base, context).body_octets for base in world.bases.values()}
    for entry in catalogue().values():
        report = verify_document(made_document(entry, world), context)
        if not {"resign", "signed-by"} & {name for name, _ in entry.steps}:
            assert report.body_octets is None or report.body_octets in bodies, entry.id
        if entry.rule.startswith(_BROKEN) and entry.base not in ("both", "parallel"):
            assert report.verdict is Verdict.VALID or report.body_octets is None, entry.id


_BROKEN = ("dsig.", "doc.digest", "doc.coverage", "doc.structure", "doc.body", "xml.")


def test_a_program_is_run_and_scored(written: tuple[Path, dict[str, Any]]) -> None:
    """The contract of docs/signature-corpus.md: a document on standard input, JSON or an exit code back."""
    directory, index = written
    few = {**index, "documents": [row for row in index["documents"] if row["group"] == "a-valid"][:3]
           + [row for row in index["documents"] if row["group"] == "c-wrapping"][:3]}  # fmt: skip
    by_json = "import sys,json; d=sys.stdin.buffer.read(); print(json.dumps({'verdict': 'valid'}))"
    naive = score(few, directory, run_verifier([sys.executable, "-c", by_json]))
    assert [answer.right for answer in naive.answers] == [True] * 3 + [False] * 3
    assert naive.as_dict()["right"] == 3
    strict = score(few, directory, run_verifier([sys.executable, "-c", "raise SystemExit(1)"]))
    assert [answer.right for answer in strict.answers] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ([sys.executable, "-c", "print('no json')"], "no JSON"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "signal 9"),
        ([sys.executable, "-c", "import time; time.sleep(9)"], "no answer"),
        (["/does/not/exist"], "does not start"),
    ],
)
def test_a_verifier_that_breaks_has_not_given_a_verdict(program: list[str], problem: str) -> None:
    """A crash is neither a refusal nor an acceptance."""
    verdict, said = run_verifier(program, 1.5)(b"<a/>")
    assert verdict is None
    assert problem in said


def test_a_catalogue_with_a_slip_is_a_fault_with_the_entry_named() -> None:
    """A typo in the data must not make a document that proves nothing."""
    world = CorpusWorld()

    def entry(*steps: tuple[str, Any], base: str = "professional") -> Entry:
        return Entry("x.y", "x", base, "slip", Verdict.VALID, "", Importance.LOW, steps)

    for faulty in (
        entry(("no-such-step", None)),
        entry(("replace", ["nowhere-to-be-found", ""])),
        entry(("set", ["//h:nothing", "a", "b"])),
        entry(base="no-such-base"),
    ):
        with pytest.raises(Fault, match=r"x\.y"):
            made_document(faulty, world)


def test_the_commands_write_and_score_a_corpus(tmp_path: Path) -> None:
    """From the command line, as docs/signature-corpus.md says."""
    out = tmp_path / "corpus"
    done = CliRunner().invoke(cli, ["document", "corpus", str(out), "--format", "json"], standalone_mode=False)
    assert done.exception is None, done.exception
    index = json.loads((out / "index.json").read_text())
    index["documents"] = index["documents"][:2]
    (out / "index.json").write_text(json.dumps(index))
    arguments = ["document", "score", str(out), "--format", "json", "--", sys.executable, "-c", "pass"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    assert json.loads(done.output)["right"] == 2
    done = CliRunner().invoke(cli, ["document", "score", str(out), "no-such-program"], standalone_mode=False)
    assert isinstance(done.exception, Misuse), "a program that is not there is no verifier that is always wrong"
