"""What a source gives: every document of it once, under a name that can be printed, or a row that says why not."""

from __future__ import annotations

import io
import os
import pickle
import platform
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import document_world as world
import pytest
from bulk_world import signing_job
from click.testing import CliRunner

from sotepki.cli import root as cli
from sotepki.documents.bulk import (
    BulkJournal,
    Item,
    Opening,
    Placing,
    Row,
    SigningJob,
    VerifyingJob,
    clear_parts,
    open_source,
    run_bulk,
)
from sotepki.documents.bulk.jobs import forget, work_on
from sotepki.documents.report import VerificationContext
from sotepki.errors import Misuse
from sotepki.identifiers import Oid

FIRST = world.unsigned(author=None)
SECOND = world.unsigned(author=None, document_oid=Oid("1.2.246.10.12345671.93.2026.2"))


@pytest.fixture
def job(tmp_path: Path) -> SigningJob:
    return signing_job(tmp_path)


def rows_of(job: SigningJob, source: Path, journal: Path) -> dict[str, Row]:
    with BulkJournal(journal, job.describe()) as kept:
        run_bulk(job, open_source(source), kept, processes=1)
        return {row.name: row for row in kept.rows()}


def tar(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as packed:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


def zipped(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members:
            packed.writestr(zipfile.ZipInfo(name), data)
    return path


def listed(path: Path, members: list[tuple[str, bytes]]) -> Path:
    for name, data in members:
        (path.parent / name).write_bytes(data)
    path.write_text("".join(f"{name}\n" for name, _ in members))
    return path


def test_a_tar_that_ends_in_a_zip_is_still_a_tar(tmp_path: Path) -> None:
    """Nothing of it was done, and the command said that all went well."""
    inner = zipped(tmp_path / "inner.zip", [("x.txt", b"x")])
    outer = tar(tmp_path / "a.tar", [("a.xml", FIRST), ("inner.zip", inner.read_bytes())])
    assert [item.name for item in open_source(outer)] == ["a.xml"]


@pytest.mark.parametrize("make", [tar, zipped, listed])
def test_a_source_without_a_document_is_a_mistake(tmp_path: Path, make: Callable[..., Path]) -> None:
    """Somebody forgot --pattern or named the wrong directory, and would take 'nothing failed' for done."""
    members = [] if make is listed else [("a.txt", b"x")]
    for source in (make(tmp_path / "source", members), tmp_path):
        with pytest.raises(Misuse, match=r"There is no document called|names no file"):
            list(open_source(source))


@pytest.mark.parametrize("make", [tar, zipped, listed])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_second_of_two_documents_of_one_name_is_not_lost(
    tmp_path: Path, job: SigningJob, make: Callable[..., Path]
) -> None:
    """One of them was left out, or written over by the other, and counted as done."""
    source = make(tmp_path / "source", [("a.xml", FIRST), ("./a.xml", SECOND), ("a.xml", SECOND), ("b.xml", FIRST)])
    if make is listed:
        (tmp_path / "a.xml").write_bytes(FIRST)
    rows = rows_of(job, source, tmp_path / "j.sqlite")
    assert [rows.pop(name).outcome for name in ("a.xml", "b.xml")] == ["done", "done"]
    assert [(row.outcome, row.rules) for row in rows.values()] == [("failed", "doc.archive.member")] * 2
    assert all(name.endswith(("#2", "#3")) for name in rows)
    assert str(world.DOCUMENT).encode() in (tmp_path / "out/a.xml").read_bytes()


def test_a_real_name_with_a_number_is_not_mistaken_for_a_second_document(tmp_path: Path) -> None:
    """Names may hold anything; each row of the journal is of one document."""
    members = [("a#2", b"1"), ("a", b"2"), ("a", b"3"), ("a", b"4")]
    assert [item.name for item in open_source(tar(tmp_path / "a.tar", members), "*")] == ["a#2", "a", "a#2#2", "a#3"]


def test_links_in_a_tar_are_not_left_out_without_a_word(tmp_path: Path, job: SigningJob) -> None:
    """A backup holds the second of two equal files as a link; nobody would miss it for years."""
    source = tmp_path / "a.tar"
    with tarfile.open(source, "w") as packed:
        member = tarfile.TarInfo("a.xml")
        member.size = len(FIRST)
        packed.addfile(member, io.BytesIO(FIRST))
        for name, kind in (
            ("hard.xml", tarfile.LNKTYPE),
            ("soft.xml", tarfile.SYMTYPE),
            ("fifo.xml", tarfile.FIFOTYPE),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a.xml"
            packed.addfile(link)
    rows = rows_of(job, source, tmp_path / "j.sqlite")
    assert [rows[name].rules for name in ("hard.xml", "soft.xml", "fifo.xml")] == ["doc.archive.member"] * 3
    assert all("link to a.xml; pack the file itself" in rows[name].message for name in ("hard.xml", "soft.xml"))


def test_what_changed_in_a_new_tar_is_done_again(tmp_path: Path, job: SigningJob) -> None:
    """Reproducible archives give every member one time, and another document may have the same length."""
    assert len(FIRST) == len(SECOND)
    signed = []
    for data in (FIRST, SECOND):
        rows_of(job, tar(tmp_path / "a.tar", [("a.xml", data)]), tmp_path / "j.sqlite")
        signed.append((tmp_path / "out/a.xml").read_bytes())
    assert b"93.2026.2" in signed[1] and signed[0] != signed[1]


@pytest.mark.parametrize("beside", [False, True])
def test_a_name_that_is_not_utf8_is_signed_like_any_other(tmp_path: Path, job: SigningJob, beside: bool) -> None:
    """Names of an old system in Latin-1 ended the whole batch as a fault of ours, at every run."""
    archive = tmp_path / "in"
    (archive / os.fsdecode(b"d\xe4")).mkdir(parents=True)
    (archive / os.fsdecode(b"d\xe4/p\xe4.xml")).write_bytes(FIRST)
    job = SigningJob(job.key, job.certificate, Placing() if beside else job.placing, at=world.NOW)
    rows = rows_of(job, archive, tmp_path / "j.sqlite")
    assert [(name, row.outcome) for name, row in rows.items()] == [("d\\xe4/p\\xe4.xml", "done")]
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        assert run_bulk(job, open_source(archive), kept, processes=1).skipped == 1
    source = tar(tmp_path / "a.tar", [(os.fsdecode(b"p\xe4.xml"), FIRST)])
    assert [item.name for item in open_source(source)] == ["p\\xe4.xml"]


def test_a_list_from_windows_begins_with_a_mark_that_is_no_part_of_a_name(tmp_path: Path) -> None:
    """The first document of the list would not be found."""
    (tmp_path / "a.xml").write_bytes(FIRST)
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfa.xml\r\n")
    (item,) = open_source(tmp_path / "list")
    assert (item.name, item.read()) == ("a.xml", FIRST)


def test_a_tree_below_the_source_is_refused(tmp_path: Path, job: SigningJob) -> None:
    """The second run would sign what the first one wrote, and the third one that again."""
    archive = tmp_path / "in"
    archive.mkdir()
    (archive / "a.xml").write_bytes(FIRST)
    (tmp_path / "c.der").write_bytes(job.certificate)
    key = str(tmp_path / "key.pem")
    command = ["document", "batch", "sign", str(archive), "--system", key, "--certificate", str(tmp_path / "c.der"),
               "--processes", "1", "--into"]  # fmt: skip
    refused = CliRunner().invoke(cli, [*command, str(archive / "out" / "tree")], standalone_mode=False)
    assert isinstance(refused.exception, Misuse) and "is below" in refused.exception.sentence
    assert sorted(path.name for path in tmp_path.rglob("*.xml")) == ["a.xml"]
    assert CliRunner().invoke(cli, [*command, f"{archive}-out"], standalone_mode=False).return_value == 0


class Killed(Exception):
    """The process ends before the document is whole."""


def unfinished(
    target: Path, monkeypatch: pytest.MonkeyPatch, *, process: int = os.getpid(), machine: str = platform.node()
) -> Path:
    """What a process leaves that is killed while it writes."""

    def end(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(os, "replace", end)
        patched.setattr(os, "getpid", lambda: process)
        patched.setattr(platform, "node", lambda: machine)
        Placing(str(target.parent)).write(Item(target.name, ""), b"x")
    (part,) = target.parent.iterdir()
    return part


def test_unfinished_files_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would stay in the tree for ever, and go along wherever it is copied; those of living processes stay,
    here and on the other machines of a cluster.
    """
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    dead = unfinished(tmp_path / "1" / "a.xml", monkeypatch, process=ended.pid)
    alive = unfinished(tmp_path / "2" / "a.xml", monkeypatch)
    elsewhere = unfinished(tmp_path / "3" / "a.xml", monkeypatch, process=ended.pid, machine="worker-3")
    forgotten = unfinished(tmp_path / "4" / "a.xml", monkeypatch, process=ended.pid, machine="worker-4")
    os.utime(forgotten, times=(0, time.time() - 2 * 24 * 3600))
    clear_parts(tmp_path)
    assert [path for path in (dead, alive, elsewhere, forgotten) if path.exists()] == [alive, elsewhere]


def test_files_of_other_programs_stay(tmp_path: Path) -> None:
    """A directory of documents has half downloaded ones, too, and whatever else people put there."""
    names = [".download.999999.part", ".Trash.1234567.part", ".a.xml.999999.sotepki-part", "a.sotepki-part"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    clear_parts(tmp_path)
    assert all((tmp_path / name).exists() for name in names)


def test_the_longest_name_of_a_file_can_be_written(tmp_path: Path) -> None:
    """A document with a name of 255 octets would fail, where a longer name is none."""
    name = "ä" * 120 + "-" * 11 + ".xml"
    assert Placing(str(tmp_path)).write(Item(name, ""), b"x").read_bytes() == b"x"
    assert [path.name for path in tmp_path.iterdir()] == [name]


OPEN: list[str] = []
OPENED: list[str] = []


@contextmanager
def counted(name: str) -> Iterator[VerificationContext]:
    OPEN.append(name)
    OPENED.append(name)
    try:
        yield world.context()
    finally:
        OPEN.remove(name)


def test_a_worker_opens_what_it_verifies_against_once_and_keeps_it_open() -> None:
    """A job comes to a worker anew with each chunk; a workspace was opened for each, and closed before its first
    document."""
    OPENED.clear()
    job, items = VerifyingJob(Opening(counted, ("x",))), [Item("a.xml", "1", data=world.signed_by_system())]
    for _ in range(3):
        assert [row.verdict for row in work_on(pickle.loads(pickle.dumps(job)), items)] == ["valid"]
        assert (OPEN, OPENED) == (["x"], ["x"])
    forget()
    assert OPEN == []
