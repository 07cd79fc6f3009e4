"""The examples that vendors copy: verifiers in other languages, and recipes for build servers."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from csharp_programs import compiled, needs_compiler, needs_dotnet

from conformance import CaseVerdict, Selection, run
from conformance.bench import Bench
from conformance.catalogue import catalogue
from conformance.judging import judged_document
from conformance.matrix import facets_of
from conformance.sut.asking import AskedVerifier
from conformance.sut.command import Command
from conformance.sut.facets import Facet, SignatureKind
from conformance.sut.http import HttpEndpoint
from conformance.sut.loading import Attached, attach
from sotepki.cli import run as sotepki
from sotepki.evidence import Verdict

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
RECIPES = EXAMPLES / "ci"

needs_java = pytest.mark.skipif(
    shutil.which("javac") is None, reason="there is no Java compiler (Debian: default-jdk-headless)"
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench.temporary() as made:
        yield made


def judge(verifier: AskedVerifier, bench: Bench) -> None:
    """An example accepts a good document, and refuses it changed and with a key that no certificate names."""
    good, trust = bench.documents.good_professional, bench.trust_now()
    answer = verifier.verify(good, trust)
    assert answer.accepted, answer.reasons
    place = good.index(b'representation="B64"')
    place = good.index(b">", place) + 40
    changed = good[:place] + (b"A" if good[place : place + 1] != b"A" else b"B") + good[place + 1 :]
    assert not verifier.verify(changed, trust).accepted
    bare = bench.documents.corpus.document("key.value-only")
    assert not verifier.verify(bare, trust).accepted, "signed by a stranger, whose bare key stands in it"


def test_the_python_example_as_a_command(bench: Bench) -> None:
    judge(AskedVerifier(Command((sys.executable, "verifier.py"), EXAMPLES / "python")), bench)


def test_the_python_example_as_an_endpoint(bench: Bench) -> None:
    command = [sys.executable, str(EXAMPLES / "python" / "verifier.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            judge(AskedVerifier(HttpEndpoint(f"http://127.0.0.1:{port}/")), bench)
        finally:
            process.terminate()


@needs_java
def test_the_java_verifier(bench: Bench, tmp_path: Path) -> None:
    subprocess.run(["javac", "-d", str(tmp_path), str(EXAMPLES / "java" / "Verifier.java")], check=True)
    judge(AskedVerifier(Command(("java", "-cp", str(tmp_path), "Verifier"), tmp_path, timeout=60)), bench)


def key_store(place: Path, bench: Bench, key: Path, certificate: Path, *how: str) -> None:
    """What the description of a signer asks for beside itself; ``how`` openssl writes the key store."""
    shutil.copy(certificate, place / "system.pem")
    (place / "password.txt").write_text("changeit\n", encoding="ascii")
    store = ["-in", str(certificate), "-out", str(place / "system.p12"), "-passout", "pass:changeit", *how]
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", str(key), *store], check=True)
    (place / "workspace").symlink_to(bench.workspace.directory)


@contextmanager
def java_signer(place: Path, bench: Bench, key: Path, certificate: Path) -> Iterator[Attached]:
    """The Java signer, attached by its own description from ``place``, where a vendor would put it."""
    for name in ("Signer.java", "signer.toml"):
        shutil.copy(EXAMPLES / "java" / name, place)
    key_store(place, bench, key, certificate)
    with attach(place / "signer.toml") as attached:
        yield attached


def signed_by_system(attached: Attached, bench: Bench, *, earlier: bytes | None = None) -> bytes:
    """A new document that the system signed, or the next version of an earlier one."""
    signer = attached.sut.signer
    assert signer is not None
    identity = signer.identity(SignatureKind.SYSTEM)
    assert identity is not None
    given = bench.corrected(earlier, identity) if earlier else bench.unsigned(identity)
    return signer.sign(given, SignatureKind.SYSTEM, correction=earlier is not None)


def assert_right_in_both_versions(attached: Attached, bench: Bench) -> None:
    first = signed_by_system(attached, bench)
    second = signed_by_system(attached, bench, earlier=first)
    for version, signed in enumerate((first, second), start=1):
        report = judged_document("signed", signed, attached.sut.trust, bench.clock).report
        assert (report.version, len(report.signatures)) == (version, 1)
        assert report.verdict is Verdict.VALID
        assert not report.findings
        assert b"&#13;" not in signed


def p_384(place: Path, bench: Bench) -> tuple[Path, Path]:
    """A key of P-384 and a certificate that it signed itself."""
    key, certificate = place / "key.pem", place / "certificate.pem"
    subject = f"/C=FI/O=TEST/serialNumber={bench.organisation.oid}/CN=TEST"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout", str(key)]
    command = ["openssl", "req", "-x509", *made, "-out", str(certificate), "-subj", subject]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


def assert_signed_by_p_384(attached: Attached, bench: Bench) -> None:
    report = judged_document("signed", signed_by_system(attached, bench), None, bench.clock).report
    (signature,) = report.signatures
    assert signature.intact
    assert signature.method.endswith("#ecdsa-sha384")


@needs_java
def test_the_java_signer_signs_a_document_and_its_correction(bench: Bench, tmp_path: Path) -> None:
    """Who copies it gets form, coverage, chain and next version right, and base64 without the JDK's CR LF."""
    system = bench.system_signature
    with java_signer(tmp_path, bench, system.key_file, system.chain_file) as attached:
        assert_right_in_both_versions(attached, bench)


