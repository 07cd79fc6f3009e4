"""Bulk work on archives: every kind of source, resumable, nothing twice, one bad document does not stop the rest."""

from __future__ import annotations

import csv
import io
import signal
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import document_families_world as families_world
import document_world as world
import pandas as pd
import pytest
from bulk_world import signing_job
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.cli import root as cli
from sotepki.documents.bulk import (
    BulkJournal,
    FileKey,
    Item,
    Opening,
    Placing,
    Row,
    SigningJob,
    Summary,
    VerifyingJob,
    engine,
    open_source,
    run_bulk,
    write_table,
)
from sotepki.documents.bulk.jobs import work_on
from sotepki.documents.bulk.sources import is_archive
from sotepki.documents.report import VerificationContext
from sotepki.documents.verification import verify_document
from sotepki.errors import Misuse
from sotepki.evidence import Verdict
from sotepki.x509.crl import build_crl
from sotepki.x509.issuing import Issuer

NAMES = ["2019/a.xml", "2019/b.xml", "c.xml", "välissä/d.xml"]


@contextmanager
def trusting() -> Iterator[VerificationContext]:
    yield world.context()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A directory with four documents of two families, and a file that is none of ours."""
    top = tmp_path / "archive"
    for number, name in enumerate(NAMES):
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        kind = "visit-note" if number % 2 else "client-plan"
        file.write_bytes(families_world.document(kind, None))
    (top / "read.me").write_text("not a document")
    return top


@pytest.fixture
def job(tmp_path: Path) -> SigningJob:
    return signing_job(tmp_path)


def run(job: SigningJob | VerifyingJob, source: Path, journal: Path, **more: int) -> Summary:
    with BulkJournal(journal, job.describe()) as kept:
        return run_bulk(job, open_source(source), kept, processes=1, **more)  # type: ignore[arg-type]


def packed(archive: Path, form: str) -> Path:
    """The archive as a directory, zip, tar, compressed tar, or list of paths."""
    target = archive.parent / f"packed.{form}"
    if form == "directory":
        return archive
    if form == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
            for name in NAMES:
                file.write(archive / name, name)
    elif form == "list":
        target.write_text("\n".join(f"archive/{name}" for name in NAMES) + "\n", encoding="utf-8")
    else:
        with tarfile.open(target, "w:gz" if form == "tgz" else "w") as tar:
            tar.add(archive, arcname=".")
    return target


@pytest.mark.parametrize("form", ["directory", "zip", "tar", "tgz", "list"])
def test_every_source_is_signed_into_a_tree(archive: Path, job: SigningJob, tmp_path: Path, form: str) -> None:
    """Old records come as whatever somebody exported; all of it is read as a stream."""
    summary = run(job, packed(archive, form), tmp_path / "journal.sqlite")
    assert (summary.worked, summary.good) == (4, True)
    below = "archive" if form == "list" else "."
    for name in NAMES:
        signed = (tmp_path / "out" / below / name).read_bytes()
        assert verify_document(signed, world.context()).verdict is Verdict.VALID


def test_beside_the_input(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Without a tree ``a.xml`` gives ``a.signed.xml``, and a second run does not take that for a new input."""
    beside = SigningJob(job.key, job.certificate, Placing(), at=world.NOW)
    assert run(beside, archive, tmp_path / "journal.sqlite").worked == 4
    assert (archive / "2019/a.signed.xml").is_file()
    assert run(beside, archive, tmp_path / "journal.sqlite").skipped == 4
    assert run(beside, archive, tmp_path / "new-journal.sqlite").worked == 4


