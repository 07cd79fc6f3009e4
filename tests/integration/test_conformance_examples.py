"""The examples that vendors copy: verifiers in other languages, and recipes for build servers."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from conformance.bench import Bench
from conformance.sut.asking import AskedVerifier
from conformance.sut.command import Command
from conformance.sut.facets import Facet
from conformance.sut.http import HttpEndpoint
from conformance.sut.loading import attach
from sotepki.cli import run as sotepki

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
RECIPES = EXAMPLES / "ci"


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


@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler (Debian: default-jdk-headless)")
def test_the_java_example(bench: Bench, tmp_path: Path) -> None:
    subprocess.run(["javac", "-d", str(tmp_path), str(EXAMPLES / "java" / "Verifier.java")], check=True)
    judge(AskedVerifier(Command(("java", "-cp", str(tmp_path), "Verifier"), tmp_path, timeout=60)), bench)


@pytest.mark.skipif(shutil.which("mcs") is None, reason="there is no C# compiler (Debian: mono-mcs)")
def test_the_csharp_example(bench: Bench, tmp_path: Path) -> None:
    """Compiled and run by Mono; the same source is meant for .NET, of which Debian has none."""
    program = tmp_path / "Program.exe"
    source = EXAMPLES / "csharp" / "Program.cs"
    subprocess.run(["mcs", "-warnaserror", "-r:System.Security.dll", f"-out:{program}", str(source)], check=True)
    judge(AskedVerifier(Command(("mono", str(program)), tmp_path, timeout=60)), bench)


@pytest.mark.parametrize("language", ["python", "java"])
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
