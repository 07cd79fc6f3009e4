"""Bulk signing with a real token and real processes: killed and resumed, two workers, and the commands."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

import document_families_world as families_world
import document_world as world

from sotepki.cli import run
from sotepki.documents import SignatureKind, build_document, verify_document
from sotepki.documents.bulk import BulkJournal, FileKey, Placing, SigningJob, TokenKey, open_source, run_bulk
from sotepki.errors import Fault
from sotepki.evidence import Verdict, load_yaml
from sotepki.identifiers import Hetu, Oid
from sotepki.journey.card_holder import PIN2, card_in_hand
from sotepki.resources import fixtures
from sotepki.tokens import Pin, TokenDirectory
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

COUNT = 240


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("archive")
    document = families_world.document("visit-note", None)
    for number in range(COUNT):
        (top / f"{number:04}.xml").write_bytes(document.replace(b"93.2026.1", b"93.2026.%d" % (number + 1)))
    return top


def token_job(directory: Path, name: str) -> SigningJob:
    """Signing with the system's P-384 key in a SoftHSM token."""
    with TokenDirectory(directory / "token") as tokens:
        tokens.create_token("system", Pin("87654321"), Pin("24681357"))
        with tokens.open("system", Pin("24681357")) as session:
            session.import_key(world.ec_key("system"), "system signature", b"\x01")
    (directory / "pin").write_text("24681357\n")
    key = TokenKey(str(directory / "token"), "system", "system signature", str(directory / "pin"))
    certificate = world.system_certificate().public_bytes(Encoding.DER)
    return SigningJob(key, certificate, Placing(str(directory / name)), at=world.NOW)


def all_valid(tree: Path) -> int:
    """How many documents of the tree are valid; every one has to be."""
    files = sorted(tree.rglob("*.xml"))
    for file in files:
        assert verify_document(file.read_bytes(), world.context()).verdict is Verdict.VALID
    return len(files)


def test_two_processes_sign_with_one_token(archive: Path, tmp_path: Path) -> None:
    """Each worker has the token for itself; the same documents come out whole, once each."""
    job = token_job(tmp_path, "out")
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as journal:
        summary = run_bulk(job, open_source(archive), journal, processes=2)
        assert len({row.digest for row in journal.rows()}) == COUNT
    assert (summary.worked, summary.good) == (COUNT, True)
    assert all_valid(tmp_path / "out") == COUNT