def test_a_second_run_does_only_what_is_left(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Done is done; what changed since, or whose output is gone, is done again."""
    journal = tmp_path / "journal.sqlite"
    run(job, archive, journal)
    (tmp_path / "out/c.xml").unlink()
    (archive / "2019/a.xml").write_bytes(families_world.document("client-plan", None).replace(b"\n", b"\r\n"))
    summary = run(job, archive, journal)
    assert (summary.worked, summary.skipped) == (2, 2)


@pytest.mark.parametrize(
    ("size", "number", "chunk", "told"),
    [(10, 5, 2, [2, 4, 5]), (10, 4, 2, [2, 4]), (10, 3, 32, [3]), (3 * 1024 * 1024, 3, 32, [2, 3])],
)
def test_work_goes_to_the_journal_in_small_pieces(
    job: SigningJob, tmp_path: Path, size: int, number: int, chunk: int, told: list[int]
) -> None:
    """A power cut would cost hours instead of a moment, or an archive of large documents would fill memory."""
    items = (Item(f"{n}.xml", "1", data=b" " * size) for n in range(number))
    counts: list[int] = []
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        run_bulk(job, items, kept, processes=1, chunk=chunk, tell=lambda progress: counts.append(progress.worked))
        assert len(list(kept.rows())) == number
    assert counts == told


def test_one_bad_document_does_not_stop_the_rest(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """It is in the journal with rule and sentence, and the next run tries it again."""
    (archive / "2019/b.xml").write_bytes(b"<broken")
    (archive / "zz.xml").symlink_to("nowhere")
    listed = archive.parent / "list"
    listed.write_text("\n".join(f"archive/{name}" for name in [*NAMES, "zz.xml"]))
    journal = tmp_path / "journal.sqlite"
    summary = run(job, listed, journal)
    assert (summary.worked, summary.failed) == (5, 2)
    assert {row.rules for row in summary.first} == {"xml.not-well-formed", ""}
    (archive / "2019/b.xml").write_bytes(families_world.document("client-plan", None))
    summary = run(job, listed, journal)
    assert (summary.worked, summary.failed, summary.skipped) == (2, 1, 3)


def test_verification_gives_a_table_for_pandas(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Verdict and rules for each document, readable with one line of pandas."""
    run(job, archive, tmp_path / "journal.sqlite")
    changed = tmp_path / "out/c.xml"
    changed.write_bytes(changed.read_bytes().replace(b'representation="B64">', b'representation="B64">AAAA'))
    verifying = VerifyingJob(Opening(trusting))
    with BulkJournal(tmp_path / "verify.sqlite", verifying.describe()) as kept:
        summary = run_bulk(verifying, open_source(tmp_path / "out"), kept, processes=1)
        assert write_table(kept, tmp_path / "table.csv") == 4
        assert kept.counts() == {"valid": 3, "invalid": 1}
    assert (summary.invalid, summary.good) == (1, False)
    assert [row.name for row in summary.first] == ["c.xml"]
    table = pd.read_csv(tmp_path / "table.csv", keep_default_na=False).set_index("name")
    assert table.loc["c.xml", "verdict"] == "invalid"
    assert "doc.digest.body" in str(table.loc["c.xml", "rules"])
    assert set(table["signers"]) == {str(world.ORGANISATION.oid)}


def test_a_table_is_csv_or_parquet(tmp_path: Path, job: SigningJob) -> None:
    """Any other ending is a mistake."""
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        with pytest.raises(Misuse):
            write_table(kept, tmp_path / "table.xlsx")
        assert write_table(kept, tmp_path / "table.csv") == 0
        with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
            assert len(list(csv.reader(stream))) == 1


def test_an_empty_pattern_is_told(archive: Path) -> None:
    """A variable of a script that was empty became a fault of ours."""
    for pattern in ("", ".", "./"):
        with pytest.raises(Misuse, match="pattern of names is empty"):
            open_source(archive, pattern)


def test_workers_begin_deaf_to_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the first second printed a traceback of each worker that was still importing."""
    deaf: list[bool] = []

    class Pool:
        def __init__(self, *_args: object, **_more: object) -> None: ...

        def submit(self, *_work: object) -> None:
            deaf.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

        def shutdown(self, **_how: object) -> None: ...

    monkeypatch.setattr(engine, "ProcessPoolExecutor", Pool)
    with engine._workers(2, "") as (submit, _):
        submit(None, [])  # type: ignore[arg-type]
    assert deaf == [True]


def test_a_file_name_is_no_formula_in_the_table(tmp_path: Path, job: SigningJob) -> None:
    """An archive comes from outside; whoever opens its table in a spreadsheet would run what a file is called."""
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        kept.record([Row("=1+1.xml", "s", "failed", message="-1; +2", document_id="1.2")])
        write_table(kept, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["name"], row["message"], row["document_id"]) == ("'=1+1.xml", "'-1; +2", "1.2")


def test_without_the_extra_it_is_said_what_to_install(
    archive: Path, job: SigningJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster and Parquet need packages that a plain installation does not have; no half table is left."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as kept:
        with pytest.raises(Misuse) as parquet:
            write_table(kept, tmp_path / "table.parquet")
        with pytest.raises(Misuse) as cluster:
            run_bulk(job, open_source(archive), kept, scheduler="tcp://127.0.0.1:9")
    for caught, package in ((parquet, "pip install pyarrow"), (cluster, "pip install distributed")):
        assert "not installed" in caught.value.sentence
        assert package in caught.value.advice
    assert not list(tmp_path.glob("*table*"))


def test_a_journal_belongs_to_one_job(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Else a run with another certificate would take the documents of the first for its own."""
    run(job, archive, tmp_path / "j.sqlite")
    other = SigningJob(job.key, world.card_certificate().public_bytes(Encoding.DER), job.placing)
    with pytest.raises(Misuse) as caught:
        run(other, archive, tmp_path / "j.sqlite")
    assert caught.value.rule == "doc.archive.journal"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"at": "now", "lists": ""}, {"at": "now", "lists": "a.crl"}, "lists was nothing, now a.crl"),
        ({"at": "now", "lists": "a.crl"}, {"at": "now", "lists": ""}, "lists was a.crl, now nothing"),
        ({"at": "now", "lists": "a.crl"}, {"at": "now"}, "lists was a.crl, now nothing"),
        ({"at": "now"}, {"at": "now", "lists": ""}, ""),
    ],
)
def test_what_was_verified_with_other_lists_is_not_taken_for_done(
    tmp_path: Path, first: dict[str, str], second: dict[str, str], told: str
) -> None:
    """A card that the new list revokes would keep the verdict of the old one."""
    BulkJournal(tmp_path / "j.sqlite", first).close()
    if not told:
        BulkJournal(tmp_path / "j.sqlite", second).close()
        return
    with pytest.raises(Misuse, match=told):
        BulkJournal(tmp_path / "j.sqlite", second)


