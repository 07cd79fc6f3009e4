"""Bulk work on a real Dask cluster of two processes, results as Parquet; skipped without the extra ``cluster``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

import document_families_world as families_world
import document_world as world

from sotepki.cli import root as cli
from sotepki.documents import verify_document
from sotepki.documents.bulk import BulkJournal, FileKey, Placing, SigningJob, open_source, run_bulk
from sotepki.errors import Misuse
from sotepki.evidence import Verdict

distributed = pytest.importorskip("distributed")
pytest.importorskip("pyarrow")

pytestmark = pytest.mark.integration

COUNT = 70
"""More than two pieces of work, so that both processes get some."""


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with one document that cannot be signed, and a system's key, certificate and root in files."""
    top = tmp_path_factory.mktemp("cluster")
    (top / "in").mkdir()
    document = families_world.document("visit-note", None)
    for number in range(COUNT):
        (top / "in" / f"{number:03}.xml").write_bytes(document.replace(b"93.2026.1", b"93.2026.%d" % (number + 1)))
    (top / "in" / "broken.xml").write_bytes(b"<broken")
    key = world.ec_key("system").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (top / "key.pem").write_bytes(key)
    (top / "certificate.der").write_bytes(world.system_certificate().public_bytes(Encoding.DER))
    (top / "root.pem").write_bytes(world.root().public_bytes(Encoding.PEM))
    return top


def test_a_cluster_signs_and_verifies_and_the_results_are_read_with_pandas(scheduler: str, place: Path) -> None:
    """The commands with ``--scheduler``: every document once, a bad one beside the good."""

    def batch(*arguments: str) -> dict[str, object]:
        common = ["--scheduler", scheduler, "--format", "json", "--workspace", str(place / "none")]
        result = CliRunner().invoke(cli, ["document", "batch", *arguments, *common], standalone_mode=False)
        assert result.exception is None, result.exception
        answer: dict[str, object] = json.loads(result.stdout)
        return answer

    signed = batch("sign", str(place / "in"), "--system", str(place / "key.pem"), "--certificate",
                   str(place / "certificate.der"), "--into", str(place / "out"), "--table",
                   str(place / "signed.parquet"))  # fmt: skip
    assert (signed["worked"], signed["failed"]) == (COUNT + 1, 1)
    table = pd.read_parquet(place / "signed.parquet").set_index("name")
    assert len(table) == COUNT + 1
    assert table.loc["broken.xml", "rules"] == "xml.not-well-formed"
    assert len(list((place / "out").glob("*.xml"))) == COUNT
    again = batch("sign", str(place / "in"), "--system", str(place / "key.pem"), "--certificate",
                  str(place / "certificate.der"), "--into", str(place / "out"))  # fmt: skip
    assert (again["worked"], again["skipped"]) == (1, COUNT)

    verified = batch("verify", str(place / "out"), "--trust", str(place / "root.pem"), "--no-revocation", "--at",
                     "2026-12-01T00:00:00Z", "--table", str(place / "verified.parquet"))  # fmt: skip
    assert verified["counts"] == {"valid": COUNT}
    assert set(pd.read_parquet(place / "verified.parquet")["signers"]) == {str(world.ORGANISATION.oid)}


def test_the_key_does_not_travel(scheduler: str, place: Path, tmp_path: Path) -> None:
    """Each worker opens the key itself, so what goes over the wire holds only where it is."""
    certificate = (place / "certificate.der").read_bytes()
    job = SigningJob(FileKey(str(place / "key.pem")), certificate, Placing(str(tmp_path / "out")), at=world.NOW)
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as journal:
        summary = run_bulk(job, open_source(place / "in", "00*.xml"), journal, scheduler=scheduler)
    assert (summary.worked, summary.good) == (10, True)
    for file in (tmp_path / "out").glob("*.xml"):
        assert verify_document(file.read_bytes(), world.context()).verdict is Verdict.VALID
    missing = SigningJob(FileKey(str(tmp_path / "no.pem")), certificate, Placing(str(tmp_path / "no")), at=world.NOW)
    with BulkJournal(tmp_path / "k.sqlite", missing.describe()) as journal, pytest.raises(Misuse):
        run_bulk(missing, open_source(place / "in"), journal, scheduler=scheduler)


def test_a_scheduler_that_does_not_answer(place: Path) -> None:
    """One sentence and exit code 2, not a traceback of Dask's."""
    command = [sys.executable, "-m", "sotepki", "document", "batch", "sign", str(place / "in"), "--system",
               str(place / "key.pem"), "--certificate", str(place / "certificate.der"), "--into", str(place / "no"),
               "--journal", str(place / "no.sqlite"), "--scheduler", "tcp://127.0.0.1:9"]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "does not answer" in result.stderr
    assert "Traceback" not in result.stderr
