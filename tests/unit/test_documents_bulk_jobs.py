"""What one document of an archive becomes: the row in the journal says what was done, when, and by which rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import document_world as world
import pytest
from bulk_world import signing_job
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.documents.bulk import BulkJournal, FileKey, Item, Opening, Placing, SigningJob, VerifyingJob
from sotepki.documents.bulk.jobs import work_on
from sotepki.documents.report import VerificationContext
from sotepki.errors import Misuse


@contextmanager
def trusting() -> Iterator[VerificationContext]:
    yield world.context()


@pytest.fixture
def job(tmp_path: Path) -> SigningJob:
    return signing_job(tmp_path)


def test_a_signed_document_has_its_file_its_digest_and_its_time_in_the_journal(job: SigningJob) -> None:
    """Whoever is asked years later which file was signed when has nothing else to look at."""
    (row,) = work_on(job, [Item("a.xml", "1", data=world.unsigned(author=None))])
    signed = Path(row.output).read_bytes()
    assert (row.digest, row.at) == (hashlib.sha256(signed).hexdigest(), world.NOW.isoformat())


def test_without_a_time_each_document_bears_the_moment_of_the_workspaces_clock(job: SigningJob) -> None:
    """A workspace that lives in March would sign for November."""
    offset = timedelta(days=-90)
    (row,) = work_on(replace(job, at=None, offset=offset), [Item("a.xml", "1", data=world.unsigned(author=None))])
    assert abs(datetime.now(UTC) + offset - datetime.fromisoformat(row.at)) < timedelta(minutes=5)


def test_a_journal_is_of_one_tree(job: SigningJob, tmp_path: Path) -> None:
    """Signing the same archive into another tree would write nothing there."""
    BulkJournal(tmp_path / "j.sqlite", job.describe()).close()
    for tree in (str(tmp_path / "elsewhere"), ""):
        with pytest.raises(Misuse, match="into was"):
            BulkJournal(tmp_path / "j.sqlite", replace(job, placing=Placing(tree)).describe())


@pytest.mark.parametrize("name", ["../a.xml", "x/../../a.xml", "/a.xml"])
def test_a_list_writes_nothing_outside_the_tree_either(job: SigningJob, tmp_path: Path, name: str) -> None:
    """A line ``../x.xml`` names a file beside the list, whose signed form would land beside the tree."""
    (row,) = work_on(job, [Item(name, "1", data=world.unsigned(author=None))])
    assert (row.outcome, row.rules) == ("failed", "doc.archive.name")
    assert not (tmp_path / "a.xml").exists()


def test_what_changed_since_is_done_again_and_what_did_not_is_not(job: SigningJob, tmp_path: Path) -> None:
    """A document that was replaced after the first run would keep the signature over its old text."""
    rows = work_on(job, [Item("a.xml", "1", data=world.unsigned(author=None))])
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        kept.record(rows)
        assert kept.pending({"a.xml": "1", "b.xml": "1"}) == {"b.xml"}
        assert kept.pending({"a.xml": "2"}) == {"a.xml"}
        Path(rows[0].output).unlink()
        assert kept.pending({"a.xml": "1"}) == {"a.xml"}


def test_a_key_of_another_kind_is_named_before_the_first_document(tmp_path: Path) -> None:
    """Not a traceback of the signing library for each document."""
    key = tmp_path / "key.pem"
    made = ed25519.Ed25519PrivateKey.generate()
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Misuse, match="neither RSA nor elliptic-curve"):
        FileKey(str(key)).open()


@pytest.mark.parametrize(
    ("changes", "verdict", "rules"),
    [
        ({}, "valid", ""),
        ({b"<hl7fi:recordStatus": b"<hl7fi:otherStatus"}, "valid", "doc.metadata"),
        (
            {b"<hl7fi:recordStatus": b"<hl7fi:otherStatus", b'"B64">': b'"B64">AAAA'},
            "invalid",
            "doc.digest.body",
        ),
    ],
)
def test_a_verified_document_has_the_rules_that_decided(
    changes: dict[bytes, bytes], verdict: str, rules: str
) -> None:
    """A table of thousands is sorted by this column: what failed a document stands there, or what is worth a look."""
    document = world.signed_by_system()
    for old, new in changes.items():
        assert old in document
        document = document.replace(old, new)
    (row,) = work_on(VerifyingJob(Opening(trusting)), [Item("a.xml", "1", data=document)])
    assert (row.verdict, row.rules, row.document_id) == (verdict, rules, str(world.DOCUMENT))
    assert bool(row.message) == bool(rules)
    assert row.signers == str(world.ORGANISATION.oid)