def test_the_command_does_not_go_on_where_another_list_began(tmp_path: Path) -> None:
    """Whoever adds today's revocation list to yesterday's command hears that the journal is of another question."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.xml").write_bytes(world.signed_by_system())
    (tmp_path / "root.pem").write_bytes(world.root().public_bytes(Encoding.PEM))
    issuer = Issuer(world.root(), world.ec_key("root"))
    crl = build_crl(issuer, [], number=1, this_update=world.NOW, next_update=world.NOW + timedelta(days=1))
    (tmp_path / "a.crl").write_bytes(crl.public_bytes(Encoding.DER))
    command = ["document", "batch", "verify", str(tmp_path / "in"), "--trust", str(tmp_path / "root.pem"),
               "--journal", str(tmp_path / "j.sqlite"), "--processes", "1", "--no-revocation",
               "--at", "2026-03-02T12:00:00Z", "--workspace", str(tmp_path / "nowhere")]  # fmt: skip
    for _ in range(2):
        assert CliRunner().invoke(cli, command, standalone_mode=False).return_value == 0
    for more in ("--crl", "--intermediates"):
        file = "a.crl" if more == "--crl" else "root.pem"
        again = CliRunner().invoke(cli, [*command, more, str(tmp_path / file)], standalone_mode=False)
        assert isinstance(again.exception, Misuse)
        assert again.exception.rule == "doc.archive.journal"


def test_two_runs_do_not_share_a_journal(job: SigningJob, tmp_path: Path) -> None:
    """The second is told so at once."""
    with BulkJournal(tmp_path / "j.sqlite", job.describe()), pytest.raises(Misuse):
        BulkJournal(tmp_path / "j.sqlite", job.describe())


@pytest.mark.parametrize("name", ["../outside.xml", "/tmp/outside.xml", "a/../../outside.xml", "..\\outside.xml"])
def test_an_archive_writes_nothing_outside_the_tree(job: SigningJob, tmp_path: Path, name: str) -> None:
    """A member called ``../x`` is an attack as old as archives."""
    target = tmp_path / "evil.tar"
    with tarfile.open(target, "w") as tar:
        data = families_world.document("visit-note", None)
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    with pytest.raises(Misuse) as caught:
        run(job, target, tmp_path / "j.sqlite")
    assert caught.value.rule == "doc.archive.name"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda data: data[:200] + b"\xff" * 60 + data[260:], id="damaged"),
    ],
)
@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_a_damaged_archive_is_said_in_a_sentence(
    archive: Path, job: SigningJob, tmp_path: Path, form: str, content: Callable[[bytes], bytes]
) -> None:
    """Half a download; what was read before the damage is done and kept."""
    file = packed(archive, form)
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(Misuse):
        run(job, file, tmp_path / "j.sqlite")


def test_what_stands_before_the_damage_is_kept(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """The tail of a damaged archive may never come; its head is signed all the same."""
    file = packed(archive, "tar")
    data = file.read_bytes()
    file.write_bytes(data[: data.rindex(b".xml\0") + 600])
    with pytest.raises(Misuse):
        run(job, file, tmp_path / "j.sqlite")
    assert len(list((tmp_path / "out").rglob("*.xml"))) == 3


@pytest.mark.parametrize("line", [b"a\x00b.xml", b"x" * 4097])
def test_a_line_that_is_no_path_ends_the_list_in_a_sentence(tmp_path: Path, line: bytes) -> None:
    """Some other file given as the list: the place is named, and no error of the file system is shown."""
    (tmp_path / "list").write_bytes(b"c.xml\n\n" + line + b"\n")
    items = open_source(tmp_path / "list")
    assert next(items).name == "c.xml"
    with pytest.raises(Misuse, match="Line 3"):
        next(items)


def test_a_list_may_name_files_in_any_language(archive: Path, tmp_path: Path) -> None:
    """The archive of a Swedish municipality has paths with more letters than ASCII."""
    (tmp_path / "list").write_text("archive/välissä/d.xml\n" + "x" * 4096, encoding="utf-8")
    first, second = open_source(tmp_path / "list")
    assert first.read() and first.stamp
    assert second.stamp == ""


def test_only_a_zip_or_a_tar_is_an_archive_into_which_nothing_is_written(archive: Path, tmp_path: Path) -> None:
    """Signing beside the input needs a directory or a list."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.xml", "<a/>")
    with tarfile.open(tmp_path / "a.tar", "w") as rolled:
        rolled.add(archive / "c.xml", "c.xml")
    (tmp_path / "list").write_text("c.xml")
    named = {name: is_archive(tmp_path / name) for name in ("a.zip", "a.tar", "list", "archive", "nowhere")}
    assert [name for name, found in named.items() if found] == ["a.zip", "a.tar"]


