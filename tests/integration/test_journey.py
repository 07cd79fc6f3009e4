"""The demo: the whole journey on real parts, and the same through the command line in an empty place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sotepki.errors import Fault
from sotepki.journey import make_request
from sotepki.journey.walk import Walk
from sotepki.records import first_break
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration


def test_the_walk_meets_every_refusal_that_it_must(tmp_path: Path) -> None:
    """A trainer shows these refusals; if one no longer happens, a rule has gone missing."""
    lines: list[str] = []
    with Workspace.create(tmp_path / "ws", card_keys=2) as workspace:
        Walk(workspace, lines.append).all()
        with workspace.records.look() as session:
            assert first_break(session) is None
        kinds = {path.name.partition("-")[2] for path in (tmp_path / "ws" / "outbox").rglob("*") if path.is_file()}
    rules = re.findall(r"\[([a-z0-9.-]+)\]", "\n".join(lines))
    assert rules == [
        "order.right.none",
        "order.not-for-oneself",
        "card.pin.wrong",
        "doc.digest.body",
        "doc.right",
        "doc.certificate.revoked",
    ]
    assert sum("Kanta answers AA" in line for line in lines) == 2
    assert {"S000001.der", "S000001.pem", "S000002.der", "S000002.pem"} <= kinds


def test_the_demo_ends_with_a_report(tmp_path: Path) -> None:
    """A newcomer's first command: exit code 0, the report's path, and a one-line summary at the end."""
    done = subprocess.run(
        [sys.executable, "-m", "sotepki", "demo", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    report = tmp_path / answer["report"]
    assert report.is_file()
    assert answer["summary"]["pass"] >= 20
    assert answer["summary"]["fail"] == answer["summary"]["error"] == 0
    data = json.loads(report.with_name("report.json").read_text(encoding="utf-8"))
    assert data["summary"]["pass"] == answer["summary"]["pass"]
    assert report.with_name("junit.xml").is_file()
    assert str(Path.home()) not in report.read_text(encoding="utf-8")


def test_a_request_in_finnish_is_made_whatever_the_locale_is(tmp_path: Path) -> None:
    """A build server without a locale would break the letters of the municipality, or the whole journey."""
    program = (
        "import sys, pathlib; from sotepki.journey import make_request; "
        "make_request(pathlib.Path(sys.argv[1]), 'r', {'C': 'FI', 'L': 'Testil\\u00e4', 'CN': 'a.test.example'})"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=plain, check=True)
    request = x509.load_pem_x509_csr((tmp_path / "r.csr").read_bytes())
    assert request.subject.get_attributes_for_oid(NameOID.LOCALITY_NAME)[0].value == "Testilä"


def test_a_name_with_signs_that_openssl_takes_for_its_own_comes_out_as_it_is(tmp_path: Path) -> None:
    """An organisation "Hoito/Vård + Koti" would become three parts of a name; the key is its owner's alone."""
    name = "Hoito/Vård + Koti \\ TEST"
    made = make_request(tmp_path, "r", {"C": "FI", "O": name, "CN": "a.test.example"}, dns_names=["a.test.example"])
    request = x509.load_pem_x509_csr(made.request.read_bytes())
    assert [one.value for one in request.subject] == ["FI", name, "a.test.example"]
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test.example"]
    assert made.key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Fault, match="openssl req refused"):
        make_request(tmp_path, "s", {"C": "Finland"})
