"""Whole runs: a vendor's files, a vendor's verifier around xmlsec1, and the command line."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from conformance import CaseVerdict, Selection, run
from conformance.bench import Bench
from conformance.declaring import Area
from conformance.running import run_reference
from conformance.sut.facets import SignatureKind
from conformance.sut.loading import attach
from conformance.sut.reference import Reference, reference_system
from sotepki.cli import run as sotepki
from sotepki.clock import SetClock, SystemClock
from sotepki.documents.diagnosis import accidents

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Bench.temporary() as bench, reference_system(bench) as made:
        yield made


@pytest.fixture(scope="module")
def vendor(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vendor's directory: everything that the reference system made, as files, with its description."""
    place = tmp_path_factory.mktemp("vendor")
    for name in ("ca", "crl", "documents", "frames"):
        (place / name).mkdir()
    trust = reference.bench.trust_now()
    for number, authority in enumerate(trust.issuers):
        (place / "ca" / f"{number}.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    for number, crl in enumerate(trust.crls):
        (place / "crl" / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.DER))
    for role, data in reference.certificates.held.items():
        (place / f"{role}.crt").write_bytes(data)
    for kind, data in reference.csrs.made.items():
        (place / f"{kind}.csr").write_bytes(data)
    for signature in SignatureKind:
        identity = reference.signer.identity(signature)
        assert identity is not None
        signed = reference.signer.sign(reference.bench.unsigned(identity), signature)
        (place / "documents" / f"{signature}.xml").write_bytes(signed)
        (place / "frames" / f"{signature}.xml").write_bytes(reference.framer.frame(signed))
    (place / "system.toml").write_text(
        """
name = "Esimerkkijärjestelmä"
[trust]
certificates = ["ca/*.pem"]
crls = ["crl/*.crl"]
[certificates]
server = "server.crt"
system-signature = "system-signature.crt"
card-authentication = "card-authentication.crt"
card-signature = "card-signature.crt"
[csrs]
server = "server.csr"
system-signature = "system-signature.csr"
[documents]
directory = "documents"
[frames]
directory = "frames"
""",
        encoding="utf-8",
    )
    return place


