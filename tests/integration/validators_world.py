"""Other validators over certificate vectors: each is asked for all of them, and gives its verdicts and its words."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from csharp_programs import compiled, dotnet_version
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from sotepki.evidence import Verdict
from sotepki.x509.purposes import Purpose
from sotepki.x509.second_opinions import Question, pem, pyca_opinion

JAVA = Path(__file__).parents[2] / "conformance" / "examples" / "java" / "PathValidator.java"
GO = Path(__file__).parents[2] / "conformance" / "examples" / "go" / "path_validator.go"
CSHARP = Path(__file__).parent / "vector_validators" / "VectorRun.cs"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"


@dataclass(frozen=True)
class Said:
    """A verdict on one vector, and the words that came with it."""

    verdict: Verdict
    words: str


@dataclass(frozen=True)
class Answers:
    """What a validator of a version said of all vectors, by id."""

    version: str
    said: Mapping[str, Said]


def asked_gnutls(questions: Mapping[str, Question], place: Path) -> Answers:
    """certtool and ocsptool, started for each vector (10 ms)."""
    first = subprocess.run(["certtool", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[
        0
    ]
    said = {name: _gnutls(question, place) for name, question in questions.items()}
    return Answers(first.split()[-1], said)


def _gnutls(question: Question, place: Path) -> Said:
    for name, label, blocks in (
        ("chain", "CERTIFICATE", (question.certificate, *question.issuers)),
        ("trust", "CERTIFICATE", question.trust),
        ("issuers", "CERTIFICATE", question.issuers),
        ("crls", "X509 CRL", question.crls),
    ):
        (place / f"{name}.pem").write_text("".join(pem(label, block) for block in blocks), encoding="ascii")
    command = ["certtool", "--verify", "--load-ca-certificate", "trust.pem", "--infile", "chain.pem"]
    command += ["--load-crl", "crls.pem"] if question.crls else []
    command += ["--verify-purpose", SERVER_AUTH] if question.purpose is Purpose.TLS_SERVER else []
    verified, words = _run(command, place)
    if verified and question.ocsp:
        (place / "answer.der").write_bytes(question.ocsp[0])
        command = ["ocsptool", "--verify-response", "--load-response", "answer.der", "--load-trust", "issuers.pem"]
        verified, words = _run(command, place)
        verified = verified and "Certificate Status: good" in words
    return Said(Verdict.VALID if verified else Verdict.INVALID, words[-300:])


def _run(command: list[str], place: Path) -> tuple[bool, str]:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def asked_jdk(vectors: Path, *options: str) -> Answers:
    """The example in Java over a directory of vectors, in one run."""
    shown = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    done = subprocess.run(
        ["java", str(JAVA), str(vectors), *options], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r'"([0-9.]+)', shown)
    assert found is not None, shown
    return Answers(found[1], _told(done.stdout))


def asked_dotnet(vectors: Path, place: Path) -> Answers:
    """X509Chain over a directory of vectors, in one run."""
    program = compiled(place / "VectorRun.exe", CSHARP)
    done = subprocess.run(
        ["dotnet", str(program), str(vectors)], capture_output=True, text=True, timeout=120, check=True
    )
    return Answers(dotnet_version(), _told(done.stdout))


def asked_go(vectors: Path, place: Path) -> Answers:
    """The example in Go over a directory of vectors, in one run."""
    shown = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    program = place / "path_validator"
    # What Go compiles it keeps, and fetches nothing: a newer Go least of all.
    around = {**os.environ, "GOCACHE": str(place / "cache"), "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    build = ["go", "build", "-o", str(program), str(GO)]
    subprocess.run(build, env=around, capture_output=True, timeout=300, check=True)
    done = subprocess.run([str(program), str(vectors)], capture_output=True, text=True, timeout=120, check=True)
    return Answers(shown.strip().removeprefix("go"), _told(done.stdout))


def _told(lines: str) -> dict[str, Said]:
    rows = [line.split("\t") for line in lines.splitlines()]
    return {name: Said(Verdict(verdict), words) for name, verdict, words in rows}


def asked_certvalidator(questions: Mapping[str, Question]) -> Answers:
    """pyhanko-certvalidator as its documentation shows it, without what our path validation adds."""
    said = {name: _certvalidator(question) for name, question in questions.items()}
    return Answers(version("pyhanko-certvalidator"), said)


def _certvalidator(question: Question) -> Said:
    load = asn1_x509.Certificate.load
    usages = {"server_auth"} if question.purpose is Purpose.TLS_SERVER else set()
    try:
        context = ValidationContext(
            trust_roots=[load(one) for one in question.trust],
            moment=question.at,
            crls=[asn1_crl.CertificateList.load(one) for one in question.crls],
            ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in question.ocsp],
            revocation_mode="require",
            allow_fetching=False,
        )
        issuers = [load(one) for one in question.issuers]
        validator = CertificateValidator(load(question.certificate), issuers, context)
        asyncio.run(validator.async_validate_usage(set(), usages))
    # What asn1crypto cannot read it says with ValueError or TypeError, some of it only deep inside the validation.
    except (PathError, ValidationError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        return Said(Verdict.INVALID, f"{type(error).__name__}: {error}")
    return Said(Verdict.VALID, "")


def asked_pyca(questions: Mapping[str, Question]) -> Answers:
    """pyca's verifier, as our second opinion asks it."""
    opinions = {name: pyca_opinion(question) for name, question in questions.items()}
    said = {name: Said(opinion.verdict, opinion.words) for name, opinion in opinions.items()}
    return Answers(version("cryptography"), said)


def missing_program(name: str, package: str) -> str:
    """Why a validator cannot be asked; empty if it can."""
    return "" if shutil.which(name) else f"There is no program {name} (Debian: {package})."


missing_gnutls = partial(missing_program, "certtool", "gnutls-bin")
missing_jdk = partial(missing_program, "java", "default-jdk-headless")
missing_go = partial(missing_program, "go", "golang-go of Debian 13 or newer")