@needs_java
def test_the_java_signer_takes_a_key_of_p_384(bench: Bench, tmp_path: Path) -> None:
    """The JDK writes the raw numbers of XML Signature for a key of PKCS#12; the signer names the right method."""
    with java_signer(tmp_path, bench, *p_384(tmp_path, bench)) as attached:
        assert_signed_by_p_384(attached, bench)


@needs_compiler
def test_the_csharp_verifier_on_mono(bench: Bench, tmp_path: Path) -> None:
    program = compiled(tmp_path / "Program.exe")
    judge(AskedVerifier(Command(("mono", str(program)), tmp_path, timeout=60)), bench)


@needs_dotnet
def test_the_csharp_verifier_on_dotnet(bench: Bench, tmp_path: Path) -> None:
    program = compiled(tmp_path / "Program.exe")
    judge(AskedVerifier(Command(("dotnet", str(program)), tmp_path, timeout=60)), bench)


@contextmanager
def csharp_signer(runtime: str, place: Path, bench: Bench, key: Path, certificate: Path) -> Iterator[Attached]:
    """The C# signer, attached by its own description as a vendor would, but for the command that starts it."""
    compiled(place / "Program.exe")
    description = (EXAMPLES / "csharp" / "signer.toml").read_text(encoding="utf-8")
    description = description.replace('["dotnet", "Example.dll", ', f'["{runtime}", "Program.exe", ')
    (place / "signer.toml").write_text(description, encoding="utf-8")
    # Mono, like older Windows, reads no key store that is enciphered with AES.
    key_store(place, bench, key, certificate, *(["-legacy"] if runtime == "mono" else []))
    with attach(place / "signer.toml") as attached:
        yield attached


@pytest.mark.parametrize(
    "runtime", [pytest.param("mono", marks=needs_compiler), pytest.param("dotnet", marks=needs_dotnet)]
)
def test_the_csharp_signer_signs_a_document_and_its_correction(runtime: str, bench: Bench, tmp_path: Path) -> None:
    """Who copies it gets form, coverage, chain and next version right."""
    system = bench.system_signature
    with csharp_signer(runtime, tmp_path, bench, system.key_file, system.chain_file) as attached:
        assert_right_in_both_versions(attached, bench)