def run_on(reference: Reference, description: Path, report: Path, *areas: Area) -> dict[str, CaseVerdict]:
    with attach(description) as attached:
        selection = Selection(areas=frozenset(areas))
        summary = run(attached.sut, report, selection=selection, bench=reference.bench)
    data = json.loads((report / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    etree.parse(report / "junit.xml")
    return {result.case: result.verdict for result in summary.results}


def failed(verdicts: dict[str, CaseVerdict]) -> set[str]:
    return {case for case, verdict in verdicts.items() if verdict is CaseVerdict.FAIL}


def test_the_files_of_a_right_system_pass_and_what_is_not_attached_is_skipped(
    reference: Reference, vendor: Path, tmp_path: Path
) -> None:
    verdicts = run_on(reference, vendor / "system.toml", tmp_path)
    by_area = {
        area: {v for c, v in verdicts.items() if c.startswith(area)} for area in ("csr", "certificate", "frame")
    }
    assert by_area == {"csr": {"pass"}, "certificate": {"pass"}, "frame": {"pass", "skip"}}
    assert {c for c, v in verdicts.items() if c.startswith("frame") and v == "skip"} == {
        "frame.document-unchanged",
        "frame.correction",
        "frame.size",
    }
    assert {v for c, v in verdicts.items() if c.startswith(("signature", "document"))} == {"pass", "skip"}
    assert verdicts["signature.no-stale"] is CaseVerdict.SKIP
    assert {v for c, v in verdicts.items() if c.startswith(("verification", "card.", "tls", "kanta"))} == {"skip"}


def test_one_bad_file_among_the_good_ones_is_named(reference: Reference, vendor: Path, tmp_path: Path) -> None:
    """And what probably happened to it: the advice of the rule alone is the same for every accident."""
    good = (vendor / "documents" / "system.xml").read_bytes()
    bad = vendor / "documents" / "zz-indented.xml"
    bad.write_bytes(re.sub(rb"(<ds:SignatureMethod)", rb"\n  \1", good, count=1))
    try:
        verdicts = run_on(reference, vendor / "system.toml", tmp_path, Area.SIGNATURES)
    finally:
        bad.unlink()
    assert {case for case, verdict in verdicts.items() if verdict is CaseVerdict.FAIL} == {
        "signature.system.integrity"
    }
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "zz-indented.xml: the likely cause" in page
    assert accidents()["whitespace.indented"].text in page


def test_files_that_are_no_documents_fail_in_one_case_and_hide_nothing(
    reference: Reference, vendor: Path, tmp_path: Path
) -> None:
    bad = vendor / "documents" / "zz-picture.xml"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    try:
        verdicts = run_on(reference, vendor / "system.toml", tmp_path, Area.SIGNATURES)
    finally:
        bad.unlink()
    assert failed(verdicts) == {"document.form"}


def test_documents_of_which_none_can_be_read_fail_once_and_pass_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vendor with one broken export would be told that its signatures' algorithms are right."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "cut.xml").write_text("<ClinicalDocument>", encoding="utf-8")
    (tmp_path / "documents" / "empty.xml").write_bytes(b"")
    (tmp_path / "system.toml").write_text('[documents]\ndirectory = "documents"\n', encoding="utf-8")
    arguments = ["--sut", str(tmp_path / "system.toml"), "--report", str(tmp_path / "r"), "--area", "signatures"]
    assert sotepki(["conformance", "run", *arguments]) == 1
    out = capsys.readouterr().out
    assert out.startswith("fail    document.form  The document is not well-formed XML")
    assert "1 fail" in out and "pass" not in out and "error" not in out


def test_what_could_not_be_judged_is_said_once_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nineteen errors because of one wrong path are one thing to mend."""
    (tmp_path / "system.toml").write_text('[csrs]\nserver = "nowhere.csr"\n', encoding="utf-8")
    arguments = ["--sut", str(tmp_path / "system.toml"), "--report", str(tmp_path / "r"), "--area", "csr"]
    assert sotepki(["conformance", "run", *arguments]) == 3
    (said, *_) = capsys.readouterr().out.splitlines()
    assert said.startswith("error   csr.server.form and 18 more  The file ") and "nowhere.csr cannot be read" in said


def test_a_certificate_that_cannot_be_read_is_held_against_its_own_role_only(
    reference: Reference, vendor: Path, tmp_path: Path
) -> None:
    """Also where a requirement only warns: the case is judged once and is not called after its fixtures failed."""
    path = vendor / "server.crt"
    good = path.read_bytes()
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", encoding="ascii")
    try:
        verdicts = run_on(reference, vendor / "system.toml", tmp_path, Area.CERTIFICATES)
    finally:
        path.write_bytes(good)
    assert CaseVerdict.ERROR not in verdicts.values()
    assert {verdicts[case] for case in verdicts if case.startswith("certificate.server.")} == {"fail", "warn"}
    alone = {verdicts[case] for case in verdicts if case.startswith(("certificate.system.", "certificate.card."))}
    assert alone == {"pass"}


def test_a_verifier_around_xmlsec1_is_judged_for_what_it_looks_at(
    reference: Reference, vendor: Path, tmp_path: Path
) -> None:
    """The example in Python judges digests and chain, and asks nobody about revocation and rights."""
    example = (ROOT / "conformance/examples/python/verifier.py").read_text(encoding="utf-8")
    (vendor / "verify.py").write_text(example, encoding="utf-8")
    description = vendor / "verifier.toml"
    description.write_text(f'[verify]\ncommand = ["{sys.executable}", "verify.py"]\n', encoding="utf-8")
    verdicts = run_on(reference, description, tmp_path, Area.VERIFICATION)
    expected = {
        "verification.accepts-good": CaseVerdict.PASS,
        "verification.refuses-changed-body": CaseVerdict.PASS,
        "verification.refuses-foreign-authority": CaseVerdict.PASS,
        "verification.refuses-revoked-signer": CaseVerdict.FAIL,
        "verification.refuses-wrapped-body": CaseVerdict.PASS,
        "verification.refuses-authentication-key": CaseVerdict.FAIL,
        "verification.refuses-removed-right": CaseVerdict.WARN,
        "verification.accepts-elliptic-curves": CaseVerdict.PASS,
        "verification.accepts-prescription": CaseVerdict.PASS,
        "verification.refuses-hmac": CaseVerdict.PASS,
        "verification.refuses-expired-signer": CaseVerdict.PASS,
        "verification.refuses-uncovered-body": CaseVerdict.FAIL,
        "verification.refuses-other-professional": CaseVerdict.FAIL,
        "verification.refuses-future-timestamp": CaseVerdict.WARN,
    }
    assert {case: verdicts[case] for case in expected} == expected
    # xmlsec1 shares no code with us: that it accepts every good document shows that the suite's documents are right.
    accepting = {case: verdict for case, verdict in verdicts.items() if case.startswith("verification.accepts-")}
    assert set(accepting.values()) == {CaseVerdict.PASS}


def test_the_list_on_the_command_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert sotepki(["conformance", "list", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 24
    assert {"id", "title", "area", "phase", "requirements", "mutants"} <= set(rows[0])


def test_a_run_on_the_command_line_ends_with_the_report_and_the_exit_code(
    vendor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["conformance", "run", "--sut", str(vendor / "system.toml"), "--report", str(tmp_path / "r")]
    assert sotepki([*arguments, "--area", "frames", "--area", "csr"]) == 0
    out = capsys.readouterr().out
    report = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    passed = sum(row["verdict"] == "pass" for row in report["cases"])
    assert passed > 20 and f"{passed} pass" in out and str(tmp_path / "r" / "report.html") in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sut", "missing.toml"], "cannot be read"),
        (["--sut", "SYSTEM", "--case", "csr.server.from"], "Did you mean csr.server.form"),
        (["--sut", "SYSTEM", "--area", "csrs"], "There is no area 'csrs'"),
        (["--sut", "SYSTEM", "--report", "/proc/nowhere"], "cannot be made"),
    ],
)
def test_wrong_use_gets_a_sentence_and_exit_code_2(
    vendor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    filled = [str(vendor / "system.toml") if a == "SYSTEM" else a for a in arguments]
    if "--report" not in filled:
        filled += ["--report", str(tmp_path)]
    assert sotepki(["conformance", "run", *filled]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_processes_give_the_same_report(vendor: Path, tmp_path: Path, jobs: str) -> None:
    arguments = ["conformance", "run", "--sut", str(vendor / "system.toml"), "--report", str(tmp_path)]
    assert sotepki([*arguments, "--case", "csr.server.form", "--case", "frame.form", "--jobs", jobs]) == 0
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [(c["id"], c["verdict"]) for c in data["cases"]] == [("csr.server.form", "pass"), ("frame.form", "pass")]


def test_a_full_disk_still_gives_the_outcome(vendor: Path, tmp_path: Path) -> None:
    """The report cannot be written; what came out is printed, and no traceback."""
    command = [sys.executable, "-m", "sotepki", "conformance", "run", "--sut", str(vendor / "system.toml")]
    done = subprocess.run(
        [*command, "--report", str(tmp_path), "--case", "csr.server.form"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        check=False,
    )
    assert done.returncode == 3
    assert "1 pass" in done.stdout
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_two_systems_exchange_documents_through_our_kanta(tmp_path: Path) -> None:
    """One reads right, the other takes everything: each leg is judged by its reader."""
    right, careless = tmp_path / "right.toml", tmp_path / "careless.toml"
    right.write_text('kind = "reference"\n')
    careless.write_text('name = "Vendor B TEST"\nkind = "mutant"\nmutant = "verifier-accepts-everything"\n')
    assert sotepki(["conformance", "cross", str(right), str(careless), "--report", str(tmp_path / "x")]) == 1
    legs = json.loads((tmp_path / "x" / "cross.json").read_text(encoding="utf-8"))["legs"]
    assert {(leg["reader"], leg["verdict"]) for leg in legs} == {
        ("Reference system TEST", "pass"),
        ("Vendor B TEST", "fail"),
    }
    assert {leg["kanta"] for leg in legs} == {"AA"}


def test_the_reference_client_looks_at_the_clock_of_the_workspace(tmp_path: Path) -> None:
    """In a lesson that plays two months ago, what begins in an hour has begun long since by the machine."""
    cases = frozenset(
        {"tls.client-certificate", "tls.refuses-early", "tls.refuses-expired", "time.server-ends-meanwhile"}
    )
    clock = SetClock(SystemClock().now() - timedelta(days=60))
    summary = run_reference(tmp_path, selection=Selection(cases=cases), clock=clock)
    assert {result.case: result.verdict for result in summary.results} == dict.fromkeys(cases, CaseVerdict.PASS)
