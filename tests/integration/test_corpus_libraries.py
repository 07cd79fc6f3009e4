"""Stock signature libraries on the mutation corpus: what the data and the page say of them is what they do here.

A vendor reads in docs/signature-corpus.md what a library leaves to the vendor's own code, and relies on it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import verification
from csharp_programs import compiled, dotnet_version, needs_compiler, needs_dotnet
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from sotepki.documents import families
from sotepki.documents.corpus import write_corpus
from sotepki.documents.corpus.libraries import libraries
from sotepki.documents.vocabulary import finland

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
PROGRAMS = Path(__file__).parent / "corpus_libraries"


@dataclass(frozen=True)
class Written:
    """A corpus on disk."""

    directory: Path
    index: Mapping[str, Any]

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.index["at"])

    @property
    def moment(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def documents(self) -> Path:
        return self.directory / "documents"

    def trust(self) -> list[str]:
        return [str(self.directory / self.index["trust"]), str(self.directory / self.index["intermediates"])]

    def document(self, entry: str) -> bytes:
        return (self.documents / f"{entry}.xml").read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    directory = tmp_path_factory.mktemp("corpus")
    return Written(directory, write_corpus(directory))


def compare(name: str, accepted: Mapping[str, bool | None], written: Written, here: str) -> None:
    """What a library said of all documents, None where it broke down, with what the data say that it says.

    Another version than the measured one may judge otherwise: that is told, and is no fault of this tree.
    """
    library = libraries().libraries[name]
    rows = written.index["documents"]
    assert set(accepted) == {row["id"] for row in rows}
    otherwise = {row["id"] for row in rows if accepted[row["id"]] is not (row["verdict"] == "valid")}
    crashes = {entry for entry, answer in accepted.items() if answer is None}
    told = (
        f"{library.name} was measured with version {library.version}; here it is {here}. "
        f"Now also judged otherwise than the index: {sorted(otherwise - set(library.otherwise))}; no longer: "
        f"{sorted(set(library.otherwise) - otherwise)}; it breaks down on {sorted(crashes)}. Find out why, change "
        "sotepki/documents/corpus/libraries.yaml, and put the output of 'python -m "
        "sotepki.documents.corpus.libraries_document' into docs/signature-corpus.md."
    )
    if otherwise == set(library.otherwise) and crashes == set(library.crashes):
        return
    measured = library.version.split()[0].rstrip(",")
    if re.search(rf"(?<![\w.]){re.escape(measured)}(?!\d)", here) is None:
        pytest.skip(told)
    pytest.fail(told)


def told(lines: str) -> dict[str, bool | None]:
    """The answers of a program of ``corpus_libraries``: name of the file, verdict and reason on a line."""
    rows = [line.split("\t") for line in lines.splitlines()]
    verdicts = {"valid": True, "invalid": False, "crash": None}
    return {row[0].removesuffix(".xml"): verdicts[row[1]] for row in rows}


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def xmlsec1_accepts(
    written: Written, entry: str, *, keys: Sequence[str] = ("--enabled-key-data", "x509")
) -> bool | None:
    """The command of docs/signature-corpus.md; None if it was ended by a signal."""
    root, issuer = written.trust()
    command = ["xmlsec1", "--verify", *keys, "--id-attr:ID", "urn:hl7-org:v3:nonXMLBody",
               "--id-attr:ID", "urn:hl7finland:signatureTimestamp", "--trusted-pem", root, "--untrusted-pem", issuer,
               "--verification-gmt-time", written.at.strftime("%Y-%m-%d+%H:%M:%S"),
               str(written.documents / f"{entry}.xml")]  # fmt: skip
    code = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode
    return None if code < 0 else code == 0


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed")
def test_xmlsec1(written: Written) -> None:
    """The command, once for each document; it looks at the first signature."""
    accepted = {row["id"]: xmlsec1_accepts(written, row["id"]) for row in written.index["documents"]}
    compare("xmlsec1", accepted, written, run("xmlsec1", "--version").strip())


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed")
@pytest.mark.parametrize("entry", ["key.value-only", "key.value-beside"])
def test_xmlsec1_takes_a_bare_key_unless_it_is_told_not_to(written: Written, entry: str) -> None:
    """The page warns of it; a vendor who leaves the option out accepts a signature of anybody."""
    assert xmlsec1_accepts(written, entry, keys=()) is True
    assert xmlsec1_accepts(written, entry) is False
    assert entry in libraries().libraries["xmlsec1"].beware


def asks_for_non_repudiation(
    policy: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.content_commitment:
        raise ValueError("the certificate is not for signing documents")


def signxml_returns(written: Written, row: Mapping[str, Any], *, own_policy: bool = True) -> Sequence[bytes]:
    """What one call says was signed; nothing if it refuses.

    It is the call that signxml's documentation recommends for a CA of one's own and a known place of the signature.
    """
    bundle = written.directory / "trust" / "all.pem"
    bundle.write_bytes(b"".join(Path(file).read_bytes() for file in written.trust()))
    health = row["base"] == "health"
    place = "/".join(
        (*families()["patient-record" if health else "social-welfare"].carrier.path, finland("signature"))
    )
    expected = SignatureConfiguration(expect_references=2, location=f"./{place}/", verification_time=written.at)
    policy = verification.ExtensionPolicy.permit_all().require_present(
        x509.KeyUsage, verification.Criticality.AGNOSTIC, asks_for_non_repudiation
    )
    named = {"ee_policy": policy} if own_policy else {}
    try:
        results = XMLVerifier().verify(
            written.document(row["id"]), ca_pem_file=str(bundle), expect_config=expected, **named
        )
    except (SignXMLException, ValueError, TypeError, KeyError, AttributeError, etree.LxmlError):
        return ()
    return tuple(one.signed_data for one in results)


def test_signxml(written: Written) -> None:
    """The call of signxml's documentation; it looks at the signature at the place that it is told."""
    import importlib.metadata

    accepted = {row["id"]: bool(signxml_returns(written, row)) for row in written.index["documents"]}
    compare("signxml", accepted, written, importlib.metadata.version("signxml"))


