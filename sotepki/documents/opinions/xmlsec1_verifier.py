"""xmlsec1, the command of the XML Security Library, run as a program."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.documents.opinions.question import Question, Saying

SECONDS = 60
_IDS = ("urn:hl7-org:v3:nonXMLBody", "urn:hl7-org:v3:structuredBody", "urn:hl7finland:signatureTimestamp")
_LIMITS = {
    "verify certificate": "xmlsec1 does not find the chain good at its moment; sotepki judges it by RFC 5280.",
    "cert-verify": "xmlsec1 does not find the chain good at its moment; sotepki judges it by RFC 5280.",
    "transform is not": "This build of xmlsec1 leaves the algorithm out.",
    "id=": "xmlsec1 resolves identifiers only of elements that it was told of.",
}


def ask(question: Question) -> Saying:
    """Let xmlsec1 verify one signature, with the chain if roots are trusted."""
    program = shutil.which("xmlsec1")
    if program is None:
        return Saying(None, "The program xmlsec1 is not installed; 'apt install xmlsec1' adds it.")
    with tempfile.TemporaryDirectory(prefix="sotepki-") as name:
        directory = Path(name)
        file = directory / "document.xml"
        file.write_bytes(question.document)
        # A bare key in KeyInfo is anybody's: without this, xmlsec1 calls a signature good that a stranger made.
        command = [program, "--verify", "--enabled-key-data", "x509"]
        for identifier in _IDS:
            command += ["--id-attr:ID", identifier]
        command += ["--node-xpath", f"(//*[local-name()='Signature'])[{question.signature}]"]
        command += _trust(question, directory)
        try:
            done = subprocess.run(
                [*command, str(file)], capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Saying(None, f"xmlsec1 gave no answer: {type(error).__name__}.")
    if done.returncode == 0:
        return Saying(True)
    if done.returncode < 0:
        return Saying(None, f"xmlsec1 gave no answer: it was ended by signal {-done.returncode}.")
    return Saying(False, _reason(done.stderr + done.stdout), _LIMITS)


def _trust(question: Question, directory: Path) -> list[str]:
    context = question.context
    if not context.trust:
        return ["--insecure"]
    options = ["--trusted-pem", _pem(directory / "root.pem", context.trust)]
    for number, certificate in enumerate(context.intermediates):
        options += ["--untrusted-pem", _pem(directory / f"ca{number}.pem", [certificate])]
    return [*options, "--verification-gmt-time", context.at.strftime("%Y-%m-%d+%H:%M:%S")]


def _pem(path: Path, certificates: Sequence[x509.Certificate]) -> str:
    path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    return str(path)


def _reason(output: str) -> str:
    """The error that says most, without places in its source."""
    lines = [line for line in output.splitlines() if "error=" in line]
    telling = [line for line in lines if re.search(r"msg=|subject=|error=(?!1:)", line)]
    chosen = (telling or lines or output.strip().splitlines()[-1:] or ["nothing"])[0]
    return "It says: " + re.sub(r"^func=[^:]*:file=[^:]*:line=\d+:", "", chosen)[:250]
