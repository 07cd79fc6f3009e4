"""Second opinions on a path: pyca's verifier, and the ``openssl`` program.

Each judges what it can see. pyca's verifier looks at no revocation and no purpose but TLS; ``openssl verify`` knows
no purpose of signing. What one cannot see is left out when its verdict is compared with ours.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp, verification

from sotepki.clock import Clock, SystemClock
from sotepki.evidence import Finding, Severity, Verdict
from sotepki.x509.purposes import Purpose
from sotepki.x509.rulebook import rulebook

_SECONDS = 30
_BLIND = {"openssl": ("path.purpose.",), "pyca": ("path.purpose.", "path.revo", "path.policy")}
_TLS = {Purpose.TLS_SERVER: "sslserver", Purpose.TLS_CLIENT: "sslclient"}


class Judge(StrEnum):
    """Who may be asked."""

    PYCA = "pyca"
    OPENSSL = "openssl"


@dataclass(frozen=True)
class Question:
    """A path to be judged, as DER bytes: the certificate may be broken, the rest too.

    ``crls`` and ``ocsp`` empty: revocation is not looked at. ``purpose`` matters for TLS only.
    """

    certificate: bytes
    issuers: Sequence[bytes]
    trust: Sequence[bytes]
    crls: Sequence[bytes]
    ocsp: Sequence[bytes]
    at: datetime
    purpose: Purpose


@dataclass(frozen=True)
class Opinion:
    """What a judge says, in its own words; ``verdict`` indeterminate: it could not be asked."""

    judge: Judge
    verdict: Verdict
    words: str


def opinion_of(judge: Judge, question: Question) -> Opinion:
    """Ask one judge."""
    return pyca_opinion(question) if judge is Judge.PYCA else openssl_opinion(question)


def disagreements(findings: Sequence[Finding], opinions: Sequence[Opinion]) -> Iterator[Finding]:
    """A finding for each opinion that differs from ours, in what its judge can see."""
    for opinion in opinions:
        if opinion.verdict is Verdict.INDETERMINATE:
            message = f"No opinion of {opinion.judge} was to be had."
            yield rulebook().finding("path.opinion.missing", message, found=opinion.words)
            continue
        blind = _BLIND[opinion.judge]
        seen = [one for one in findings if one.severity is Severity.ERROR and not one.rule.startswith(blind)]
        ours = Verdict.INVALID if seen else Verdict.VALID
        if ours is not opinion.verdict:
            message = f"{opinion.judge} judges otherwise."
            expected = f"{ours}" + (f" ({seen[0].rule})" if seen else "")
            yield rulebook().finding(
                f"path.opinion.{opinion.judge}",
                message,
                expected=expected,
                found=f"{opinion.verdict}: {opinion.words}",
            )


def pyca_opinion(question: Question) -> Opinion:
    """The verdict of ``cryptography.x509.verification``: its rules for CAs, none for the certificate itself."""
    try:
        leaf = x509.load_der_x509_certificate(question.certificate)
        store = verification.Store([x509.load_der_x509_certificate(one) for one in question.trust])
        builder = (
            verification.PolicyBuilder()
            .store(store)
            .time(question.at.astimezone(UTC).replace(tzinfo=None))
            .extension_policies(
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
                ee_policy=verification.ExtensionPolicy.permit_all(),
            )
        )
        issuers = [x509.load_der_x509_certificate(one) for one in question.issuers]
        builder.build_client_verifier().verify(leaf, issuers)
    except verification.VerificationError as error:
        return Opinion(Judge.PYCA, Verdict.INVALID, str(error))
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension) as error:
        return Opinion(Judge.PYCA, Verdict.INVALID, f"not readable: {str(error)[:160]}")
    return Opinion(Judge.PYCA, Verdict.VALID, "a path was found")


def openssl_opinion(question: Question, clock: Clock | None = None) -> Opinion:
    """The verdict of ``openssl verify`` and, where an OCSP answer is given, of ``openssl ocsp``.

    Without lists and answers no revocation is asked for.
    """
    program = shutil.which("openssl")
    if program is None:
        return Opinion(Judge.OPENSSL, Verdict.INDETERMINATE, "there is no program openssl")
    with tempfile.TemporaryDirectory(prefix="sotepki-openssl-") as name:
        directory = Path(name)
        _write(directory / "certificate.pem", "CERTIFICATE", [question.certificate])
        _write(directory / "issuers.pem", "CERTIFICATE", question.issuers)
        _write(directory / "trust.pem", "CERTIFICATE", question.trust)
        _write(directory / "crls.pem", "X509 CRL", question.crls)
        try:
            said = _verify(program, directory, question)
            if said is None and question.ocsp:
                said = _ocsp(program, directory, question, clock or SystemClock())
        except (OSError, subprocess.TimeoutExpired) as error:
            return Opinion(Judge.OPENSSL, Verdict.INDETERMINATE, str(error))
    if said is None:
        return Opinion(Judge.OPENSSL, Verdict.VALID, "OK")
    return Opinion(Judge.OPENSSL, Verdict.INVALID, said)


def _verify(program: str, directory: Path, question: Question) -> str | None:
    """None if ``openssl verify`` accepts, else its reason."""
    command = [program, "verify", "-no-CApath", "-no-CAstore", "-CAfile", "trust.pem", "-auth_level", "1"]
    command += ["-attime", str(int(question.at.timestamp())), "-purpose", _TLS.get(question.purpose, "any")]
    if question.issuers:
        command += ["-untrusted", "issuers.pem"]
    if question.crls:
        command += ["-CRLfile", "crls.pem", "-crl_check"]
        # An OCSP answer stands for the certificate's own list; openssl knows no mixture, so the lists rest then.
        command += ["-crl_check_all"] if not question.ocsp else []
    if question.crls and question.ocsp:
        command = [word for word in command if word not in ("-crl_check", "-CRLfile", "crls.pem")]
    done = _run([*command, "certificate.pem"], directory)
    return None if done.returncode == 0 else _reason(done)


def _ocsp(program: str, directory: Path, question: Question, clock: Clock) -> str | None:
    """None if ``openssl ocsp`` accepts an answer that says good, else its reason."""
    if not question.issuers:
        return "no issuer was given"
    (directory / "answer.der").write_bytes(question.ocsp[0])
    _write(directory / "issuer.pem", "CERTIFICATE", question.issuers[:1])
    # openssl compares the times of an answer with the machine's clock only.
    leeway = int(abs((clock.now() - question.at).total_seconds())) + 60
    # openssl looks for the CertID with the hash it is told, so it is told that of the answer.
    command = [program, "ocsp", "-respin", "answer.der", "-issuer", "issuer.pem", f"-{_id_hash(question.ocsp[0])}"]
    command += ["-cert", "certificate.pem"]
    command += ["-CAfile", "trust.pem", "-no-CApath", "-no-CAstore", "-no_nonce", "-validity_period", str(leeway)]
    command += ["-attime", str(int(question.at.timestamp()))]
    done = _run(command, directory)
    output = done.stdout + done.stderr
    if done.returncode == 0 and "certificate.pem: good" in output and "Response verify OK" in output:
        return None if "WARNING" not in output else _reason(done)
    return _reason(done)


def _id_hash(answer: bytes) -> str:
    try:
        return next(ocsp.load_der_ocsp_response(answer).responses).hash_algorithm.name
    except (ValueError, StopIteration, UnsupportedAlgorithm):
        return "sha256"


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=_SECONDS, check=False)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    # The store's complaint about "scheme=file" comes with every failure and says nothing.
    lines = [line for line in lines if "STORE routines" not in line]
    for mark in ("error ", "Error", "rror:", "revoked", "unknown", "WARNING", "Could not", "nable"):
        for line in lines:
            if mark in line:
                return line[:200]
    return (lines or ["no reason was given"])[-1][:200]


def _write(path: Path, label: str, blocks: Sequence[bytes]) -> None:
    path.write_text("".join(pem(label, block) for block in blocks), encoding="ascii")


def pem(label: str, data: bytes) -> str:
    """Bytes as a PEM block under a label, whatever they are."""
    encoded = base64.b64encode(data).decode("ascii")
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def question_of(
    certificate: x509.Certificate,
    *,
    issuers: Sequence[x509.Certificate],
    trust: Sequence[x509.Certificate],
    crls: Sequence[x509.CertificateRevocationList],
    ocsp_responses: Sequence[ocsp.OCSPResponse],
    at: datetime,
    purpose: Purpose,
) -> Question:
    """A question about parsed certificates; of OCSP answers only those about the certificate itself count."""
    der = Encoding.DER
    answers = [
        one.public_bytes(der)
        for one in ocsp_responses
        if one.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
        and any(single.serial_number == certificate.serial_number for single in one.responses)
    ]
    return Question(
        certificate.public_bytes(der),
        [one.public_bytes(der) for one in issuers],
        [one.public_bytes(der) for one in trust],
        [one.public_bytes(der) for one in crls],
        answers,
        at,
        purpose,
    )