def test_signxml_without_a_policy_refuses_every_card(written: Written) -> None:
    """The page says so, and what to give; a vendor meets it at the first document."""
    rows = {row["id"]: row for row in written.index["documents"]}
    answers = {
        entry: bool(signxml_returns(written, rows[entry], own_policy=False))
        for entry in ("valid.professional", "valid.professional-ec", "valid.system")
    }
    assert answers == {"valid.professional": False, "valid.professional-ec": False, "valid.system": True}


def test_what_signxml_returns_is_what_was_signed(written: Written) -> None:
    """The page advises to read from there: the forged body of a wrapped document is not in it."""
    rows = {row["id"]: row for row in written.index["documents"]}
    good = signxml_returns(written, rows["valid.professional"])
    assert [b"nonXMLBody" in good[0], b"signatureTimestamp" in good[1]] == [True, True]
    for entry in ("wrap.body-into-header", "wrap.body-in-object", "wrap.two-bodies", "wrap.timestamp-elsewhere"):
        assert signxml_returns(written, rows[entry]) == good, entry


@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler (Debian: default-jdk-headless)")
def test_the_jdk(written: Written, tmp_path: Path) -> None:
    """The example that vendors copy, as it stands, in one process."""
    run("javac", "-d", tmp_path, EXAMPLES / "java" / "Verifier.java", PROGRAMS / "CorpusRun.java")
    lines = run("java", "-cp", tmp_path, "CorpusRun", *written.trust(), written.moment, written.documents)
    compare("java", told(lines), written, run("java", "--version").splitlines()[0])


@needs_compiler
def test_mono(written: Written, tmp_path: Path) -> None:
    """The signatures of the example that vendors copy; of its chain, Mono cannot read the elliptic keys."""
    program = compiled(tmp_path / "CorpusRun.exe", PROGRAMS / "CorpusRun.cs")
    lines = run("mono", program, written.documents)
    compare("mono", told(lines), written, run("mono", "--version").splitlines()[0])


@needs_dotnet
def test_dotnet(written: Written, tmp_path: Path) -> None:
    """The same example, with the chain."""
    program = compiled(tmp_path / "CorpusRun.exe", PROGRAMS / "CorpusRun.cs")
    lines = run("dotnet", program, written.documents, *written.trust(), written.moment)
    compare("dotnet", told(lines), written, dotnet_version())


def has_xml_crypto() -> bool:
    """Whether NODE_PATH leads Node to xml-crypto, which is no dependency of the project."""
    if shutil.which("node") is None or "NODE_PATH" not in os.environ:
        return False
    asked = ["node", "-e", "require('xml-crypto'); require('@xmldom/xmldom')"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(
    not has_xml_crypto(),
    reason="on demand: 'npm install xml-crypto @xmldom/xmldom' somewhere, and set NODE_PATH to its node_modules",
)
def test_xml_crypto(written: Written) -> None:
    """On demand: two documents alone take it a minute and a half."""
    lines = run("node", PROGRAMS / "corpus_run.cjs", *written.trust(), written.moment, written.documents)
    version = "console.log(require('xml-crypto/package.json').version)"
    compare("xml-crypto", told(lines), written, run("node", "-e", version).strip())