def test_sources_that_are_none(tmp_path: Path) -> None:
    """A missing path, and a file that is neither an archive nor a list."""
    (tmp_path / "picture").write_bytes(b"\x89PNG\x00\xff\xfe")
    for name in ("nothing", "picture"):
        with pytest.raises(Misuse):
            list(open_source(tmp_path / name))


def test_a_missing_key_stops_before_the_first_document(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Not a thousand failed rows but one sentence."""
    broken = SigningJob(FileKey(str(tmp_path / "no.pem")), job.certificate, job.placing)
    with pytest.raises(Misuse):
        run(broken, archive, tmp_path / "j.sqlite")


def test_large_files_are_refused_by_rule_not_by_memory(tmp_path: Path, job: SigningJob) -> None:
    """A 100 MiB member of an archive is never unpacked."""
    target = tmp_path / "big.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("big.xml", b" " * (100 * 1024 * 1024))
    (item,) = list(open_source(target))
    assert item.data is None
    (row,) = work_on(job, [item])
    assert row.rules == "xml.too-large"


def test_a_large_member_of_a_tar_and_a_large_file_are_not_read(tmp_path: Path, job: SigningJob) -> None:
    """200 MB in a tar or in a directory are a row in the journal, at the cost of the bound and not of the file."""
    directory = tmp_path / "in"
    directory.mkdir()
    with (directory / "big.xml").open("wb") as stream:
        stream.truncate(200_000_000)
    with tarfile.open(tmp_path / "big.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(directory / "big.xml", "big.xml")
    for source in (directory, tmp_path / "big.tar.gz"):
        tracemalloc.start()
        (row,) = work_on(job, list(open_source(source)))
        assert tracemalloc.get_traced_memory()[1] < 60 * 1024 * 1024
        tracemalloc.stop()
        assert row.rules == "xml.too-large"


def test_an_encrypted_archive_is_said_to_be_one(archive: Path, job: SigningJob, tmp_path: Path) -> None:
    """Whoever exported the records put a password on them."""
    file = packed(archive, "zip")
    data = bytearray(file.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(header)
        while place >= 0:
            data[place + flags] |= 1
            place = data.find(header, place + 4)
    file.write_bytes(data)
    with pytest.raises(Misuse, match="encrypted"):
        run(job, file, tmp_path / "j.sqlite")