@needs_dotnet
def test_the_csharp_signer_passes_every_case_of_its_kind(bench: Bench, tmp_path: Path) -> None:
    """docs/conformance.md says so; what needs another kind of signature is skipped."""
    system = bench.system_signature
    cases = frozenset(case.id for case in catalogue() if Facet.SIGNER in facets_of(case))
    with csharp_signer("dotnet", tmp_path, bench, system.key_file, system.chain_file) as attached:
        results = run(attached.sut, tmp_path / "report", selection=Selection(cases=cases), bench=bench).results
    told = [(one.case, one.verdict, one.reason) for one in results]
    assert [one for one in told if one[1] not in (CaseVerdict.PASS, CaseVerdict.SKIP)] == []
    assert len([one for one in told if one[1] is CaseVerdict.PASS]) > 20


@needs_dotnet
def test_the_csharp_signer_takes_a_key_of_p_384(bench: Bench, tmp_path: Path) -> None:
    """SignedXml has no ECDSA of its own; the example's writes the raw numbers of XML Signature."""
    with csharp_signer("dotnet", tmp_path, bench, *p_384(tmp_path, bench)) as attached:
        assert_signed_by_p_384(attached, bench)


@pytest.mark.parametrize("language", ["python", "java", "csharp"])
def test_the_descriptions_of_the_examples_are_right(language: str) -> None:
    with attach(EXAMPLES / language / "system.toml") as attached:
        assert attached.sut.verifier is not None


def test_the_description_of_the_workplace_is_right() -> None:
    with attach(EXAMPLES / "python" / "workplace.toml") as attached:
        assert attached.sut.attached() == (Facet.CARD, Facet.CARD_DESK, Facet.SCS_USER, Facet.RIGHTS)
        assert not attached.operated


def commands() -> list[tuple[str, str]]:
    """Every line of a shell in the recipes, with the name of its file."""
    github = yaml.safe_load((RECIPES / "github-actions.yml").read_text(encoding="utf-8"))
    gitlab = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text(encoding="utf-8"))
    steps = github["jobs"]["rehearsal"]["steps"]
    lines = [("github-actions.yml", line) for step in steps for line in step.get("run", "").splitlines()]
    job = gitlab["conformance"]
    lines += [("gitlab-ci.yml", line) for line in (*job["before_script"], *job["script"])]
    last = (RECIPES / "Containerfile").read_text(encoding="utf-8").splitlines()[-1]
    return [*lines, ("Containerfile", shlex.join(json.loads(last.removeprefix("CMD "))))]


@pytest.mark.parametrize(("recipe", "line"), [c for c in commands() if c[1].startswith("sotepki")])
def test_the_commands_of_the_recipes_run(
    recipe: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recipe with an option that is gone would fail on the vendor's build server first."""
    (tmp_path / "system.toml").write_text("[csrs]\nserver = 'server.csr'\n", encoding="utf-8")
    (tmp_path / "server.csr").write_text("no request", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    _, *arguments = shlex.split(line)
    if "run" in arguments:
        arguments += ["--area", "csr"]
        assert sotepki(arguments) == 1
        assert (tmp_path / "report" / "junit.xml").is_file()
    else:
        assert sotepki(arguments) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_no_recipe_installs_a_name_that_is_not_ours() -> None:
    """No package index has sotepki: by its name pip finds nothing, or what a stranger put there."""
    container = (RECIPES / "Containerfile").read_text(encoding="utf-8").splitlines()
    installing = [line for line in [*container, *(line for _, line in commands())] if "pip install" in line]
    assert len(installing) == 3
    assert all(line.endswith("/sotepki-*.whl") for line in installing)


def test_the_recipes_install_what_the_project_itself_needs() -> None:
    installed = [line for _, line in commands() if "apt-get install" in line]
    assert installed and all("softhsm2" in line and "xmlsec1" in line for line in installed)
    assert (RECIPES / "Containerfile").read_text(encoding="utf-8").startswith("# podman build")
