"""``sotepki cert`` on a real workspace: a class issued, paths fetched over HTTP, faults set while services run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sotepki.cli import run
from sotepki.services import running_services
from sotepki.tokens import KeyKind
from sotepki.tokens.pool import make_key
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

PROFILE_COLUMNS = ("title", "serial_number", "given_name", "surname", "common_name")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cert") / "workspace"
    Workspace.create(path, card_keys=0).close()
    return path


@pytest.fixture(scope="module")
def issued(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the certificates of a class of six."""
    place = tmp_path_factory.mktemp("class")
    key = make_key(KeyKind.RSA_3072)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (place / "key.pem").write_bytes(public)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "secret.pem").write_bytes(private)
    _write(place / "class.csv", [_pupil(number, "key.pem") for number in range(1, 7)])
    assert _bulk(directory, place / "class.csv", place / "out") == 0
    return place


def _pupil(number: int, key: str) -> list[str]:
    registration = f"9{number:010d}"
    name = f"Oppilas Aino {registration}"
    return [registration, key, "310 Sosiaalityöntekijä, Socialarbetare", registration, "Aino", "Oppilas", name]


def _write(
    path: Path, rows: list[list[str]], head: tuple[str, ...] = ("holder", "public_key", *PROFILE_COLUMNS)
) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([list(head), *rows])


def _bulk(directory: Path, orders: Path, out: Path) -> int:
    return run(["cert", "bulk", str(orders), str(out), "--workspace", str(directory)])


def _files(issued: Path) -> list[Path]:
    return sorted((issued / "out").glob("*.pem"))


def test_a_class_is_issued_and_an_interrupted_run_is_finished(directory: Path, issued: Path) -> None:
    files = _files(issued)
    assert len(files) == 6
    serials = {x509.load_pem_x509_certificate(file.read_bytes()).serial_number for file in files}
    assert len(serials) == 6
    files[3].unlink()
    assert _bulk(directory, issued / "class.csv", issued / "out") == 0
    again = x509.load_pem_x509_certificate(files[3].read_bytes())
    assert again.serial_number not in serials


def test_both_trees_of_the_workspace_are_trusted(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --trust a certificate of the EC tree leads to a root as well as one of the RSA tree."""
    published = directory / "published" / "ca"
    for name in ("dvvtshsp3rc.crt", "dvvtshsp3ec.crt"):
        run(["cert", "verify", str(published / name), "--workspace", str(directory)])
        assert "path.untrusted" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "head", "code"),
    [
        ([_pupil(1, "none.pem")], ("holder", "public_key", *PROFILE_COLUMNS), 2),
        ([_pupil(1, "secret.pem")], ("holder", "public_key", *PROFILE_COLUMNS), 1),
        ([_pupil(1, "key.pem")] * 2, ("holder", "public_key", *PROFILE_COLUMNS), 2),
        ([["../../away", *_pupil(1, "key.pem")[1:]]], ("holder", "public_key", *PROFILE_COLUMNS), 2),
        ([["1"]], ("holder", "public_key"), 2),
        ([], ("holder", "public_key", "nonsense"), 2),
    ],
)
def test_a_class_list_that_is_wrong_issues_nothing(
    directory: Path,
    issued: Path,
    rows: list[list[str]],
    head: tuple[str, ...],
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _write(issued / "wrong.csv", rows, head)
    assert _bulk(directory, issued / "wrong.csv", issued / "nothing") == code
    assert not list((issued / "nothing").glob("*.pem")) if (issued / "nothing").exists() else True
    assert "BEGIN" not in capsys.readouterr().err


@pytest.fixture
def base_url(directory: Path) -> Iterator[str]:
    with Workspace.open(directory) as workspace, running_services(workspace) as services:
        yield services.publication_url


def _verify(issued: Path, directory: Path, *more: str) -> list[str]:
    trust = directory / "published" / "root.pem"
    return ["cert", "verify", str(_files(issued)[0]), "--trust", str(trust), "--format", "json", *more]


def test_a_path_is_fetched_from_our_services_and_judged_by_three(
    directory: Path, issued: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _verify(issued, directory, "--fetch", base_url, "--also", "pyca,openssl")
    assert run(arguments) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["verdict"], row["findings"]) == ("valid", [])
    texts = [check["text"] for node in row["tree"] for check in node["checks"]]
    assert any("OCSP answer" in text and "says good" in text for text in texts)
    assert any("list number" in text and "does not have it" in text for text in texts)
    # A fault that is set while the service runs is seen by the next question.
    faults = ["cert", "ocsp-faults", "dvvtshp2rc", "--workspace", str(directory)]
    assert run([*faults, "--certificate-status", "revoked"]) == 0
    capsys.readouterr()
    assert run(arguments) == 1
    row = json.loads(capsys.readouterr().out)
    assert "path.revoked" in {finding["rule"] for finding in row["findings"]}
    assert run([*faults, "--response-status", "try-later", "--delay-seconds", "0.1"]) == 0
    capsys.readouterr()
    assert run(arguments) == 0, "the revocation list still says that it is good"
    row = json.loads(capsys.readouterr().out)
    assert {finding["rule"] for finding in row["findings"]} == {"fetch.http"}
    assert run([*faults[:2], "--clear", *faults[3:]]) == 0
    assert "honest" in capsys.readouterr().out


def test_without_services_the_path_is_not_valid_and_says_what_was_not_reached(
    directory: Path, issued: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_verify(issued, directory, "--fetch", "http://127.0.0.1:9")) == 1
    rules = {finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"fetch.http", "path.untrusted"} <= rules
    assert run(_verify(issued, directory, "--fetch", "ftp://127.0.0.1")) == 2
    assert run(_verify(issued, directory, "--also", "nobody")) == 2


@pytest.mark.parametrize(
    "options", [["nowhere"], ["--http-status", "200"], ["--clear", "--delay-seconds", "1"], ["--delay-seconds", "-1"]]
)
def test_faults_that_make_no_sense_are_misuse(directory: Path, options: list[str]) -> None:
    assert run(["cert", "ocsp-faults", *options, "--workspace", str(directory)]) == 2
