"""Second opinions: xmlsec1 and signxml on our documents and on the corpus, and why they differ."""

from __future__ import annotations

import builtins
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sotepki.cli import root as cli
from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.corpus import CorpusWorld, catalogue, made_document, write_corpus
from sotepki.documents.opinions import Opinion, Outcome, opinions_of
from sotepki.documents.verification import unread
from sotepki.errors import Misuse, Refused
from sotepki.evidence import Verdict

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed"),
]
BOTH = ("xmlsec1", "signxml")
GOOD = ("professional", "professional-ec", "system", "default-namespaces", "both")


@pytest.fixture(scope="module")
def world() -> CorpusWorld:
    return CorpusWorld()


def context(world: CorpusWorld) -> VerificationContext:
    return VerificationContext((world.root,), world.at, world.intermediates, revocation=False, profiles=False)


def opinions(world: CorpusWorld, document: bytes, *names: str) -> tuple[Opinion, ...]:
    found = context(world)
    return opinions_of(document, verify_document(document, found), found, names)


@pytest.mark.parametrize("base", [*GOOD, "health"])
def test_xmlsec1_accepts_all_our_good_signatures(world: CorpusWorld, base: str) -> None:
    """Also the XPath form, which xmlsec1 runs with a real XPath engine: our reading of it is the standard's."""
    for opinion in opinions(world, world.bases[base], "xmlsec1"):
        assert (opinion.accepts, opinion.agrees) == (True, True), opinion.text()


@pytest.mark.parametrize("base", GOOD)
def test_signxml_accepts_all_our_good_signatures(world: CorpusWorld, base: str) -> None:
    """A third reading of the standard, in Python."""
    for opinion in opinions(world, world.bases[base], "signxml"):
        assert (opinion.accepts, opinion.agrees) == (True, True), opinion.text()


def test_the_valid_part_of_the_corpus_is_valid_for_xmlsec1(world: CorpusWorld) -> None:
    """If xmlsec1 refused a document that the corpus calls valid, the corpus would need a reason."""
    refused = {}
    for entry in catalogue().values():
        if entry.verdict is Verdict.VALID:
            for opinion in opinions(world, made_document(entry, world), "xmlsec1"):
                if not opinion.accepts:
                    refused[entry.id] = opinion.reason
    assert set(refused) <= {"valid.inclusive", "valid.chain"}, refused


@pytest.mark.parametrize("entry_id", [e.id for e in catalogue().values() if e.group == "b-changes"])
def test_everybody_refuses_what_was_changed_after_signing(world: CorpusWorld, entry_id: str) -> None:
    """Digest and value are plain cryptography; here no verifier may differ."""
    document = made_document(catalogue()[entry_id], world)
    told = opinions(world, document, "xmlsec1")
    assert any(opinion.accepts is False for opinion in told) or "encoded-twice" in entry_id, told


def test_disagreement_is_explained(world: CorpusWorld) -> None:
    """Wrapping, key usage and XPath: who differs learns why."""
    made = {key: made_document(catalogue()[key], world) for key in
            ("key.both-usages", "reference.third", "structure.object", "valid.sha1")}  # fmt: skip
    usage = opinions(world, made["key.both-usages"], "xmlsec1")[0]
    assert usage.accepts and usage.agrees and "doc.key-usage" in usage.explanation
    third = opinions(world, made["reference.third"], "signxml")[0]
    assert third.agrees is False or third.accepts is False
    form = opinions(world, made["structure.object"], "xmlsec1")[0]
    assert form.accepts and form.agrees is False and "dsig.form" in form.explanation
    old = opinions(world, made["valid.sha1"], "signxml")[0]
    assert old.accepts is False and "SHA-1" in old.explanation
    health = opinions(world, world.bases["health"], "signxml")[0]
    assert health.accepts is not None
    assert health.accepts or health.explanation


def test_unsigned_documents_and_unknown_names(world: CorpusWorld) -> None:
    """Nothing to ask about is said; a wrong name is a wrong usage."""
    told = opinions(world, world.bases["unsigned"], "xmlsec1")[0]
    assert (told.outcome, told.accepts, told.agrees) == (Outcome.UNSIGNED, None, None)
    assert told.text() == "xmlsec1: was not asked. The document has no signature."
    with pytest.raises(Misuse, match="xmlsec1, signxml"):
        opinions(world, world.bases["professional"], "nobody")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"<ClinicalDocument", b"<!DOCTYPE x><ClinicalDocument", "xml.dtd"),
        (b"signatureTimestamp", b"signatureMoment", "doc.signature.structure"),
        (b"localSocialHeader", b"localAsocialHeader", "doc.structure"),
    ],
)
def test_a_document_refused_for_its_structure_is_told_apart_from_an_unsigned_one(
    world: CorpusWorld, old: bytes, new: bytes, rule: str
) -> None:
    """Who counts opinions must not read "nobody was asked" as "the verifier is silent" or as "not signed"."""
    for told in opinions(world, world.bases["professional"].replace(old, new), *BOTH):
        assert (told.outcome, told.accepts, told.signature) == (Outcome.STRUCTURE, None, 0)
        assert rule in told.explanation and "for its structure" in told.text()


@pytest.mark.parametrize("rule", ["doc.family", "frame.structure"])
def test_what_is_no_document_at_all_is_told_by_its_rule(world: CorpusWorld, rule: str) -> None:
    """The sentence would end with a colon, where the reason was to come."""
    report = unread(Refused("There is no document in it.", rule=rule))
    (told,) = opinions_of(b"<a/>", report, context(world), ["xmlsec1"])
    assert told.outcome is Outcome.STRUCTURE and told.text().endswith(f"before any signature: {rule}.")


def test_absent_verifiers_are_said_kindly(world: CorpusWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """signxml is no dependency, xmlsec1 a program of the system."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("signxml"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setenv("PATH", "/nonexistent")
    told = opinions(world, world.bases["professional"], *BOTH)
    assert [opinion.outcome for opinion in told] == [Outcome.NO_ANSWER, Outcome.NO_ANSWER]
    assert all("not installed" in opinion.reason for opinion in told)


def test_a_verifier_that_is_ended_by_a_signal_has_not_refused(
    world: CorpusWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """xmlsec1 1.2.37 breaks down on nested entities; who reads that as a refusal believes a crash."""
    program = tmp_path / "xmlsec1"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    told = opinions(world, world.bases["professional"], "xmlsec1")[0]
    assert told.outcome is Outcome.NO_ANSWER
    assert "signal 11" in told.reason


def test_the_command_line_asks_both(tmp_path: Path) -> None:
    """--also xmlsec1,signxml beside our own verdict."""
    index = write_corpus(tmp_path)
    arguments = ["document", "verify", str(tmp_path / "documents" / "valid.both.xml"), "--trust",
                 str(tmp_path / index["trust"]), "--intermediates", str(tmp_path / index["intermediates"]), "--at",
                 index["at"], "--no-revocation", "--also", "xmlsec1,signxml", "--format", "json"]  # fmt: skip
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    row = json.loads(done.output)
    assert [(one["verifier"], one["accepts"]) for one in row["opinions"]] == [(n, True) for n in BOTH for _ in (1, 2)]