def test_a_killed_run_goes_on_where_it_was(archive: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle: no worker stays behind, no half file, and the same command does only the rest."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.der"
    key.write_bytes(world.ec_key("system").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(world.system_certificate().public_bytes(Encoding.DER))
    out, journal = tmp_path / "out", tmp_path / "j.sqlite"
    command = [sys.executable, "-m", "sotepki", "document", "batch", "sign", str(archive), "--system", str(key)]
    command += ["--certificate", str(certificate), "--into", str(out), "--journal", str(journal)]
    command += ["--processes", "2", "--workspace", str(tmp_path / "none"), "--format", "json"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and sum(1 for _ in out.glob("*.xml")) < 100:
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    done = sum(1 for _ in out.glob("*.xml"))
    assert 100 <= done < COUNT, "the kill came too late to show anything"
    while time.monotonic() < deadline and _group_lives(first.pid):
        time.sleep(0.05)
    assert not _group_lives(first.pid), "a worker outlived the run"
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    answer = json.loads(again.stdout)
    assert 0 < answer["skipped"] <= done
    assert answer["skipped"] + answer["worked"] == COUNT
    assert answer["counts"] == {"done": COUNT}
    assert {file.suffix for file in out.iterdir() if not file.name.startswith(".")} == {".xml"}
    assert _count(out) == COUNT


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _count(out: Path) -> int:
    """Documents of the tree that are well formed and intact; signed at the machine's time, so trust is not asked."""
    total = 0
    for file in out.glob("*.xml"):
        report = verify_document(file.read_bytes(), world.context(trust=()))
        assert [signature.intact for signature in report.signatures] == [True]
        total += 1
    return total


def test_a_killed_worker_is_a_sentence(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The out-of-memory killer takes a worker: the run ends with what to do, and the next one finishes."""
    job = token_job(tmp_path, "out")
    with BulkJournal(tmp_path / "j.sqlite", job.describe()) as journal:
        killed: list[int] = []

        def kill_one(_progress: object) -> None:
            if not killed:
                children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
                victims = [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
                killed.append(int(victims[-1]))
                os.kill(killed[0], signal.SIGKILL)

        with pytest.raises(Fault) as caught:
            run_bulk(job, open_source(archive), journal, processes=2, chunk=4, tell=kill_one)
        assert "same command" in caught.value.advice
        summary = run_bulk(job, open_source(archive), journal, processes=1)
        assert summary.skipped + summary.worked == COUNT
        assert summary.skipped >= 4
    assert all_valid(tmp_path / "out") == COUNT


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace with a physician who holds a card, and the card's number."""
    directory = tmp_path_factory.mktemp("practice") / "workspace"
    with Workspace.create(directory, card_keys=2) as workspace:
        registrar = load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"][0]["hetu"]
        physician = load_yaml(fixtures() / "world" / "cast.yaml")["physician"]
        card = card_in_hand(workspace, registrar=Hetu(registrar), applicant=Hetu(physician["hetu"]))
        professional = workspace.valvira.professional_of(Hetu(physician["hetu"]))
        organisation = workspace.thl.organisation(Oid("1.2.246.10.99000018.10.1000"))
        assert professional is not None
        assert organisation is not None
        for number in range(4):
            kind = ("prescription", "visit-note", "dispensing", "client-plan")[number]
            document = build_document(
                kind,
                client=world.CLIENT,
                organisation=organisation,
                author=professional,
                document_oid=Oid(f"1.2.246.10.99000018.93.2026.{number}"),
                created=workspace.clock.now(),
            )
            (directory.parent / f"{number}.xml").write_bytes(document)
    return directory, card.card_number


def signing(practice: tuple[Path, str], out: Path, pins: Path, *more: str) -> list[str]:
    directory, number = practice
    out.mkdir(exist_ok=True)
    files = [str(directory.parent / f"{n}.xml") for n in range(4)]
    return ["document", "sign", *files, "--into", str(out), "--card", number, "--pin-file", str(pins), *more,
            "--workspace", str(directory), "--format", "json"]  # fmt: skip


def test_one_action_signs_documents_of_every_family(
    practice: tuple[Path, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Moniallekirjoitus by card: PIN2 typed once, four signatures, each valid in the eyes of the whole chain."""
    pins = tmp_path / "pins"
    pins.write_text(PIN2.reveal() + "\n")
    assert run(signing(practice, tmp_path / "out", pins, "--pin-policy", "batch")) == 0
    assert len(json.loads(capfd.readouterr().out)["signed"]) == 4
    files = sorted(map(str, (tmp_path / "out").iterdir()))
    assert run(["document", "verify", *files, "--workspace", str(practice[0]), "--format", "json"]) == 0
    verdicts = [row["verdict"] for row in json.loads(capfd.readouterr().out)]
    assert verdicts == ["valid"] * 4


def test_a_wrong_pin_in_the_middle_keeps_what_was_signed(
    practice: tuple[Path, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """PIN2 for each document, the third one wrong: two are signed, and it is said where it stopped."""
    pins = tmp_path / "pins"
    pins.write_text("\n".join([PIN2.reveal(), PIN2.reveal(), "999999", PIN2.reveal()]) + "\n")
    assert run(signing(practice, tmp_path / "out", pins)) == 1
    answer = json.loads(capfd.readouterr().out)
    assert [Path(row["output"]).name for row in answer["signed"]] == ["0.xml", "1.xml"]
    assert (Path(answer["stopped_at"]).name, answer["rule"]) == ("2.xml", "card.pin.wrong")
    assert [Path(name).name for name in answer["left"]] == ["3.xml"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["0.xml", "1.xml"]


def test_a_client_without_a_batch_says_so(
    practice: tuple[Path, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before a PIN is read or the card is touched."""
    more = ["--pin-policy", "batch", "--middleware", "kelain"]
    assert run(signing(practice, tmp_path / "out", tmp_path / "no-pins", *more)) == 2
    assert "asks for PIN2 at each signature" in capfd.readouterr().err


def test_batch_verify_gives_verdicts_and_a_table(
    practice: tuple[Path, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two worker processes with the workspace's own trust; the exit code says that one document is not valid."""
    good = families_world.signed("client-plan", SignatureKind.SYSTEM)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/good.xml").write_bytes(good)
    (tmp_path / "in/changed.xml").write_bytes(good.replace(b'"B64">', b'"B64">AAAA'))
    root = tmp_path / "root.pem"
    root.write_bytes(world.root().public_bytes(Encoding.PEM))
    command = ["document", "batch", "verify", str(tmp_path / "in"), "--table", str(tmp_path / "t.csv")]
    command += ["--trust", str(root), "--no-revocation", "--at", "2026-03-02T12:00:00Z", "--processes", "2"]
    assert run([*command, "--workspace", str(practice[0]), "--format", "json"]) == 1
    assert json.loads(capfd.readouterr().out)["counts"] == {"invalid": 1, "valid": 1}
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 3


def test_keys_do_not_travel(tmp_path: Path) -> None:
    """A job that is sent to another process or machine says where the key is, not what it is."""
    job = token_job(tmp_path, "out")
    assert b"24681357" not in pickle.dumps(job)
    assert isinstance(x509.load_der_x509_certificate(job.certificate), x509.Certificate)
    assert isinstance(FileKey("key.pem").path, str)
