"""The package: whole, verifiable with openssl, and without anybody's real identity code."""

from __future__ import annotations

import json
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from conformance.catalogue import catalogue
from conformance.packaging import write_package
from conformance.report import write_report
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Summary
from sotepki.cli import run as sotepki
from sotepki.clock import SystemClock
from sotepki.errors import Misuse, Refused

SUT = SystemUnderTest("Fake TEST", "files")


def reported(directory: Path, evidence: str = "a signed document") -> Path:
    now = SystemClock().now()
    case = catalogue()[0].id
    result = CaseResult(case, CaseVerdict.ERROR, "x", evidence=(Evidence.of("document", evidence),))
    write_report(directory, SUT, Summary("Fake TEST", now, now, (result,)))
    return directory


def verified(place: Path) -> int:
    command = "openssl cms -verify -binary -inform DER -in manifest.json.p7s -content manifest.json"
    command += " -CAfile signer-TEST.pem -purpose any -out out.json"
    return subprocess.run(command.split(), cwd=place, capture_output=True, check=False).returncode


def test_openssl_verifies_the_manifest_and_the_manifest_covers_every_file(tmp_path: Path) -> None:
    write_package(reported(tmp_path / "r"), tmp_path / "p.zip", SystemClock())
    place = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        archive.extractall(place)
    assert verified(place) == 0
    digests = json.loads((place / "manifest.json").read_text())["files"]
    for path in place.rglob("*"):
        name = str(path.relative_to(place))
        if path.is_file() and name not in ("manifest.json", "manifest.json.p7s", "signer-TEST.pem", "out.json"):
            assert digests.pop(name) == sha256(path.read_bytes()).hexdigest()
    assert digests == {}
    assert "a signed document" in next(place.glob("evidence/*/01.txt")).read_text()
    draft = (place / "statement-draft.md").read_text()
    assert "Tämä ei ole Kelan lausunto" in draft and "This is not a statement by Kela" in draft
    changed = (place / "manifest.json").read_text().replace("TEST", "REAL")
    (place / "manifest.json").write_text(changed)
    assert verified(place) != 0


def test_a_real_identity_code_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="900-series"):
        write_package(reported(tmp_path / "r", "<id>010181-123X</id>"), tmp_path / "p.zip", SystemClock())
    assert not (tmp_path / "p.zip").exists()


def test_a_hostile_case_id_does_not_leave_the_folder(tmp_path: Path) -> None:
    path = reported(tmp_path / "r") / "report.json"
    path.write_text(path.read_text().replace(f'"{catalogue()[0].id}"', '"../../../x"'))
    write_package(tmp_path / "r", tmp_path / "p.zip", SystemClock())
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        assert not [name for name in archive.namelist() if ".." in name.split("/")]


def test_a_directory_without_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        write_package(tmp_path, tmp_path / "p.zip", SystemClock())


def test_a_package_is_a_file_and_not_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2: the command line is to be mended, and the suite has no fault."""
    reported(tmp_path / "r")
    assert sotepki(["conformance", "package", str(tmp_path / "r"), str(tmp_path)]) == 2
    assert "is a directory. Name the file" in capsys.readouterr().err
